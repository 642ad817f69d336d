// The entities of an incident and how they hang together: drawn, and as a table.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState, type PointerEvent } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import type { EntityGraph, GraphNode, IncidentDetail } from "../api/types";
import { useWidth } from "../charts/bars";
import { formatCount } from "../lib/format";
import { useUrlState } from "../lib/url_state";
import { Empty, Loaded, Notice } from "../ui/states";
import { layOut, type Point } from "./layout";
import { entityPath, kindName } from "./names";

const kHeight = 460, kLabelledNodes = 24;
const legend: [string, string][] = [["host", "Hosts"], ["user", "Users"], ["network", "Addresses, domains, URLs"], ["file", "Files, hashes"], ["process", "Processes, sessions, services"], ["cloud", "Cloud resources"]];
const edgeNames: Record<string, string> = { logged_on: "logged on to", ran_as: "ran as", seen_on: "seen with", started: "started", connected: "connected to", wrote: "wrote", related: "is related to" };
const edgeName = (kind: string) => edgeNames[kind] ?? kind.replace(/_/g, " ");

export function GraphTab({ incident, query }: { incident: IncidentDetail; query: string }) {
  const graph = useQuery({ queryKey: ["incident", incident.number, "graph"], queryFn: ({ signal }) => api.get<EntityGraph>(`/incidents/${incident.number}/graph`, undefined, signal) });
  return <Loaded query={graph} what="The graph">{(data) => data.nodes.length === 0 ? <Empty title="Nothing to draw">No entity of this incident is known.</Empty> : <Drawn graph={data} query={query} />}</Loaded>;
}

const radius = (node: GraphNode) => 6 + Math.min(14, Math.sqrt(node.findings) * 2.2) + (node.hub ? 2 : 0);

