// The figures, each with the rows behind it: one file of cards for all four views.
import type { ReactNode } from "react";
import { Link } from "react-router-dom";
import type { Measures, RuleVerdicts, SlaName } from "../api/types";
import { formatDuration, measureList, measureNames, priorities, priorityNames, verdictNames } from "../incidents/names";
import { formatCount } from "../lib/format";
import { Notice } from "../ui/states";

const figures = [["mean_s", "Mean"], ["p50_s", "Half within"], ["p90_s", "90 % within"], ["p95_s", "95 % within"], ["p99_s", "99 % within"]] as const;
export type LinkTo = (page: string, more: Record<string, string>) => string;
const goalNames: Record<SlaName, string> = { acknowledge: "acknowledged", contain: "contained", close: "closed" };
export const percent = (part: number) => `${Math.round(part * 100)} %`;
interface Of { data: Measures; to: LinkTo }

export function Card({ title, span, about, children }: { title: string; span: string; about?: ReactNode; children: ReactNode }) {
  return <section className={`card ${span}`} aria-label={title}><div className="card-head"><h2>{title}</h2>{about && <span className="muted">{about}</span>}</div>{children}</section>;
}

export function IncidentsCard({ data, to }: Of) {
  return <Card title="Incidents" span="span-3"><Link className="figure figure-link" to={to("/incidents", {})}>{formatCount(data.incidents)}</Link><p className="muted">of them <Link to={to("/incidents", { state: "closed" })}>{formatCount(data.closed)} closed</Link></p></Card>;
}

export function BacklogCard({ data, to }: Of) {
  return (
    <Card title="Backlog" span="span-3"><Link className="figure figure-link" to={to("/incidents", { ranged: "", closed: "", order: "oldest" })}>{formatCount(data.backlog.open)}</Link>
      <p className="muted">{data.backlog.oldest_s === null || data.backlog.open === 0 ? "nothing waits" : `open; the oldest for ${formatDuration(data.backlog.oldest_s)}`}</p>
      <div className="row" style={{ gap: 12, marginTop: 4 }}>{priorities.map((priority) => <span key={priority}><span className="muted">{priorityNames[priority]}</span> {formatCount(data.backlog.by_priority[priority] ?? 0)}</span>)}</div></Card>
  );
}

export function VerdictsCard({ data, to, span = "span-6" }: Of & { span?: string }) {
  const decided = Object.values(data.verdicts).reduce((sum, count) => sum + (count ?? 0), 0);
  return (
    <Card title="Verdicts" span={span} about={`${formatCount(decided)} decided`}><div className="stack" style={{ gap: 6 }}>{Object.entries(verdictNames).map(([verdict, name]) => {
      const count = data.verdicts[verdict as keyof typeof verdictNames] ?? 0;
      return <div key={verdict} className="hbar"><span>{name}</span><div className={`meter meter-${verdict}`}><div style={{ width: `${decided ? (count / decided) * 100 : 0}%` }} /></div><span className="num"><Link to={to("/incidents", { state: "closed" })}>{formatCount(count)}</Link>{decided > 0 && <span className="muted"> {Math.round((count / decided) * 100)} %</span>}</span></div>;
    })}</div></Card>
  );
}

export function slaShare(data: Measures): { met: number; all: number } | null {
  if (!data.sla) return null;
  const each = Object.values(data.sla);
  const met = each.reduce((sum, one) => sum + one.met, 0);
  return { met, all: met + each.reduce((sum, one) => sum + one.breached, 0) };
}

export function SlaCard({ data, to, span }: Of & { span: string }) {
  if (!data.sla) return null;
  return (
    <Card title="Service levels" span={span} about="Of those ended or overdue">
      <div className="table-wrap"><table className="table"><thead><tr><th>Until it is</th><th className="num">In time</th><th className="num">Breached</th><th style={{ width: "40%" }}>Share in time</th></tr></thead>
        <tbody>{(Object.keys(goalNames) as SlaName[]).map((name) => {
          const { met, breached } = data.sla?.[name] ?? { met: 0, breached: 0 };
          const share = met + breached > 0 ? met / (met + breached) : null;
          return (
            <tr key={name}><td style={{ whiteSpace: "nowrap" }}>{goalNames[name]}</td><td className="num"><Link to={to("/incidents", {})}>{formatCount(met)}</Link></td><td className={`num ${breached > 0 ? "bad" : ""}`}><Link to={to("/incidents", {})}>{formatCount(breached)}</Link></td>
              <td>{share === null ? <span className="muted">none ended</span> : <span className="row"><svg className="interval grow" width="100%" height={12} role="img" aria-label={`${percent(share)} in time`}><rect className="interval-track" x={0} y={2} width="100%" height={8} rx={2} /><rect className="bar-2" x={0} y={2} width={`${share * 100}%`} height={8} rx={2} /></svg>{percent(share)}</span>}</td></tr>
          );
        })}</tbody></table></div>
    </Card>
  );
}

