// Why it fired, first of all: each comparison that held, with the value of the event and where in it the match lies.
import type { Predicate, Why } from "../api/types";
import { formatCount, formatTime } from "../lib/format";
import { Icon } from "../ui/icons";
import { Value } from "../ui/value_menu";

const ops: Record<string, string> = {
  equals: "is", contains: "contains", startswith: "starts with", endswith: "ends with", wildcard: "looks like", regex: "matches",
  cidr: "is in", fieldref: "is as field", exists: "exists", null: "is empty", lt: "<", lte: "≤", gt: ">", gte: "≥",
};

// Positions count bytes of UTF-8; a value may be cut, then the place may lie behind its end.
function Marked({ value, position, length }: { value: string; position: number; length: number }) {
  if (!length) return <>{value}</>;
  const bytes = new TextEncoder().encode(value);
  if (position + length > bytes.length) return <>{value}</>;
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.slice(from, to));
  return <>{text(0, position)}<mark>{text(position, position + length)}</mark>{text(position + length, bytes.length)}</>;
}

function PredicateRow({ predicate }: { predicate: Predicate }) {
  const field = predicate.event_field || predicate.field;
  return (
    <div className="why-row" role="row">
      <div role="cell"><Icon name="check" className="good" label="held" /></div>
      <div role="cell" className="mono" title={predicate.event_field && predicate.event_field !== predicate.field ? `In the event: ${predicate.event_field}` : undefined}>{predicate.field || "any field"}</div>
      <div role="cell" className="muted">{ops[predicate.op] ?? predicate.op}</div>
      <div role="cell" className="stack" style={{ gap: 2 }}>
        <span className="mono" style={{ overflowWrap: "anywhere" }}>{predicate.pattern}</span>
        {predicate.value && predicate.value !== predicate.pattern && (
          <Value field={field} value={predicate.value}><span className="mono" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}><Marked {...predicate} /></span></Value>
        )}
      </div>
    </div>
  );
}

export function WhyItFired({ why: given }: { why: Why | null | undefined }) {
  const why = given ?? {};
  const predicates = why.predicates ?? why.matches ?? [];
  const selections = [...new Set(predicates.map((predicate) => predicate.selection))];
  if (predicates.length === 0 && !why.type) return <p className="muted">The explanation was not stored with this finding.</p>;
  return (
    <div className="stack" style={{ gap: 8 }}>
      {why.condition && <p>Condition <code className="mono">{why.condition}</code> held.</p>}
      {selections.length > 0 && (
        <div className="why" role="table" aria-label="Comparisons that held">
          {selections.map((selection) => (
            <div key={selection} role="rowgroup">
              <div className="why-head" role="row"><span role="cell">{selection || "keywords"}</span></div>
              {predicates.filter((predicate) => predicate.selection === selection).map((predicate, i) => <PredicateRow key={i} predicate={predicate} />)}
            </div>
          ))}
        </div>
      )}
      {(why.absent?.length ?? 0) > 0 && (
        <p>Had to be absent, and was: {why.absent?.map((name) => <code key={name} className="chip mono" style={{ marginRight: 4 }}>not {name}</code>)}</p>
      )}
      {why.type && <Correlation why={why} />}
    </div>
  );
}

function Correlation({ why }: { why: Why }) {
  const events = why.events ?? [];
  return (
    <div className="stack" style={{ gap: 8 }}>
      <dl className="facts">
        <dt>Kind</dt><dd>{why.type?.replace(/_/g, " ")}</dd>
        {why.value !== undefined && <><dt>Value</dt><dd>{formatCount(why.value)}</dd></>}
        {why.event_count !== undefined && <><dt>Events</dt><dd>{formatCount(why.event_count)}</dd></>}
        {Object.entries(why.group ?? {}).map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}><dt className="mono">{name}</dt><dd><Value field={name} value={value} /></dd></div>
        ))}
      </dl>
      {events.length > 0 && (
        <div className="table-wrap" style={{ maxHeight: 220 }} tabIndex={0} role="region" aria-label="Events that counted">
          <table className="table"><thead><tr><th>Time</th><th>Rule that matched</th><th className="num">Record</th></tr></thead>
            <tbody>{events.map((event, i) => <tr key={i}><td>{formatTime(event.time)}</td><td>{event.rule_name}</td><td className="num">{event.record}</td></tr>)}</tbody></table>
          {why.event_count !== undefined && why.event_count > events.length && <p className="muted">The first {events.length} of {formatCount(why.event_count)}.</p>}
        </div>
      )}
    </div>
  );
}
