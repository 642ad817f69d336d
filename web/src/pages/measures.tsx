// How well the work goes: times, verdicts, how often rules are right, what waits - and what each figure rests on.
import { Select, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { levelOf, type Measures, type RuleVerdicts } from "../api/types";
import { formatDuration, measureList, measureNames, priorities, priorityNames, verdictNames } from "../incidents/names";
import { formatCount, formatTime } from "../lib/format";
import { describeRange, useScope, useUrlState } from "../lib/url_state";
import { levelNames } from "../ui/severity";
import { Loaded, Notice } from "../ui/states";
import "../incidents/incidents.css";

const figures = [["mean_s", "Mean"], ["p50_s", "Half within"], ["p90_s", "90 % within"], ["p95_s", "95 % within"], ["p99_s", "99 % within"]] as const;
type LinkTo = (page: string, more: Record<string, string>) => string;

export default function MeasuresPage() {
  const url = useUrlState();
  const scope = useScope();
  const [owner, setOwner] = useState(url.get("owner"));
  const from = url.get("from") ? scope.from : "now-30d";
  const filters = { from, to: scope.to, tenant: scope.tenant, severity: url.get("severity"), owner: url.get("owner"), rule: url.get("rule") };
  const query = useQuery({ queryKey: ["measures", filters], placeholderData: keepPreviousData, queryFn: ({ signal }) => api.get<Measures>("/measures", filters, signal) });
  const to: LinkTo = (page, more) => {
    const params = new URLSearchParams({ from, ...(scope.to === "now" ? {} : { to: scope.to }), ...(scope.tenant ? { tenant: scope.tenant } : {}), ...(page === "/incidents" ? { ranged: "1", closed: "1", ...(filters.severity ? { min_severity: filters.severity } : {}), ...(filters.owner ? { owner: filters.owner } : {}) } : {}), ...more });
    for (const [key, value] of [...params]) if (value === "") params.delete(key);
    return `${page}?${params}`;
  };
  return (
    <div className="page">
      <div className="page-head">
        <h1>Measures</h1><span className="muted">{describeRange(from, scope.to, formatTime)}</span><div className="grow" />
        <Select size="xs" w={150} aria-label="Severity" allowDeselect={false} value={filters.severity} data={[{ value: "", label: "Any severity" }, ...[5, 4, 3, 2, 1].map((id) => ({ value: String(id), label: levelNames[levelOf(id)] }))]} onChange={(severity) => url.set({ severity })} />
        <form onSubmit={(event) => { event.preventDefault(); url.set({ owner }); }}><TextInput size="xs" w={140} aria-label="Owner" placeholder="Any owner" value={owner} onChange={(event) => setOwner(event.currentTarget.value)} onBlur={() => { if (owner !== url.get("owner")) url.set({ owner }); }} /></form>
      </div>
      {filters.rule && <div className="chips"><span className="chip">Rule: <b className="mono">{filters.rule}</b><button className="plain" aria-label="Remove the rule" onClick={() => url.set({ rule: null })}>×</button></span></div>}
      <Loaded query={query} what="The measures">{(data) => <Cards data={data} to={to} />}</Loaded>
    </div>
  );
}

function Card({ title, span, about, children }: { title: string; span: string; about?: string; children: ReactNode }) {
  return <section className={`card ${span}`} aria-label={title}><div className="card-head"><h2>{title}</h2>{about && <span className="muted">{about}</span>}</div>{children}</section>;
}

function Cards({ data, to }: { data: Measures; to: LinkTo }) {
  const decided = Object.values(data.verdicts).reduce((sum, count) => sum + (count ?? 0), 0);
  return (
    <div className="cards">
      <Card title="Incidents" span="span-3"><Link className="figure figure-link" to={to("/incidents", {})}>{formatCount(data.incidents)}</Link><p className="muted">of them <Link to={to("/incidents", { state: "closed" })}>{formatCount(data.closed)} closed</Link></p></Card>
      <Card title="Backlog" span="span-3"><Link className="figure figure-link" to={to("/incidents", { ranged: "", closed: "", order: "oldest" })}>{formatCount(data.backlog.open)}</Link>
        <p className="muted">{data.backlog.oldest_s === null || data.backlog.open === 0 ? "nothing waits" : `open; the oldest for ${formatDuration(data.backlog.oldest_s)}`}</p>
        <div className="row" style={{ gap: 12, marginTop: 4 }}>{priorities.map((priority) => <span key={priority}><span className="muted">{priorityNames[priority]}</span> {formatCount(data.backlog.by_priority[priority] ?? 0)}</span>)}</div></Card>
      <Card title="Verdicts" span="span-6" about={`${formatCount(decided)} decided`}><div className="stack" style={{ gap: 6 }}>{Object.entries(verdictNames).map(([verdict, name]) => {
        const count = data.verdicts[verdict as keyof typeof verdictNames] ?? 0;
        return <div key={verdict} className="hbar"><span>{name}</span><div className={`meter meter-${verdict}`}><div style={{ width: `${decided ? (count / decided) * 100 : 0}%` }} /></div><span className="num"><Link to={to("/incidents", { state: "closed" })}>{formatCount(count)}</Link>{decided > 0 && <span className="muted"> {Math.round((count / decided) * 100)} %</span>}</span></div>;
      })}</div></Card>
      <Card title="Times" span="span-12" about="From event times and recorded changes of state"><Times data={data} to={to} /></Card>
      <Card title="How often rules are right" span="span-8" about="The bar is where the true share lies with 90 % certainty"><Rules rules={data.rules} to={to} /></Card>
      <div className="span-4 stack">
        <Card title="Work per owner" span="">{data.per_owner.length === 0 ? <p className="muted">Nobody has taken an incident.</p> : <table className="table"><thead><tr><th>Owner</th><th className="num">Open</th><th className="num">Closed</th></tr></thead><tbody>{data.per_owner.map((one) => <tr key={one.owner}><td>{one.owner || <span className="muted">nobody</span>}</td><td className="num"><Link to={to("/incidents", { owner: one.owner || "-", closed: "", ranged: "" })}>{formatCount(one.open)}</Link></td><td className="num"><Link to={to("/incidents", { owner: one.owner || "-", state: "closed" })}>{formatCount(one.closed)}</Link></td></tr>)}</tbody></table>}</Card>
        <Card title="What this rests on" span=""><RestsOn data={data} to={to} /></Card>
      </div>
    </div>
  );
}

function Times({ data, to }: { data: Measures; to: LinkTo }) {
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

const percent = (part: number) => `${Math.round(part * 100)} %`;

function Rules({ rules, to }: { rules: RuleVerdicts[]; to: LinkTo }) {
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

function RestsOn({ data, to }: { data: Measures; to: LinkTo }) {
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