function Drawn({ graph, query }: { graph: EntityGraph; query: string }) {
  const url = useUrlState();
  const [ref, width] = useWidth();
  const svg = useRef<SVGSVGElement>(null);
  const places = useMemo(() => layOut(graph), [graph]);
  const [pinned, setPinned] = useState<Map<string, Point>>(new Map());
  const [view, setView] = useState<{ zoom: number; x: number; y: number }>({ zoom: 1, x: 0, y: 0 });
  const [grab, setGrab] = useState<{ id: string | null; x: number; y: number } | null>(null);
  const chosen = url.get("node");
  const choose = (id: string) => url.set({ node: id === chosen ? null : id }, { replace: true });
  const placeOf = (id: string | number) => pinned.get(String(id)) ?? places.get(String(id)) ?? { x: 0, y: 0 };
  const near = useMemo(() => new Set(graph.edges.flatMap((edge) => (String(edge.from) === chosen ? [String(edge.to)] : String(edge.to) === chosen ? [String(edge.from)] : []))), [graph, chosen]);
  // All of it fits at the start.
  const fit = useMemo(() => {
    const all = [...places.values()];
    const low = { x: Math.min(...all.map((p) => p.x)) - 70, y: Math.min(...all.map((p) => p.y)) - 40 }, high = { x: Math.max(...all.map((p) => p.x)) + 70, y: Math.max(...all.map((p) => p.y)) + 40 };
    return { scale: Math.min(1.4, width / (high.x - low.x), kHeight / (high.y - low.y)), x: (low.x + high.x) / 2, y: (low.y + high.y) / 2 };
  }, [places, width]);
  const scale = fit.scale * view.zoom;
  const toScreen = (p: Point) => ({ x: width / 2 + (p.x - fit.x) * scale + view.x, y: kHeight / 2 + (p.y - fit.y) * scale + view.y });
  const onMove = (event: PointerEvent) => {
    if (!grab) return;
    const dx = event.clientX - grab.x, dy = event.clientY - grab.y;
    if (grab.id !== null) { const before = placeOf(grab.id); setPinned(new Map(pinned).set(grab.id, { x: before.x + dx / scale, y: before.y + dy / scale })); }
    else setView({ ...view, x: view.x + dx, y: view.y + dy });
    setGrab({ ...grab, x: event.clientX, y: event.clientY });
  };
  const node = graph.nodes.find((one) => String(one.id) === chosen);
  // Where there are many, only the most telling have their name drawn; the others show it when chosen or hovered.
  const labelled = new Set([...graph.nodes].sort((a, b) => b.findings - a.findings).slice(0, kLabelledNodes).filter((one, i) => i < 8 || graph.nodes.length <= kLabelledNodes || one.findings > 1).map((one) => String(one.id)));
  return (
    <div className="stack" style={{ flex: "none" }}>
      {graph.grouped > 0 && <Notice kind="info">{formatCount(graph.grouped)} more are left out: the {formatCount(graph.nodes.length)} with the most findings are drawn.</Notice>}
      <div className="graph-box" ref={ref}>
        <svg ref={svg} width={width} height={kHeight} role="img" aria-label={`${graph.nodes.length} entities with ${graph.edges.length} relations. The tables below have the same.`}
             onPointerDown={(event) => { const id = (event.target as Element).closest("[data-node]")?.getAttribute("data-node") ?? null; svg.current?.setPointerCapture(event.pointerId); setGrab({ id, x: event.clientX, y: event.clientY }); if (id && id !== chosen) choose(id); }}
             onPointerMove={onMove} onPointerUp={() => setGrab(null)} onPointerCancel={() => setGrab(null)}>
          {graph.edges.map((edge, i) => {
            const a = toScreen(placeOf(edge.from)), b = toScreen(placeOf(edge.to));
            const on = chosen !== "" && (String(edge.from) === chosen || String(edge.to) === chosen);
            return <g key={i}><line className={`edge${on ? " edge-chosen" : ""}`} x1={a.x} y1={a.y} x2={b.x} y2={b.y} />{on && <text className="glabel" x={(a.x + b.x) / 2} y={(a.y + b.y) / 2} textAnchor="middle">{edgeName(edge.kind)}{edge.count > 1 ? ` ×${edge.count}` : ""}</text>}</g>;
          })}
          {graph.nodes.map((one) => {
            const id = String(one.id), p = toScreen(placeOf(id)), r = radius(one);
            const dim = chosen !== "" && id !== chosen && !near.has(id);
            return (
              <g key={id} data-node={id} className={`node${dim ? " gnode-dim" : ""}`}><title>{kindName(one.kind)} {one.label}: {one.findings} findings{one.hub ? "; common everywhere, it joins nothing" : ""}</title>
                <circle className={`gnode kind-${one.kind}${id === chosen ? " gnode-chosen" : ""}`} cx={p.x} cy={p.y} r={r} strokeDasharray={one.hub ? "3 2" : undefined} />
                {(labelled.has(id) || id === chosen || near.has(id)) && <text className="glabel" x={p.x + r + 3} y={p.y + 4}>{one.label.length > 28 ? `${one.label.slice(0, 27)}…` : one.label}</text>}</g>
            );
          })}
        </svg>
        <div className="graph-tools">
          <Button size="compact-xs" variant="default" aria-label="Zoom in" onClick={() => setView({ ...view, zoom: Math.min(8, view.zoom * 1.4) })}>+</Button><Button size="compact-xs" variant="default" aria-label="Zoom out" onClick={() => setView({ ...view, zoom: Math.max(0.3, view.zoom / 1.4) })}>−</Button>
          <Button size="compact-xs" variant="default" onClick={() => { setView({ zoom: 1, x: 0, y: 0 }); setPinned(new Map()); }}>Fit</Button>
        </div>
      </div>
      <div className="row wrap" style={{ gap: 14 }}>{legend.map(([kind, name]) => <span key={kind} className="row" style={{ gap: 5 }}><span className={`legend-dot legend-${kind}`} aria-hidden />{name}</span>)}<span className="muted">Larger: more findings. Dashed: common everywhere. Drag to move; what was moved stays there.</span></div>
      {node && <section className="card row wrap" aria-label="The chosen entity"><b>{kindName(node.kind)} {node.label}</b><span className="mono muted">{node.key}</span><span>{formatCount(node.findings)} findings</span>{node.criticality ? <span>criticality {node.criticality}</span> : null}<span className="muted">{near.size} neighbours</span><Link to={entityPath(node.kind, node.key, query)}>Open its page</Link></section>}
      <div className="two">
        <section className="card" aria-label="Entities"><div className="card-head"><h2>Entities</h2><span className="muted">{formatCount(graph.nodes.length)}</span></div>
          <div className="table-wrap" style={{ maxHeight: 380 }} tabIndex={0} role="region" aria-label="Table of entities"><table className="table"><thead><tr><th>Kind</th><th>What</th><th className="num">Findings</th><th className="num">Criticality</th></tr></thead>
            <tbody>{[...graph.nodes].sort((a, b) => b.findings - a.findings).map((one) => <tr key={one.id} className={String(one.id) === chosen ? "chosen" : ""}><td>{kindName(one.kind)}</td><td><button className="plain" aria-pressed={String(one.id) === chosen} onClick={() => choose(String(one.id))}><u>{one.label}</u></button></td><td className="num">{formatCount(one.findings)}</td><td className="num">{one.criticality ?? "-"}</td></tr>)}</tbody></table></div></section>
        <Relations graph={graph} chosen={chosen} />
      </div>
    </div>
  );
}

function Relations({ graph, chosen }: { graph: EntityGraph; chosen: string }) {
  const names = new Map(graph.nodes.map((node) => [String(node.id), node.label]));
  const edges = graph.edges.filter((edge) => !chosen || String(edge.from) === chosen || String(edge.to) === chosen).sort((a, b) => b.count - a.count);
  return (
    <section className="card" aria-label="Relations"><div className="card-head"><h2>Relations{chosen && ` of ${names.get(chosen) ?? ""}`}</h2><span className="muted">{formatCount(edges.length)}</span></div>
      <div className="table-wrap" style={{ maxHeight: 380 }} tabIndex={0} role="region" aria-label="Table of relations"><table className="table"><thead><tr><th>From</th><th>Relation</th><th>To</th><th className="num">Times</th></tr></thead>
        <tbody>{edges.map((edge, i) => <tr key={i}><td>{names.get(String(edge.from))}</td><td>{edgeName(edge.kind)}</td><td>{names.get(String(edge.to))}</td><td className="num">{formatCount(edge.count)}</td></tr>)}</tbody></table></div></section>
  );
}
