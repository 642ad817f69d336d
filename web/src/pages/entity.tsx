// One entity: what is known of it, what was found on it, what it is in, whom it resembles.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router-dom";
import { api, Problem } from "../api/client";
import { useSession } from "../api/session";
import type { Asset, EntityDetail, Histogram } from "../api/types";
import { AssetDialog, criticalityNames, kAssetRight } from "../assets/asset_dialogs";
import { Bars } from "../charts/bars";
import { IncidentRows } from "../incidents/columns";
import { entityPath, kindName } from "../incidents/names";
import { scoreClass } from "../incidents/score";
import { formatCount, formatTime } from "../lib/format";
import { searchTerm } from "../lib/search_text";
import { useScope } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Icon } from "../ui/icons";
import { Severity } from "../ui/severity";
import { Empty, Failed, Loading } from "../ui/states";
import "../incidents/incidents.css";

const kDayMs = 86_400_000, kShownDays = 30;
const searchFields: Record<string, string> = { host: "host", user: "user", address: "src_ip", domain: "domain", url: "url", hash: "hashes" };

export default function EntityPage() {
  const { kind = "", key = "" } = useParams();
  const scope = useScope();
  const { tenants } = useSession();
  const [editing, setEditing] = useState(false);
  const query = useQuery({ queryKey: ["entity", kind, key, scope.tenant], queryFn: ({ signal }) => api.get<EntityDetail>(`/entities/${encodeURIComponent(kind)}/${encodeURIComponent(key)}`, { tenant: scope.tenant }, signal) });
  if (query.error instanceof Problem && query.error.status === 404) return <Empty title={`Nothing is known of ${kindName(kind).toLowerCase()} ${key}`}>No finding names it, and nobody declared it.</Empty>;
  if (query.error && !query.data) return <Failed what="The entity" error={query.error} retry={() => { void query.refetch(); }} />;
  if (!query.data) return <Loading what="the entity" />;
  const { entity, asset, risk, first, last, incidents, rules, peers, findings } = query.data;
  const to = (page: string, more: Record<string, string>) => { const params = new URLSearchParams(scope.query); for (const [name, value] of Object.entries(more)) params.set(name, value); return `${page}?${params}`; };
  const field = searchFields[kind];
  const findingsLink = kind === "host" || kind === "user" ? to("/findings", { view: "list", [kind]: entity.label || entity.key, from: "now-30d" }) : undefined;
  return (
    <div className="page">
      <div className="page-head">
        <Link to={`/assets${scope.query}`} aria-label="To the assets"><Icon name="back" /></Link><h1><span className="muted">{kindName(entity.kind)}</span> {entity.label || entity.key}</h1>
        <span className={`score score-${scoreClass(risk)}`} title="Points of its findings, each halving with time"><span className="score-bar" aria-hidden><span style={{ width: `${Math.max(4, Math.min(100, risk))}%` }} /></span>Risk {Math.round(risk)}</span>
        <div className="grow" />
        {field && <Link to={to("/search", { q: searchTerm(field, entity.label && (kind === "host" || kind === "user") ? entity.label : entity.key) })}>Its events</Link>}
        {findingsLink && <Link to={findingsLink}>Its findings</Link>}
        <Link to={to("/incidents", { entity: `${kind}:${key}`, closed: "1" })}>Its incidents</Link>
      </div>
      <div className="cards">
        <section className="card span-4" aria-label="Facts"><div className="card-head"><h2>Facts</h2><AllowedButton right={kAssetRight} size="compact-xs" variant="default" onClick={() => setEditing(true)}>Change</AllowedButton></div><Facts entityKey={entity.key} asset={asset} first={first} last={last} /></section>
        <section className="card span-8" aria-label="Findings over days"><div className="card-head"><h2>Findings over days</h2>{query.data.complete === false && <span className="warn">Only the newest are counted</span>}</div><Days days={query.data.findings_by_day} /></section>
        <section className="card span-8" aria-label="Incidents"><div className="card-head"><h2>Incidents</h2></div><IncidentRows label="Incidents" items={incidents} query={scope.query} /></section>
        <section className="card span-4" aria-label="Rules"><div className="card-head"><h2>Rules that fired</h2></div>
          {rules.length === 0 ? <p className="muted">None.</p> : <table className="table"><thead><tr><th>Rule</th><th className="num">Findings</th></tr></thead><tbody>{rules.map((rule) => <tr key={rule.value}><td><Link to={`/rules/${encodeURIComponent(rule.value)}${scope.query}`}>{rule.label || rule.value}</Link></td><td className="num">{formatCount(rule.count)}</td></tr>)}</tbody></table>}</section>
        <section className="card span-8" aria-label="Newest findings"><div className="card-head"><h2>Newest findings</h2>{findingsLink && <Link to={findingsLink}>All</Link>}</div>
          {findings.length === 0 ? <p className="muted">None.</p> : <div className="table-wrap"><table className="table"><thead><tr><th>Time</th><th>Severity</th><th>Rule</th><th>Host</th><th>User</th></tr></thead><tbody>{findings.slice(0, 50).map((finding) => <tr key={finding.id}><td style={{ whiteSpace: "nowrap" }}>{formatTime(finding.time)}</td><td><Severity level={finding.level} /></td><td><Link to={to("/findings", { view: "list", id: finding.id })}>{finding.rule_title}</Link></td><td>{finding.host}</td><td>{finding.user}</td></tr>)}</tbody></table></div>}</section>
        <section className="card span-4" aria-label="Peers"><div className="card-head"><h2>Peers</h2></div>
          {peers.length === 0 ? <p className="muted">Nothing shares findings with it.</p> : <table className="table"><thead><tr><th>Kind</th><th>What</th><th className="num">Shared</th></tr></thead><tbody>{peers.map((peer) => <tr key={`${peer.kind} ${peer.key}`}><td>{kindName(peer.kind)}</td><td><Link to={entityPath(peer.kind, peer.key, scope.query)}>{peer.label || peer.key}</Link></td><td className="num">{formatCount(peer.shared)}</td></tr>)}</tbody></table>}</section>
      </div>
      {editing && <AssetDialog asset={asset ?? unknownAsset(query.data, scope.tenants?.[0] ?? tenants[0] ?? "default")} tenant={scope.tenants?.[0] ?? tenants[0] ?? "default"} close={() => setEditing(false)} />}
    </div>
  );
}

