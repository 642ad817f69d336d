// One finding: why it fired, its incident, how common its values are, what is near it, what to do next, the raw event.
import { ActionIcon, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router-dom";
import { api, Problem } from "../api/client";
import type { EventRecord, FindingDetail, Related } from "../api/types";
import { numberOf } from "../incidents/names";
import { formatTime } from "../lib/format";
import { useScope, useUrlState } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Code, json } from "../ui/code";
import { EventFields } from "../ui/event_fields";
import { Icon } from "../ui/icons";
import { Severity } from "../ui/severity";
import { Empty, Failed, Loaded, Loading } from "../ui/states";
import { TabList } from "../ui/tab_list";
import { copyText } from "../ui/toast";
import { Value, type ValueAction } from "../ui/value_menu";
import { tacticName, tacticOrder } from "./attack_names";
import "../incidents/incidents.css";
import { InIncident, Near, Prevalence, WhatNext } from "./context";
import { RelatedList } from "./related_list";
import { WhyItFired } from "./why";

const SuppressDialog = lazy(() => import("../tuning/suppress_dialog"));

const tabs = { overview: "Overview", event: "Events", related: "Related", ocsf: "OCSF JSON" } as const;
type Tab = keyof typeof tabs;

// `blind`: for whom judges its incident again and must not see what became of it.
export function FindingPanel({ id, close, actionsOf, blind = false }: { id: string; close: () => void; actionsOf: (field: string, value: string) => ValueAction[]; blind?: boolean }) {
  const [tab, setTab] = useState<Tab>("overview");
  const [suppressing, setSuppressing] = useState(false);
  const scope = useScope();
  const query = useQuery({ queryKey: ["finding", id], queryFn: ({ signal }) => api.get<FindingDetail>(`/findings/${encodeURIComponent(id)}`, undefined, signal), staleTime: 60_000 });
  const finding = query.data;
  return (
    <aside className="panel" aria-label="Finding">
      <div className="panel-head">
        <div className="row">
          {finding && <Severity level={finding.level} />}
          {finding && <span className="muted">{formatTime(finding.time)}</span>}
          <div className="grow" />
          <Tooltip label="Copy the link to this finding">
            <ActionIcon variant="subtle" color="gray" className="icon-button" aria-label="Copy link" onClick={() => { void copyText(window.location.href, "Link copied"); }}><Icon name="copy" /></ActionIcon>
          </Tooltip>
          <ActionIcon variant="subtle" color="gray" className="icon-button" aria-label="Close panel" onClick={close}><Icon name="close" /></ActionIcon>
        </div>
        {finding && <div className="panel-title">{finding.rule_title}</div>}
        {finding && !blind && (
          <div className="row">
            <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={() => setSuppressing(true)}>Suppress …</AllowedButton>
            {finding.incident && <Link to={`/incidents/${numberOf(finding.incident)}${scope.query}`}>Open incident</Link>}
          </div>
        )}
        <TabList label="Parts of the finding" tabs={tabs} value={tab} onChange={setTab} />
      </div>
      <div className="panel-body" tabIndex={0} role="tabpanel" aria-label={tabs[tab]}>
        {query.isPending ? <Loading what="the finding" />
          : query.error instanceof Problem && query.error.status === 404 ? <Empty title="This finding is not here any more">It may have been older than the time findings are kept, or of a tenant you may not see.</Empty>
          : query.error ? <Failed what="The finding" error={query.error} retry={() => { void query.refetch(); }} />
          : tab === "overview" ? <OverviewTab finding={query.data} actionsOf={actionsOf} blind={blind} />
          : tab === "event" ? <EventTab finding={query.data} />
          : tab === "related" ? <RelatedTab id={id} />
          : <Code text={json(query.data.ocsf)} label="OCSF JSON" />}
      </div>
      {suppressing && <Suspense fallback={null}><SuppressDialog finding={id} close={() => setSuppressing(false)} /></Suspense>}
    </aside>
  );
}

