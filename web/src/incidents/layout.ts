// Places the nodes of a graph: pushed apart by each other, pulled together by edges; the same graph gives the same picture.
//
// Plain forces, each node against each other: with at most 300 nodes that is 90,000 pairs a step.
import type { EntityGraph } from "../api/types";

export interface Point { x: number; y: number }
const kIdeal = 95, kSteps = 220, kManyNodes = 120;

export function layOut(graph: EntityGraph): Map<string, Point> {
  const ids = graph.nodes.map((node) => String(node.id));
  const index = new Map(ids.map((id, i) => [id, i]));
  const n = ids.length;
  const x = new Float64Array(n), y = new Float64Array(n), dx = new Float64Array(n), dy = new Float64Array(n);
  // A spiral by golden angle: no two start at one place.
  for (let i = 0; i < n; ++i) { const r = 28 * Math.sqrt(i + 1); x[i] = r * Math.cos(i * 2.39996); y[i] = r * Math.sin(i * 2.39996); }
  const edges = graph.edges.flatMap((edge) => { const a = index.get(String(edge.from)), b = index.get(String(edge.to)); return a === undefined || b === undefined || a === b ? [] : [[a, b] as const]; });
  const degree = new Float64Array(n);
  for (const [a, b] of edges) { degree[a] = (degree[a] ?? 0) + 1; degree[b] = (degree[b] ?? 0) + 1; }
  const steps = n > kManyNodes ? kSteps / 2 : kSteps;
  const at = (list: Float64Array, i: number) => list[i] ?? 0;
  for (let step = 0; step < steps; ++step) {
    const heat = 40 * (1 - step / steps) + 0.5;
    dx.fill(0); dy.fill(0);
    for (let i = 0; i < n; ++i) {
      for (let j = i + 1; j < n; ++j) {
        const ex = at(x, i) - at(x, j), ey = at(y, i) - at(y, j);
        const squared = Math.max(25, ex * ex + ey * ey), force = (kIdeal * kIdeal) / squared;
        dx[i] = at(dx, i) + ex * force; dy[i] = at(dy, i) + ey * force; dx[j] = at(dx, j) - ex * force; dy[j] = at(dy, j) - ey * force;
      }
      dx[i] = at(dx, i) - at(x, i) * 0.25; dy[i] = at(dy, i) - at(y, i) * 0.25;  // Towards the middle.
    }
    for (const [a, b] of edges) {
      const ex = at(x, a) - at(x, b), ey = at(y, a) - at(y, b);
      const pull = (Math.sqrt(ex * ex + ey * ey) / kIdeal) / Math.max(1, Math.sqrt(Math.max(at(degree, a), at(degree, b)) / 3));
      dx[a] = at(dx, a) - ex * pull; dy[a] = at(dy, a) - ey * pull; dx[b] = at(dx, b) + ex * pull; dy[b] = at(dy, b) + ey * pull;
    }
    for (let i = 0; i < n; ++i) {
      const length = Math.hypot(at(dx, i), at(dy, i)) || 1, move = Math.min(heat, length);
      x[i] = at(x, i) + (at(dx, i) / length) * move; y[i] = at(y, i) + (at(dy, i) / length) * move;
    }
  }
  // The longer side lies across: screens are wide.
  const extent = (list: Float64Array) => Math.max(...list) - Math.min(...list);
  const tall = extent(y) > extent(x);
  return new Map(ids.map((id, i) => [id, tall ? { x: at(y, i), y: at(x, i) } : { x: at(x, i), y: at(y, i) }]));
}
