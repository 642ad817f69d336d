import { createColumnHelper } from "@tanstack/react-table";
import { Link } from "react-router-dom";
import { levelOf, type Incident, type Priority } from "../api/types";
import { tacticName, tacticOrder } from "../findings/attack_names";
import { formatAgo, formatCount, formatTime } from "../lib/format";
import { Icon } from "../ui/icons";
import { Severity } from "../ui/severity";
import { Value, type ValueAction } from "../ui/value_menu";
import type { Columns } from "../ui/virtual_table";
import { priorityNames, stateNames, verdictNames } from "./names";
import { ScoreBadge } from "./score";
import { SlaCell } from "./sla";

type Actions = (field: string, value: string) => ValueAction[];

export function StateMark({ incident }: { incident: Pick<Incident, "state" | "verdict"> }) {
  const verdict = incident.state === "closed" && incident.verdict ? `: ${verdictNames[incident.verdict]}` : "";
  return <span className={`state-mark state-mark-${incident.state}`}>{(stateNames[incident.state] ?? incident.state) + verdict}</span>;
}

// How far along ATT&CK: one small box a tactic, filled where there are findings.
export function TacticStrip({ tactics }: { tactics: string[] }) {
  const seen = tacticOrder.filter((tactic) => tactics.includes(tactic));
  const text = seen.length > 0 ? seen.map(tacticName).join(", ") : "No tactic known";
  return (
    <span className="strip" role="img" aria-label={text} title={text}>
      {tacticOrder.map((tactic) => <span key={tactic} className={tactics.includes(tactic) ? "strip-on" : ""} />)}
    </span>
  );
}

export function incidentColumns(actionsOf: Actions, marks: { has: (number: number) => boolean; toggle: (number: number) => void } | null, query: string): Columns<Incident> {
  const column = createColumnHelper<Incident>();
  return [
    ...(marks ? [column.display({ id: "mark", header: () => <span className="visually-hidden">Marked</span>, meta: { width: "34px" }, cell: ({ row }) => (
      <input type="checkbox" tabIndex={-1} className="mark-box" aria-label={`Mark ${row.original.id}`} checked={marks.has(row.original.number)} onClick={(event) => event.stopPropagation()} onChange={() => marks.toggle(row.original.number)} />
    ) })] : []),
    column.accessor("score", { header: "Score", meta: { width: "88px" }, cell: ({ row }) => <ScoreBadge number={row.original.number} score={row.original.score} /> }),
    column.accessor("severity_id", { id: "severity", header: "Severity", meta: { width: "98px" }, cell: (cell) => <Severity level={levelOf(cell.getValue())} /> }),
    column.accessor("priority", { header: "Prio", meta: { width: "48px" }, cell: (cell) => priorityNames[cell.getValue() as Priority] ?? cell.getValue() }),
    column.accessor("title", { header: "Incident", meta: { width: "minmax(220px, 3fr)" }, cell: ({ row }) => (
      <span title={`${row.original.title}\n${row.original.summary}`}><Link to={`/incidents/${row.original.number}${query}`} tabIndex={-1} onClick={(event) => event.stopPropagation()} className="incident-id">{row.original.id}</Link> {row.original.title}</span>
    ) }),
    column.accessor("state", { header: "State", meta: { width: "124px" }, cell: ({ row }) => <StateMark incident={row.original} /> }),
    column.accessor("sla_due", { id: "due", header: "Service level", meta: { width: "148px" }, cell: ({ row }) => <SlaCell incident={row.original} /> }),
    column.accessor("owner", { header: "Owner", meta: { width: "82px" }, cell: (cell) => cell.getValue() ? <Value field="owner" value={cell.getValue()} actions={actionsOf("owner", cell.getValue())} inTable /> : <span className="muted">nobody</span> }),
    column.accessor("main_host", { header: "Host", meta: { width: "minmax(100px, 0.8fr)" }, cell: ({ row }) => <WithMore field="host" value={row.original.main_host} count={row.original.host_count} actionsOf={actionsOf} /> }),
    column.accessor("main_user", { header: "User", meta: { width: "minmax(90px, 0.7fr)" }, cell: ({ row }) => <WithMore field="user" value={row.original.main_user} count={row.original.user_count} actionsOf={actionsOf} /> }),
    column.accessor("tactics", { header: "Tactics", meta: { width: "112px" }, cell: (cell) => <TacticStrip tactics={cell.getValue()} /> }),
    column.accessor("finding_count", { header: "Findings", meta: { width: "82px", numeric: true }, cell: (cell) => formatCount(cell.getValue()) }),
    column.accessor("last_event", { header: "Last event", meta: { width: "88px" }, cell: (cell) => <span title={formatTime(cell.getValue(), true)}>{cell.getValue() ? formatAgo(cell.getValue()) : "-"}</span> }),
    column.accessor("tags", { header: "Tags", meta: { width: "minmax(70px, 0.6fr)" }, cell: (cell) => cell.getValue().map((tag: string) => <Value key={tag} field="tag" value={tag} actions={actionsOf("tag", tag)} inTable><span className="chip">{tag}</span></Value>) }),
  ];
}

function WithMore({ field, value, count, actionsOf }: { field: "host" | "user"; value: string; count: number; actionsOf: Actions }) {
  if (!value) return <span className="muted">-</span>;
  return <><Value field={field} value={value} actions={actionsOf(field, value)} inTable />{count > 1 && <span className="muted"> +{formatCount(count - 1)}</span>}</>;
}

// A short list of incidents: similar ones, those of an entity.
export function IncidentRows({ items, query, label, more }: { items: Incident[]; query: string; label: string; more?: (incident: Incident) => React.ReactNode }) {
  if (items.length === 0) return <p className="muted">None.</p>;
  return (
    <div className="table-wrap"><table className="table"><caption className="visually-hidden">{label}</caption>
      <thead><tr><th>Score</th><th>Incident</th><th>State</th><th>Owner</th><th>Last event</th>{more && <th>Why</th>}</tr></thead>
      <tbody>{items.map((item) => (
        <tr key={item.number}><td className="num"><b>{Math.round(item.score)}</b></td><td><Link to={`/incidents/${item.number}${query}`}>{item.id}</Link> {item.title}</td>
          <td><StateMark incident={item} /></td><td>{item.owner || <span className="muted">nobody</span>}</td><td>{item.last_event ? <span title={formatTime(item.last_event)}>{formatAgo(item.last_event)}</span> : "-"}</td>{more && <td>{more(item)}</td>}</tr>
      ))}</tbody></table></div>
  );
}

export function MergedNotice({ into, query }: { into: string; query: string }) {
  return <div className="notice notice-info" role="note"><Icon name="help" /><div>This became part of <Link to={`/incidents/${into.replace(/^INC-/, "")}${query}`}>{into}</Link>. Its history stays here.</div></div>;
}
