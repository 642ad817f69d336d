// Processes of an incident: a list and a drawn tree that move together, findings on the nodes, and the time between them.
import { Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "../api/client";
import { levelOf, type IncidentDetail, type ProcessNode, type ProcessTrees } from "../api/types";
import { formatCount, formatTime } from "../lib/format";
import { useUrlState } from "../lib/url_state";
import { Code } from "../ui/code";
import { Severity } from "../ui/severity";
import { Empty, Loaded, Notice } from "../ui/states";
import { formatDuration } from "./names";

const kMaxRows = 500, kMaxDepth = 24;
const kNodeWidth = 190, kNodeHeight = 40, kStepX = 250, kStepY = 52;
interface Placed { node: ProcessNode; depth: number; row: number; parent: Placed | null }

// Depth first, by time; a parent that is missing or would close a circle makes a root.
// A parent that only its child speaks of may have no name.
const nameOf = (node: ProcessNode) => node.name || "start not seen";

export function layTree(processes: ProcessNode[]): Placed[] {
  const byId = new Map(processes.map((node) => [node.id, node]));
  const children = new Map<string, ProcessNode[]>();
  const roots: ProcessNode[] = [];
  for (const node of processes) {
    if (node.parent && node.parent !== node.id && byId.has(node.parent)) children.set(node.parent, [...(children.get(node.parent) ?? []), node]);
    else roots.push(node);
  }
  const byTime = (a: ProcessNode, b: ProcessNode) => (a.time ?? "").localeCompare(b.time ?? "");
  const placed: Placed[] = [];
  const seen = new Set<string>();
  const stack: { node: ProcessNode; depth: number; parent: Placed | null }[] = [];
  const visit = (start: ProcessNode) => {
    stack.push({ node: start, depth: 0, parent: null });
    while (stack.length > 0) {
      const next = stack.pop();
      if (!next || seen.has(next.node.id)) continue;
      seen.add(next.node.id);
      const one: Placed = { ...next, row: placed.length };
      placed.push(one);
      for (const child of (children.get(next.node.id) ?? []).sort(byTime).reverse()) stack.push({ node: child, depth: Math.min(kMaxDepth, next.depth + 1), parent: one });
    }
  };
  roots.sort(byTime).forEach(visit);
  for (const node of processes) if (!seen.has(node.id)) visit(node);
  return placed;
}

export function ProcessTab({ incident, open }: { incident: IncidentDetail; open: (id: string) => void }) {
  const query = useQuery({ queryKey: ["incident", incident.number, "processes"], queryFn: ({ signal }) => api.get<ProcessTrees>(`/incidents/${incident.number}/processes`, undefined, signal) });
  return <Loaded query={query} what="The process tree">{(trees) => trees.hosts.length === 0 ? <Empty title="No process is known">The findings of this incident name no process, or their events are past the time they are kept.</Empty> : <Trees trees={trees} open={open} />}</Loaded>;
}

function Trees({ trees, open }: { trees: ProcessTrees; open: (id: string) => void }) {
  const url = useUrlState();
  const host = trees.hosts.find((one) => one.host === url.get("host")) ?? trees.hosts[0];
  const words = url.get("find").toLowerCase();
  const all = useMemo(() => layTree(host?.processes ?? []), [host]);
  const rows = all.slice(0, kMaxRows);
  const chosen = rows.find((one) => one.node.id === url.get("process")) ?? rows.find((one) => one.node.findings.length > 0) ?? rows[0];
  const choose = (id: string) => url.set({ process: id }, { replace: true });
  const fits = (node: ProcessNode) => words !== "" && `${node.name} ${node.cmd_line} ${node.user} ${node.pid}`.toLowerCase().includes(words);
  return (
    <div className="stack" style={{ flex: "none" }}>
      <div className="row wrap">
        <Select size="xs" w={210} aria-label="Host" allowDeselect={false} value={host?.host ?? ""} data={trees.hosts.map((one) => ({ value: one.host, label: `${one.host} (${one.processes.length})` }))} onChange={(value) => url.set({ host: value, process: null }, { replace: true })} />
        <TextInput size="xs" w={200} aria-label="Find a process" placeholder="Find a process" value={url.get("find")} onChange={(event) => url.set({ find: event.currentTarget.value }, { replace: true })} />
        {words && <span className="muted" role="status">{formatCount(rows.filter((one) => fits(one.node)).length)} found</span>}
      </div>
      {!trees.complete && <Notice>Not all processes are here: some events are past the time they are kept, or there were more than can be drawn.</Notice>}
      {all.length > rows.length && <Notice>The first {kMaxRows} of {formatCount(all.length)} processes of this host are shown.</Notice>}
      <div className="two">
        <ProcessList rows={rows} chosen={chosen?.node.id} choose={choose} fits={fits} />
        <ProcessGraph rows={rows} chosen={chosen?.node.id} choose={choose} />
      </div>
      {chosen && <Details placed={chosen} open={open} />}
    </div>
  );
}

function between(one: Placed): number | null {
  return one.parent?.node.time && one.node.time ? (new Date(one.node.time).getTime() - new Date(one.parent.node.time).getTime()) / 1000 : null;
}

function ProcessList({ rows, chosen, choose, fits }: { rows: Placed[]; chosen: string | undefined; choose: (id: string) => void; fits: (node: ProcessNode) => boolean }) {
  return (
    <div className="canvas" tabIndex={0} role="region" aria-label="Processes as a list">
      <table className="table"><thead><tr><th>Process</th><th className="num">After its parent</th><th>Time</th><th>Findings</th></tr></thead>
        <tbody>{rows.map((one) => (
          <tr key={one.node.id} className={one.node.id === chosen ? "chosen" : ""}>
            <td style={{ paddingLeft: 8 + one.depth * 16 }}><button className="plain" aria-pressed={one.node.id === chosen} onClick={() => choose(one.node.id)}>{one.depth > 0 && <span className="muted" aria-hidden>└ </span>}<b>{fits(one.node) ? <mark>{nameOf(one.node)}</mark> : nameOf(one.node)}</b> <span className="muted">{one.node.pid}</span><span className="visually-hidden"> at level {one.depth + 1}</span></button></td>
            <td className="num">{between(one) === null ? "" : `+${formatDuration(between(one))}`}</td><td>{formatTime(one.node.time).slice(5)}</td>
            <td>{one.node.findings.length > 0 && <Severity level={levelOf(Math.max(...one.node.findings.map((finding) => finding.severity_id)))} />}{one.node.findings.length > 1 && ` ×${one.node.findings.length}`}</td>
          </tr>
        ))}</tbody></table>
    </div>
  );
}

const short = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function ProcessGraph({ rows, chosen, choose }: { rows: Placed[]; chosen: string | undefined; choose: (id: string) => void }) {
  const depth = Math.max(0, ...rows.map((one) => one.depth));
  const width = depth * kStepX + kNodeWidth + 24, height = rows.length * kStepY + 12;
  const xOf = (one: Placed) => 10 + one.depth * kStepX, yOf = (one: Placed) => 8 + one.row * kStepY;
  return (
    <div className="canvas" tabIndex={0} role="region" aria-label="Processes as a tree">
      <svg width={width} height={height} role="img" aria-label={`${rows.length} processes, ${depth + 1} levels deep. The list beside it has the same.`}>
        {rows.map((one) => {
          if (!one.parent) return null;
          const x = xOf(one.parent) + 24, y = yOf(one.parent) + kNodeHeight, toX = xOf(one), toY = yOf(one) + kNodeHeight / 2;
          const seconds = between(one);
          return <g key={one.node.id}><path className={`edge${one.node.id === chosen ? " edge-chosen" : ""}`} d={`M${x} ${y}V${toY}H${toX}`} />{seconds !== null && <text className="edge-text" x={toX - 6} y={toY - 4} textAnchor="end">+{formatDuration(seconds)}</text>}</g>;
        })}
        {rows.map((one) => {
          const worst = Math.max(0, ...one.node.findings.map((finding) => finding.severity_id));
          return (
            <g key={one.node.id} className={`node${worst ? " node-hit" : ""}${one.node.id === chosen ? " node-chosen" : ""}`} transform={`translate(${xOf(one)} ${yOf(one)})`} onClick={() => choose(one.node.id)}>
              <title>{one.node.cmd_line || nameOf(one.node)}</title><rect className="node-box" width={kNodeWidth} height={kNodeHeight} rx={5} />
              <text x={9} y={17}>{short(nameOf(one.node), 23)}</text><text className="node-small" x={9} y={32}>{one.node.pid} {short(one.node.user, 20)}</text>
              {worst > 0 && <g><circle className={`tl-sev-${levelOf(worst)}`} cx={kNodeWidth - 14} cy={14} r={9} /><text className="node-badge" x={kNodeWidth - 14} y={18} textAnchor="middle">{one.node.findings.length}</text></g>}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function hashesOf(hashes: ProcessNode["hashes"]): string[] {
  if (!hashes) return [];
  if (typeof hashes === "string") return hashes.split(",").map((text) => text.trim()).filter(Boolean);
  return Array.isArray(hashes) ? hashes : Object.entries(hashes).map(([name, value]) => `${name}: ${value}`);
}

function Details({ placed, open }: { placed: Placed; open: (id: string) => void }) {
  const { node, parent } = placed;
  return (
    <section className="card stack" style={{ gap: 10 }} aria-label="The chosen process">
      <h2>{nameOf(node)} <span className="muted">{node.pid}</span></h2>
      {node.cmd_line && <Code text={node.cmd_line} label="Command line" />}
      <dl className="facts">
        <dt>Started</dt><dd>{formatTime(node.time, true) || "not seen"}{between(placed) !== null && <span className="muted"> ({formatDuration(between(placed))} after its parent)</span>}</dd>
        <dt>User</dt><dd>{node.user || "-"}</dd><dt>Parent</dt><dd>{parent ? `${nameOf(parent.node)} ${parent.node.pid}` : "not seen"}</dd>
        <dt>Hashes</dt><dd className="mono">{hashesOf(node.hashes).map((hash) => <div key={hash}>{hash}</div>)}{hashesOf(node.hashes).length === 0 && "-"}</dd>
        <dt>Entity</dt><dd className="mono">{node.id}</dd>
        <dt>Findings</dt><dd>{node.findings.length === 0 ? "none" : node.findings.map((finding) => <div key={finding.id} className="row"><Severity level={levelOf(finding.severity_id)} /><button className="plain" onClick={() => open(finding.id)}><u>{finding.title}</u></button></div>)}</dd>
      </dl>
    </section>
  );
}
