import { ActionIcon } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import type { DeadLetter, Page, SourceStatus } from "../api/types";
import { formatAgo, formatBytes, formatCount, formatMilliseconds, formatShort, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { searchTerm } from "../lib/search_text";
import { useScope } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Confirm } from "../ui/confirm";
import { Icon } from "../ui/icons";
import { Loaded, Notice } from "../ui/states";
import { TabList } from "../ui/tab_list";
import { say } from "../ui/toast";
import { stateIcons, stateNames } from "./state";

const tabs = { overview: "Overview", refused: "Refused records" } as const;

export function SourcePanel({ source, close, showSecret }: { source: SourceStatus; close: () => void; showSecret: (secret: string) => void }) {
  const { busy, change } = useChange(["sources", "overview"]);
  const [tab, setTab] = useState<keyof typeof tabs>("overview");
  const [deleting, setDeleting] = useState(false);
  const scope = useScope();
  const path = `/sources/${encodeURIComponent(source.name)}`;
  const params = new URLSearchParams(scope.query);
  params.set("q", searchTerm("source", source.name));
  const foreign = source.origin === "api" ? undefined : source.origin === "config" ? "It stands in tocsin.yaml: remove it there" : "It is built in: it can only be switched off";
  return (
    <aside className="panel" aria-label="Source">
      <div className="panel-head">
        <div className="row"><span className={`row state-${source.state}`} style={{ gap: 6 }}><Icon name={stateIcons[source.state]} size={14} /><b>{stateNames[source.state]}</b></span><div className="grow" />
          <ActionIcon variant="subtle" color="gray" className="icon-button" aria-label="Close panel" onClick={close}><Icon name="close" /></ActionIcon></div>
        <div className="panel-title">{source.name}</div>
        <div className="row wrap">
          <AllowedButton right="sources.write" size="compact-xs" variant="default" loading={busy} onClick={() => { void change("Switching", source.enabled ? `"${source.name}" is off` : `"${source.name}" is on`, () => api.patch(path, { enabled: !source.enabled })); }}>{source.enabled ? "Switch off" : "Switch on"}</AllowedButton>
          {source.kind === "http" && <AllowedButton right="sources.write" size="compact-xs" variant="default" onClick={() => { void change("New token", "", async () => { showSecret((await api.post<{ token: string }>(`${path}/token`)).token); }); }}>New token</AllowedButton>}
          <AllowedButton right="sources.write" also={foreign} size="compact-xs" variant="default" onClick={() => setDeleting(true)}>Delete</AllowedButton>
          <Link to={`/search?${params}`}>Its events</Link>
        </div>
        <TabList label="Parts of the source" tabs={tabs} value={tab} onChange={setTab} />
      </div>
      <div className="panel-body" tabIndex={0} role="tabpanel" aria-label={tabs[tab]}>
        {tab === "overview" ? <Facts source={source} /> : <DeadLetters source={source.name} />}
      </div>
      <Confirm opened={deleting} title={`Delete "${source.name}"?`} action="Delete" close={() => setDeleting(false)} busy={busy}
               run={() => { void change("Deleting", `"${source.name}" deleted`, () => api.delete(path)).then((done) => { setDeleting(false); if (done) close(); }); }}>
        <p>It will receive nothing any more, and {formatCount(source.rules)} rules lose it. Its stored events stay.</p>
      </Confirm>
    </aside>
  );
}

function Facts({ source }: { source: SourceStatus }) {
  const refused = Object.entries(source.refused).sort((a, b) => b[1] - a[1]);
  return (
    <>
      {source.problem && <Notice kind="error">{source.problem}</Notice>}
      {source.state === "silent" && <Notice>Silent since {formatTime(source.silent_since)}. {source.expected?.per_hour ? `About ${formatShort(source.expected.per_hour)} records an hour are expected at this time of the week. ` : ""}{formatCount(source.rules)} rules that depend on it may see nothing.</Notice>}
      <dl className="facts">
        <dt>Kind</dt><dd>{source.kind}</dd><dt>Where</dt><dd className="mono">{source.where}</dd><dt>Format</dt><dd>{source.format || "told from the content"}</dd>
        <dt>Tenant, site</dt><dd>{source.tenant}, {source.site}</dd><dt>Made by</dt><dd>{{ api: "a user", config: "tocsin.yaml", "built-in": "built in" }[source.origin]}</dd>
        <dt>Last received</dt><dd>{source.last_received_at ? `${formatTime(source.last_received_at)} (${formatAgo(source.last_received_at)})` : "never"}</dd>
        <dt>Rate</dt><dd>{formatShort(source.records_per_s)} records, {formatBytes(source.bytes_per_s)} a second</dd><dt>Lag</dt><dd>{formatMilliseconds(source.lag_ms)}</dd>
        <dt>Received</dt><dd>{formatCount(source.records)} records, {formatBytes(source.bytes)}, {formatCount(source.events)} events</dd>
        <dt>Expected</dt><dd>{source.expected && source.expected.per_hour !== null ? `${formatShort(source.expected.per_hour)} an hour, learned over ${source.expected.learned_hours} hours` : "not learned yet"}</dd>
        <dt>Rules</dt><dd>{formatCount(source.rules)} depend on it</dd><dt>Unreadable</dt><dd>{formatCount(source.bad_records)} records</dd>
      </dl>
      <section className="stack" style={{ gap: 6 }}><h2>Refused, by cause</h2>
        {refused.length === 0 ? <p className="muted">None.</p> : <table className="table"><tbody>{refused.map(([cause, count]) => <tr key={cause}><td>{cause}</td><td className="num">{formatCount(count)}</td></tr>)}</tbody></table>}
      </section>
    </>
  );
}

function DeadLetters({ source }: { source: string }) {
  const query = useQuery({ queryKey: ["dead-letters", source], queryFn: ({ signal }) => api.get<Page<DeadLetter> & { total: number }>("/dead-letters", { source, limit: 100 }, signal) });
  const { busy, change } = useChange(["dead-letters", "sources"]);
  return (
    <Loaded query={query} what="Refused records">
      {({ items, total }) => total === 0 ? <p className="muted">No record of this source was refused.</p> : (
        <>
          <div className="row"><span className="grow">{formatCount(total)} records{items.length < total ? `; the last ${items.length} are shown` : ""}</span>
            <AllowedButton right="sources.write" size="compact-xs" variant="default" loading={busy} onClick={() => { void change("Reading again", "", async () => { const done = await api.post<{ tried: number; recovered: number }>("/dead-letters/rerun", { source }); say(`${done.recovered} of ${done.tried} records could be read now`); }); }}>Read again</AllowedButton></div>
          {items.map((item) => (
            <div key={`${item.sequence} ${item.offset}`} className="stack" style={{ gap: 3 }}>
              <div className="row"><b>{item.cause}</b><span className="muted">{formatTime(item.received_at)} {item.peer && `from ${item.peer}`}</span></div>
              <div className="muted">{item.detail}</div><pre className="code" tabIndex={0} role="region" aria-label={`Sample ${item.sequence}`}>{item.sample}</pre>
            </div>
          ))}
        </>
      )}
    </Loaded>
  );
}