export function OwnersCard({ data, to }: Of) {
  return <Card title="Work per owner" span="">{data.per_owner.length === 0 ? <p className="muted">Nobody has taken an incident.</p> : <table className="table"><thead><tr><th>Owner</th><th className="num">Open</th><th className="num">Closed</th></tr></thead><tbody>{data.per_owner.map((one) => <tr key={one.owner}><td>{one.owner || <span className="muted">nobody</span>}</td><td className="num"><Link to={to("/incidents", { owner: one.owner || "-", closed: "", ranged: "" })}>{formatCount(one.open)}</Link></td><td className="num"><Link to={to("/incidents", { owner: one.owner || "-", state: "closed" })}>{formatCount(one.closed)}</Link></td></tr>)}</tbody></table>}</Card>;
}

export function Times({ data, to }: { data: Measures; to: LinkTo }) {
  // On a scale of logarithms: seconds and days fit beside each other.
  const most = Math.max(60, ...measureList.map((name) => data[name].p99_s ?? 0));
  const share = (seconds: number) => (Math.log10(1 + seconds) / Math.log10(1 + most)) * 100;
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label="Table of times"><table className="table"><thead><tr><th>Time</th><th className="num">Incidents</th>{figures.map(([key, name]) => <th key={key} className="num">{name}</th>)}<th style={{ width: "30%" }}>Half, 90 %, 99 % <span className="muted">(logarithmic)</span></th></tr></thead>
      <tbody>{measureList.map((name) => {
        const one = data[name];
        return (
          <tr key={name}><td><b>{measureNames[name].short}</b> {measureNames[name].long} <span className="muted">{measureNames[name].what}</span></td><td className="num"><Link to={to("/incidents", {})}>{formatCount(one.count)}</Link></td>
            {figures.map(([key]) => <td key={key} className="num"><Link to={to("/incidents", {})}>{formatDuration(one[key])}</Link></td>)}
            <td>{one.count > 0 && <svg className="interval" width="100%" height={16} role="img" aria-label={`Half within ${formatDuration(one.p50_s)}, 90 % within ${formatDuration(one.p90_s)}, 99 % within ${formatDuration(one.p99_s)}`}><rect className="interval-track" x={0} y={4} width="100%" height={8} rx={2} />{([["p99_s", 0.3], ["p90_s", 0.55], ["p50_s", 1]] as const).map(([key, opacity]) => <rect key={key} className="bar-0" opacity={opacity} x={0} y={4} width={`${share(one[key] ?? 0)}%`} height={8} rx={2} />)}</svg>}</td></tr>
        );
      })}</tbody></table></div>
  );
}

export function Rules({ rules, to }: { rules: RuleVerdicts[]; to: LinkTo }) {
  if (rules.length === 0) return <p className="muted">No incident was closed with a verdict in this range of time.</p>;
  return (
    <div className="table-wrap" style={{ maxHeight: 420 }} tabIndex={0} role="region" aria-label="Table of rules"><table className="table"><thead><tr><th>Rule</th><th className="num">True</th><th className="num">Benign</th><th className="num">False</th><th className="num">Right</th><th style={{ width: "24%" }}>Between</th></tr></thead>
      <tbody>{rules.map((rule) => {
        const { mean, low, high, decided } = rule.precision;
        return (
          <tr key={rule.rule_id}><td><Link to={`/rules/${encodeURIComponent(rule.rule_id)}`}>{rule.title || rule.rule_id}</Link></td>
            {[rule.true_positive, rule.benign, rule.false_positive].map((count, i) => <td key={i} className="num"><Link to={to("/findings", { view: "list", rule: rule.rule_id })}>{formatCount(count)}</Link></td>)}
            <td className="num" title={`${decided} decided`}>{percent(mean)}</td>
            <td><span className="row"><svg className="interval grow" width="100%" height={14} role="img" aria-label={`Between ${percent(low)} and ${percent(high)}, from ${decided} decisions`}><rect className="interval-track" x={0} y={4} width="100%" height={6} rx={2} /><rect className="interval-range" x={`${low * 100}%`} y={2} width={`${Math.max(1, (high - low) * 100)}%`} height={10} rx={2} /><rect className="interval-mean" x={`${Math.min(99, mean * 100)}%`} y={1} width={2} height={12} /></svg><span className="muted" style={{ whiteSpace: "nowrap" }}>{percent(low)} – {percent(high)}</span></span></td></tr>
        );
      })}</tbody></table></div>
  );
}

export function RestsOn({ data, to }: { data: Measures; to: LinkTo }) {
  const { incidents, silent_sources: silent, losses, complete } = data.rests_on;
  const silentCount = Array.isArray(silent) ? silent.length : silent;
  const lost = losses.filter((loss) => loss.count > 0);
  return (
    <div className="stack" style={{ gap: 8 }}>
      <p>{formatCount(incidents)} incidents that were opened in this range of time.</p>
      {complete === false && <Notice>There are more incidents than are counted: a shorter range of time counts all.</Notice>}
      {silentCount > 0 ? <Notice>{formatCount(silentCount)} source{silentCount === 1 ? " is" : "s are"} silent{Array.isArray(silent) && `: ${silent.join(", ")}`}. <Link to={to("/sources", {})}>Sources</Link></Notice> : <p className="muted">No source is silent.</p>}
      {lost.length > 0 ? <table className="table"><caption className="visually-hidden">What was lost</caption><tbody>{lost.map((loss) => <tr key={loss.what}><td>{loss.what}</td><td className="num"><Link to="/settings/health">{formatCount(loss.count)}</Link></td></tr>)}</tbody></table> : <p className="muted">Nothing was lost or dropped.</p>}
    </div>
  );
}
