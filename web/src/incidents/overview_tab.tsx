// What an incident is about at one look: how far it got, who and what is in it, what it resembles.
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import type { IncidentDetail, SimilarIncident } from "../api/types";
import { tacticName, tacticOrder } from "../findings/attack_names";
import { formatCount, formatTime } from "../lib/format";
import { Loaded } from "../ui/states";
import { IncidentRows } from "./columns";
import { entityPath, formatDuration, kindName, measureList, measureNames, numberOf, roleNames } from "./names";
import { ScoreParts } from "./score";

const kShownEntities = 100;
const counted = (count: number, what: string) => `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;

export function OverviewTab({ incident, query }: { incident: IncidentDetail; query: string }) {
  return (
    <>
      {incident.summary && <section className="card" aria-label="Summary"><p className="summary">{incident.summary}</p></section>}
      <section className="card" aria-label="Stages"><div className="card-head"><h2>Stages along ATT&amp;CK</h2><span className="muted">{counted(incident.techniques.length, "technique")}</span></div><Stages incident={incident} /><p className="muted">{incident.techniques.join(", ")}</p></section>
      <div className="cards">
        <section className="card span-7" aria-label="Scope"><div className="card-head"><h2>Scope</h2><span className="muted">{counted(incident.host_count, "host")}, {counted(incident.user_count, "user")}, {counted(incident.rule_count, "rule")}</span></div><Scope incident={incident} query={query} /></section>
        <div className="span-5 stack">
          <section className="card" aria-label="Score"><div className="card-head"><h2>Score</h2></div><ScoreParts parts={incident.score_parts} score={incident.score} /></section>
          <section className="card" aria-label="Times"><div className="card-head"><h2>Times</h2></div><Times incident={incident} /></section>
        </div>
      </div>
      <Similar incident={incident} query={query} />
      {incident.links.length > 0 && (
        <section className="card" aria-label="Linked incidents"><div className="card-head"><h2>Linked incidents</h2></div>
          <table className="table"><thead><tr><th>Incident</th><th>How</th><th>Why</th><th>By</th><th>Since</th></tr></thead><tbody>{incident.links.map((link, i) => <tr key={i}><td><Link to={`/incidents/${numberOf(link.id)}${query}`}>{link.id}</Link></td><td>{link.kind}</td><td>{link.reason}</td><td>{link.by}</td><td>{formatTime(link.at)}</td></tr>)}</tbody></table></section>
      )}
    </>
  );
}

function Stages({ incident }: { incident: IncidentDetail }) {
  const stages = [...incident.stages].sort((a, b) => tacticOrder.indexOf(a.tactic) - tacticOrder.indexOf(b.tactic));
  if (stages.length === 0) return <p className="muted">No finding of it names a tactic.</p>;
  return (
    <ol className="stages">{stages.map((stage) => (
      <li key={stage.tactic} className="stage"><b>{tacticName(stage.tactic)}</b> <span className="muted">{formatCount(stage.findings)} finding{stage.findings === 1 ? "" : "s"}</span><br />
        <span className="muted">{formatTime(stage.first)}{stage.last !== stage.first && ` – ${formatTime(stage.last).slice(11)}`}</span></li>
    ))}</ol>
  );
}

function Scope({ incident, query }: { incident: IncidentDetail; query: string }) {
  const entities = incident.entities.slice(0, kShownEntities);
  if (entities.length === 0) return <p className="muted">No host, user or other thing is known yet.</p>;
  return (
    <div className="table-wrap" style={{ maxHeight: 420 }} tabIndex={0} role="region" aria-label="Affected things">
      <table className="table scope"><thead><tr><th>Kind</th><th>What</th><th>Role</th><th className="num">Findings</th><th className="num">Criticality</th><th>First</th><th>Last</th></tr></thead>
        <tbody>{entities.map((entity) => (
          <tr key={`${entity.kind} ${entity.key} ${entity.role}`}><td>{kindName(entity.kind)}</td><td><Link to={entityPath(entity.kind, entity.key, query)}>{entity.label || entity.key}</Link></td><td>{roleNames[entity.role] ?? entity.role}</td>
            <td className="num">{formatCount(entity.findings)}</td><td className="num">{entity.criticality ?? "-"}</td><td>{formatTime(entity.first)}</td><td>{formatTime(entity.last)}</td></tr>
        ))}</tbody></table>
      {incident.entities.length > entities.length && <p className="muted">The first {kShownEntities} of {formatCount(incident.entities.length)}; the graph has more.</p>}
    </div>
  );
}

function Times({ incident }: { incident: IncidentDetail }) {
  return (
    <dl className="facts">
      <dt>First event</dt><dd>{formatTime(incident.first_event) || "-"}</dd><dt>Last event</dt><dd>{formatTime(incident.last_event) || "-"}</dd>
      {measureList.map((name) => {
        const seconds = incident.measures[`${name}_s`];
        return <div key={name} style={{ display: "contents" }}><dt title={measureNames[name].what}>{measureNames[name].long}</dt><dd>{seconds === null ? <span className="muted">not yet</span> : formatDuration(seconds)}</dd></div>;
      })}
    </dl>
  );
}

function Similar({ incident, query }: { incident: IncidentDetail; query: string }) {
  const similar = useQuery({ queryKey: ["incident", incident.number, "similar"], queryFn: ({ signal }) => api.get<{ items: SimilarIncident[] }>(`/incidents/${incident.number}/similar`, undefined, signal), staleTime: 60_000 });
  return (
    <section className="card" aria-label="Similar incidents"><div className="card-head"><h2>Similar incidents</h2></div>
      <Loaded query={similar} what="Similar incidents">{({ items }) => items.length === 0 ? <p className="muted">No other incident shares anything telling with this one.</p> : (
        <IncidentRows label="Similar incidents" items={items.map((item) => item.incident)} query={query} more={(one) => { const item = items.find((other) => other.incident.number === one.number); return <>{item?.why} <span className="muted">({Math.round((item?.likeness ?? 0) * 100)} % alike)</span></>; }} />
      )}</Loaded></section>
  );
}