function OverviewTab({ finding, actionsOf, blind }: { finding: FindingDetail; actionsOf: (field: string, value: string) => ValueAction[]; blind: boolean }) {
  const scope = useScope();
  const fields: [string, string, string][] = [
    ["Host", "host", finding.host], ["User", "user", finding.user], ["Source", "source", finding.source],
    ["Tenant", "tenant", finding.tenant], ["Site", "site", finding.site],
  ];
  const first = finding.events[0];
  const shown = first ? highlights(first) : [];
  return (
    <>
      <p className="reason">{finding.reason || finding.rule_title}</p>
      <section className="stack" style={{ gap: 8 }} aria-label="Why it fired"><h2>Why it fired</h2><WhyItFired why={finding.why} /></section>
      {!blind && <InIncident id={finding.incident ?? null} />}
      <Prevalence finding={finding} />
      <Near finding={finding} />
      <WhatNext finding={finding} blind={blind} />
      {first?.raw && <section className="stack" style={{ gap: 8 }}><h2>Raw event</h2><Code text={first.raw} label="Raw event" /></section>}
      <section className="stack" style={{ gap: 8 }}>
        <h2>Highlighted fields</h2>
        <dl className="facts">
          {fields.filter(([, , value]) => value).map(([label, field, value]) => (
            <div key={field} style={{ display: "contents" }}><dt>{label}</dt><dd><Value field={field} value={value} actions={actionsOf(field, value)} /></dd></div>
          ))}
          {shown.map(([name, value]) => (
            <div key={name} style={{ display: "contents" }}><dt className="mono">{name}</dt><dd className="mono"><Value field={name} value={value}><span style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{value}</span></Value></dd></div>
          ))}
        </dl>
      </section>
      {(finding.tactics.length > 0 || finding.techniques.length > 0) && (
        <section className="stack" style={{ gap: 8 }}>
          <h2>ATT&amp;CK</h2>
          <div className="chain">
            {[...finding.tactics].sort((a, b) => tacticOrder.indexOf(a) - tacticOrder.indexOf(b)).map((tactic, i) => (
              <span key={tactic} className="row" style={{ gap: 6 }}>{i > 0 && <Icon name="right" size={10} className="muted" />}<span className="tactic">{tacticName(tactic)}</span></span>
            ))}
          </div>
          <div className="chips">
            {finding.techniques.map((technique) => <Value key={technique} field="technique" value={technique} actions={actionsOf("technique", technique)}><span className="chip mono">{technique}</span></Value>)}
          </div>
        </section>
      )}
      <section className="stack" style={{ gap: 8 }}>
        <h2>Times and rule</h2>
        <dl className="facts">
          <dt>Event</dt><dd>{formatTime(finding.time, true)}</dd>
          <dt>Received</dt><dd>{formatTime(finding.received_at, true)}</dd>
          <dt>Detected</dt><dd>{formatTime(finding.detected_at, true)}</dd>
          {finding.event_count > 1 && <><dt>Events</dt><dd>{finding.event_count}</dd></>}
          <dt>Rule</dt><dd><Link to={`/rules/${encodeURIComponent(finding.rule_id)}${scope.query}`}>{finding.rule_title}</Link></dd>
          {finding.rule?.description && <><dt>About</dt><dd>{finding.rule.description}</dd></>}
        </dl>
      </section>
    </>
  );
}

// What an analyst looks at first in an event, as far as it has it.
const important = ["process_name", "process_cmd_line", "parent_name", "parent_cmd_line", "actor_user", "file_path", "registry_key", "hashes", "src_ip", "src_port", "dst_ip", "dst_port", "domain", "url", "http_user_agent", "event_code", "message"];
function highlights(event: EventRecord): [string, string][] {
  return important.flatMap((name): [string, string][] => {
    const value = event[name];
    return value === undefined || value === null || value === "" || value === 0 ? [] : [[name, String(value)]];
  });
}

function EventTab({ finding }: { finding: FindingDetail }) {
  if (finding.events.length === 0) return <Empty title="No event of this finding is stored">It may be past the time events are kept, or not yet written.</Empty>;
  return (
    <>
      {finding.event_count > finding.events.length && <p className="muted">{finding.events.length} of {finding.event_count} events are shown.</p>}
      {finding.events.map((event) => (
        <section key={event.id} className="stack" style={{ gap: 8 }}>
          <h2>Event {event.id}</h2>
          <EventFields event={event} />
          {event.raw && <Code text={event.raw} label={`Raw event ${event.id}`} />}
        </section>
      ))}
    </>
  );
}

const relatedNames: [keyof Related, string][] = [["same_event", "Same event"], ["same_host", "Same host"], ["same_user", "Same user"], ["same_rule", "Same rule"]];

function RelatedTab({ id }: { id: string }) {
  const query = useQuery({ queryKey: ["related", id], queryFn: ({ signal }) => api.get<Related>(`/findings/${encodeURIComponent(id)}/related`, undefined, signal) });
  const { set } = useUrlState();
  return (
    <Loaded query={query} what="Related findings">
      {(related) => (
        <>
          <p className="muted">Within a day before and after, at most 20 each.</p>
          {relatedNames.map(([key, name]) => (
            <section key={key} className="stack" style={{ gap: 6 }}>
              <h2>{name} <span className="muted">{related[key].length}</span></h2>
              {related[key].length === 0 ? <p className="muted">None.</p> : <RelatedList items={related[key]} open={(other) => set({ id: other })} />}
            </section>
          ))}
        </>
      )}
    </Loaded>
  );
}