function unknownAsset({ entity, first, last }: EntityDetail, tenant: string): Asset {
  return { id: 0, tenant, site: "", kind: entity.kind, key: entity.key, label: entity.label, aliases: [], addresses: [], criticality: 3, owner: "", zone: "", exposure: "", os: "", tags: [], declared: false, first_seen: first, last_seen: last, changed_at: null, changed_by: "" };
}

function Facts({ entityKey, asset, first, last }: { entityKey: string; asset: Asset | null; first: string | null; last: string | null }) {
  return (
    <dl className="facts">
      <dt>Key</dt><dd className="mono">{entityKey}</dd>
      <dt>First seen</dt><dd>{formatTime(asset?.first_seen ?? first) || "-"}</dd><dt>Last seen</dt><dd>{formatTime(asset?.last_seen ?? last) || "-"}</dd>
      {asset ? (
        <>
          <dt>Criticality</dt><dd>{criticalityNames[asset.criticality] ?? asset.criticality}</dd><dt>Owner</dt><dd>{asset.owner || "-"}</dd><dt>Zone</dt><dd>{asset.zone || "-"}</dd><dt>Exposure</dt><dd>{asset.exposure || "-"}</dd><dt>System</dt><dd>{asset.os || "-"}</dd>
          <dt>Tenant, site</dt><dd>{asset.tenant}{asset.site && `, ${asset.site}`}</dd><dt>Addresses</dt><dd className="mono">{asset.addresses.join(", ") || "-"}</dd><dt>Other names</dt><dd className="mono">{asset.aliases.join(", ") || "-"}</dd>
          <dt>Tags</dt><dd>{asset.tags.map((tag) => <span key={tag} className="chip">{tag}</span>)}{asset.tags.length === 0 && "-"}</dd><dt>Known by</dt><dd>{asset.declared ? `${asset.changed_by || "a person"}, ${formatTime(asset.changed_at)}` : "learned from events"}</dd>
        </>
      ) : <><dt>Register</dt><dd className="muted">Nobody declared it: usual criticality is assumed.</dd></>}
    </dl>
  );
}

function Days({ days }: { days: { day: string; count: number }[] }) {
  if (days.length === 0) return <p className="muted">No finding is stored.</p>;
  const counts = new Map(days.map((item) => [item.day.slice(0, 10), item.count]));
  const last = new Date(`${[...counts.keys()].sort().pop() ?? ""}T00:00:00Z`).getTime();
  const first = last - (kShownDays - 1) * kDayMs;
  const values = Array.from({ length: kShownDays }, (_, i) => counts.get(new Date(first + i * kDayMs).toISOString().slice(0, 10)) ?? 0);
  const data: Histogram = { from: new Date(first).toISOString(), to: new Date(last + kDayMs).toISOString(), step_seconds: 86_400, series: [{ name: "findings", values }] };
  return (
    <>
      <Bars data={data} label="Findings over days" height={150} />
      <details><summary className="muted">As a table</summary><table className="table"><thead><tr><th>Day</th><th className="num">Findings</th></tr></thead><tbody>{days.map((item) => <tr key={item.day}><td>{item.day.slice(0, 10)}</td><td className="num">{formatCount(item.count)}</td></tr>)}</tbody></table></details>
    </>
  );
}
