// Rules that decide without a person: what they would have done is shown before they are switched on.
import { Button, Select, Switch } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { TriageDryRun, TriageRule } from "../api/types";
import { numberOf } from "../incidents/names";
import { formatAgo, formatCount, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { useOptional } from "../lib/optional";
import { useScope } from "../lib/url_state";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { Empty, Failed, Loaded, Loading, Notice } from "../ui/states";
import { useQuery } from "@tanstack/react-query";

export const kTriageRight = "rules.write";

export default function TriageRules() {
  const { may } = useSession();
  const { busy, change } = useChange(["triage-rules"]);
  const [trying, setTrying] = useState<TriageRule | null>(null);
  const query = useOptional<{ items: TriageRule[] }>(["triage-rules"], "/triage/rules");
  const reason = may(kTriageRight) ? undefined : `Needs the right "${kTriageRight}", which your role does not have`;
  return (
    <Loaded query={query} what="Triage rules">
      {(data) => data === null ? <Empty title="This server has no triage rules">A newer one is needed for them.</Empty>
        : data.items.length === 0 ? <div className="card"><Empty title="No triage rule">They are files of the folder content/triage.</Empty></div> : (
        <div className="stack" style={{ flex: "none" }}>
          <p className="muted">What they do is in the activity of each incident, and can be taken back there.</p>
          {data.items.map((rule) => (
            <section key={rule.id} className="card stack" style={{ gap: 8 }} aria-label={rule.title}>
              <div className="row wrap"><h2>{rule.title}</h2><span className="muted mono">{rule.file}</span><div className="grow" />
                <span className="muted">{rule.hits > 0 ? `${rule.hits === 1 ? "once" : `${formatCount(rule.hits)} times`}, last ${formatAgo(rule.last_hit)}` : "has not acted yet"}</span>
                <Button size="compact-xs" variant="default" onClick={() => setTrying(rule)} aria-label={`Dry run of ${rule.title}`}>Dry run …</Button>
                <Switch size="xs" label={rule.enabled ? "On" : "Off"} aria-label={`${rule.title}: ${rule.enabled ? "on" : "off"}`} title={reason} checked={rule.enabled} disabled={busy || reason !== undefined} onChange={(event) => { const enabled = event.currentTarget.checked; void change("Switching it", `"${rule.title}" is ${enabled ? "on" : "off"}`, () => api.patch(`/triage/rules/${encodeURIComponent(rule.id)}`, { enabled })); }} /></div>
              {rule.description && <p>{rule.description}</p>}
              {rule.problem && <Notice kind="error">{rule.problem}</Notice>}
              <dl className="facts"><dt>When</dt><dd style={{ whiteSpace: "pre-wrap" }}>{rule.when}</dd><dt>Then</dt><dd>{rule.outcomes.map((outcome) => <div key={outcome}>{outcome}</div>)}</dd>{rule.last_hit && <><dt>Last</dt><dd>{formatTime(rule.last_hit)}</dd></>}</dl>
            </section>
          ))}
          {trying && <DryRun rule={trying} close={() => setTrying(null)} />}
        </div>
      )}
    </Loaded>
  );
}

function DryRun({ rule, close }: { rule: TriageRule; close: () => void }) {
  const scope = useScope();
  const [days, setDays] = useState("30");
  const query = useQuery({ queryKey: ["triage-rules", "dry-run", rule.id, days], gcTime: 0, retry: false, queryFn: ({ signal }) => api.post<TriageDryRun>("/triage/rules/dry-run", { id: rule.id, days: Number(days) }, signal) });
  return (
    <Dialog opened onClose={close} title={`Dry run: ${rule.title}`} size="xl">
      <div className="stack">
        <Select size="xs" w={150} aria-label="Days to look back" allowDeselect={false} value={days} data={["7", "30", "90"].map((value) => ({ value, label: `last ${value} days` }))} onChange={(value) => setDays(value ?? "30")} />
        {query.error ? <Failed what="The dry run" error={query.error} retry={() => { void query.refetch(); }} /> : !query.data ? <Loading what="what it would have done" /> : (
          <>
            <p role="status"><b>{formatCount(query.data.matches.length)}</b> of {formatCount(query.data.looked_at)} incidents would have been decided by it. Nothing is changed by this.</p>
            {!query.data.complete && <Notice kind="info">Not all incidents of these days were looked at: there may be more.</Notice>}
            {query.data.matches.length > 0 && <div className="table-wrap preview" tabIndex={0} role="region" aria-label="What it would have done"><table className="table"><thead><tr><th>Incident</th><th>What it would have done</th></tr></thead>
              <tbody>{query.data.matches.map((match) => <tr key={match.incident}><td><Link to={`/incidents/${numberOf(match.incident)}${scope.query}`}>{match.incident}</Link> {match.title}</td><td>{match.outcomes.join("; ")}</td></tr>)}</tbody></table></div>}
          </>
        )}
        <div className="row"><div className="grow" /><Icon name="ok" size={13} className="muted" /><Button variant="default" onClick={close}>Close</Button></div>
      </div>
    </Dialog>
  );
}
