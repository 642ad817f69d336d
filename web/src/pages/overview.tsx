// What happens now, and what cannot be seen.
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Link } from "react-router-dom";
import { useLive } from "../api/live";
import { api } from "../api/client";
import { useSession } from "../api/session";
import { levelOf, levels, type Level, type Overview as OverviewData, type Rates, type SourceStatus, type TopItem } from "../api/types";
import { Bars } from "../charts/bars";
import { Sparkline } from "../charts/sparkline";
import { formatAgo, formatBytes, formatCount, formatMilliseconds, formatShort } from "../lib/format";
import { useScope } from "../lib/url_state";
import { Icon } from "../ui/icons";
import { levelNames, Severity, SeverityShape } from "../ui/severity";
import { Loaded } from "../ui/states";

const kRefreshMs = 15_000, kRatesKept = 90;

export default function Overview() {
  const scope = useScope();
  const { may } = useSession();
  const query = useQuery({
    queryKey: ["overview", scope.from, scope.tenant], refetchInterval: kRefreshMs, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api.get<OverviewData>("/overview", { from: scope.from, tenant: scope.tenant }, signal),
  });
  const client = useQueryClient();
  useLive("health", () => { void client.invalidateQueries({ queryKey: ["overview"] }); });
  const sources = useQuery({ queryKey: ["sources", scope.tenant], enabled: may("sources.read"), queryFn: ({ signal }) => api.get<{ items: SourceStatus[] }>("/sources", { tenant: scope.tenant }, signal), refetchInterval: kRefreshMs });
  return (
    <div className="page">
      <div className="page-head"><h1>Overview</h1></div>
      <Loaded query={query} what="The overview">{(data) => <Cards data={data} sources={sources.data?.items} />}</Loaded>
    </div>
  );
}

function Card({ title, to, span, children }: { title: string; to?: string; span: string; children: ReactNode }) {
  return (
    <section className={`card ${span}`} aria-label={title}>
      <div className="card-head"><h2>{title}</h2>{to && <Link to={to}>Open</Link>}</div>
      {children}
    </section>
  );
}

function Cards({ data, sources }: { data: OverviewData; sources: SourceStatus[] | undefined }) {
  const scope = useScope();
  const byLevel = data.findings.by_level_24h;
  const total = levels.reduce((sum, level) => sum + (byLevel[level] ?? 0), 0);
  const link = (page: string, more: Record<string, string>) => { const params = new URLSearchParams(scope.query); for (const [key, value] of Object.entries(more)) params.set(key, value); return `${page}?${params}`; };
  const bad = (sources ?? []).filter((source) => source.state === "silent" || source.state === "problem");
  return (
    <div className="cards">
      <Card title="Findings, 24 hours" to={link("/findings", {})} span="span-4">
        <div className="figure">{formatCount(total)}</div>
        <div className="row wrap" style={{ gap: 14, marginTop: 6 }}>
          {levels.map((level) => (
            <Link key={level} to={link("/findings", { level })} className={`sev sev-${level}`}><SeverityShape level={level} />{formatCount(byLevel[level] ?? 0)} <span className="muted">{levelNames[level]}</span></Link>
          ))}
        </div>
      </Card>
      <Card title="Events" to={link("/search", {})} span="span-3"><LiveRate start={data.events_per_s} /><p className="muted">{formatShort(data.events_24h)} events, {formatBytes(data.bytes_24h)} in 24 hours</p></Card>
      <Card title="Sources" to={link("/sources", {})} span="span-2">
        <div className="figure">{formatCount(data.sources.total)}</div>
        <p className={data.sources.silent > 0 ? "warn" : "muted"}><Icon name="silent" size={12} /> {data.sources.silent} silent</p>
        <p className={data.sources.problem > 0 ? "bad" : "muted"}><Icon name="warning" size={12} /> {data.sources.problem} with a problem</p>
      </Card>
      <Card title="Rules" to={link("/rules", {})} span="span-3">
        <div className="figure">{formatCount(data.rules.on)} <span className="muted" style={{ fontSize: 13, fontWeight: 400 }}>on</span></div>
        <p><Link to={link("/rules", { blind: "1" })} className={data.rules.blind > 0 ? "warn" : "muted"}><Icon name="silent" size={12} /> {formatCount(data.rules.blind)} blind: no source gives their events</Link></p>
        <p><Link to="/rules/refused" className={data.rules.refused > 0 ? "bad" : "muted"}><Icon name="warning" size={12} /> {formatCount(data.rules.refused)} refused</Link></p>
      </Card>
      <Card title="Findings over time" span="span-6"><Bars data={data.findings_over_time} label="Findings over time" height={150} colour={(name) => `bar-${name}`} nameOf={(name) => levelNames[name as Level] ?? name} onRange={(from, to) => scope.set({ from, to })} /></Card>
      <Card title="Events over time" span="span-6"><Bars data={data.events} label="Events over time" height={150} onRange={(from, to) => scope.set({ from, to })} /></Card>
      <Card title="Rules with most findings" span="span-4"><Top items={data.top_rules} to={(item) => link("/findings", { rule: item.value, view: "list" })} /></Card>
      <Card title="Hosts with most findings" span="span-3"><Top items={data.top_hosts} to={(item) => link("/findings", { host: item.value, view: "list" })} /></Card>
      <div className="span-5 stack">
        <Card title="Silent sources and problems" to={link("/sources", {})} span="">
          {sources === undefined ? <p className="muted">The list of sources is not to be seen with your role, or not here yet.</p> : bad.length === 0 ? <p className="good"><Icon name="ok" size={13} /> No source is silent or has a problem.</p> : (
            <table className="table"><tbody>{bad.map((source) => (
              <tr key={source.name}><td className={source.state === "silent" ? "warn" : "bad"} style={{ whiteSpace: "nowrap" }}><Icon name={source.state === "silent" ? "silent" : "warning"} size={12} /> {source.state === "silent" ? "Silent" : "Problem"}</td>
                <td><Link to={link("/sources", { id: source.name })}>{source.name}</Link><div className="muted">{source.problem || `since ${formatAgo(source.silent_since).replace(" ago", "")}; ${formatCount(source.rules)} rules depend on it`}</div></td></tr>
            ))}</tbody></table>
          )}
        </Card>
        <Card title="Health" to="/settings/health" span="">
          <div className="chips">{data.health.map((part) => <span key={part.name} className="chip" title={part.problem}><Icon name={part.ok ? "ok" : "warning"} size={12} className={part.ok ? "good" : "bad"} />{part.name}: {part.ok ? "good" : part.problem}</span>)}</div>
        </Card>
      </div>
    </div>
  );
}

function LiveRate({ start }: { start: number }) {
  const [rates, setRates] = useState<Rates | null>(null);
  const kept = useRef<number[]>([]);
  useEffect(() => { if (kept.current.length === 0) kept.current = [start]; }, [start]);
  useLive("rates", (next) => { kept.current = [...kept.current.slice(1 - kRatesKept), next.events_per_s]; setRates(next); });
  return (
    <div className="row" style={{ alignItems: "flex-end" }}>
      <div><div className="figure">{formatShort(rates?.events_per_s ?? start)}<span className="muted" style={{ fontSize: 13, fontWeight: 400 }}> a second</span></div>{rates && <p className="muted">lag {formatMilliseconds(rates.lag_ms)}</p>}</div>
      <div className="grow" />
      {kept.current.length > 2 && <Sparkline values={kept.current} label="Events a second in the last minutes" height={34} />}
    </div>
  );
}

function Top({ items, to }: { items: TopItem[]; to: (item: TopItem) => string }) {
  const max = Math.max(1, ...items.map((item) => item.count));
  if (items.length === 0) return <p className="muted">No findings in this range of time.</p>;
  return (
    <div className="stack" style={{ gap: 6 }}>
      {items.slice(0, 8).map((item, i) => (
        <div key={i}>
          <div className="row"><Severity level={levelOf(item.severity_id)} /><Link to={to(item)} className="clip grow" title={item.label ?? item.value}>{item.label || item.value || "(none)"}</Link><b>{formatCount(item.count)}</b></div>
          <div className="meter"><div style={{ width: `${(item.count / max) * 100}%` }} /></div>
        </div>
      ))}
    </div>
  );
}
