// Stacked bars over time, drawn as SVG: at most some hundred rectangles. Dragging over them picks a range of time.
import { useEffect, useMemo, useRef, useState, type PointerEvent } from "react";
import type { Histogram } from "../api/types";
import { formatClock, formatCount, formatShort, formatTime, useZone } from "../lib/format";

const kDragMinPixels = 4;

export function useWidth(): [React.RefObject<HTMLDivElement>, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(120, Math.floor(element.clientWidth))));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

interface Props {
  data: Histogram;
  label: string;
  height?: number;
  colour?: (name: string, index: number) => string;
  nameOf?: (name: string) => string;
  onRange?: (from: string, to: string) => void;
}

const defaultColour = (_name: string, index: number) => `bar-${index % 6}`;

export function Bars({ data, label, height = 110, colour = defaultColour, nameOf = (name) => name, onRange }: Props) {
  useZone();
  const [ref, width] = useWidth();
  const [hover, setHover] = useState<number | null>(null);
  const [drag, setDrag] = useState<{ start: number; end: number } | null>(null);
  const count = Math.max(0, ...data.series.map((series) => series.values.length));
  const totals = useMemo(() => Array.from({ length: count }, (_, i) => data.series.reduce((sum, series) => sum + (series.values[i] ?? 0), 0)), [data, count]);
  const highest = Math.max(1, ...totals), max = niceTop(highest);
  const sum = totals.reduce((a, b) => a + b, 0);
  const start = new Date(data.from).getTime(), stepMs = data.step_seconds * 1000;
  const left = 40, bottom = 18, top = 6;
  const inner = Math.max(1, width - left - 4), plot = height - bottom - top;
  const step = inner / Math.max(1, count);
  const bucketAt = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(count - 1, Math.floor((event.clientX - box.left - left) / step)));
  };
  const xAt = (event: PointerEvent) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  const time = (bucket: number) => new Date(start + bucket * stepMs).toISOString();
  const finish = () => {
    if (drag && onRange && Math.abs(drag.end - drag.start) >= kDragMinPixels) {
      const toBucket = (x: number) => Math.max(0, Math.min(count, (x - left) / step));
      const [a, b] = [Math.floor(toBucket(Math.min(drag.start, drag.end))), Math.ceil(toBucket(Math.max(drag.start, drag.end)))];
      onRange(time(a), time(Math.max(b, a + 1)));
    }
    setDrag(null);
  };
  const labels = count > 0 ? [0, 0.25, 0.5, 0.75].map((part) => Math.round(part * count)) : [];
  const withDay = stepMs * count > 36 * 3_600_000;

  return (
    <div className="chart" ref={ref}>
      <svg width={width} height={height} role="img" aria-label={`${label}: ${formatCount(sum)} in all, at most ${formatCount(highest)} in ${describeStep(data.step_seconds)}`}
           className={onRange ? "chart-brush" : undefined}
           onPointerDown={(event) => { if (onRange && event.button === 0) { event.currentTarget.setPointerCapture(event.pointerId); setDrag({ start: xAt(event), end: xAt(event) }); } }}
           onPointerMove={(event) => { if (count > 0) setHover(bucketAt(event)); if (drag) setDrag({ ...drag, end: xAt(event) }); }}
           onPointerUp={finish} onPointerCancel={() => setDrag(null)} onPointerLeave={() => setHover(null)}>
        {[1, 0.5].map((part) => (
          <g key={part}>
            <line className="chart-grid" x1={left} x2={width - 4} y1={top + plot * (1 - part)} y2={top + plot * (1 - part)} />
            {(part === 1 || max > 1) && <text className="chart-text" x={left - 5} y={top + plot * (1 - part) + 4} textAnchor="end">{formatShort(max * part)}</text>}
          </g>
        ))}
        <line className="chart-axis" x1={left} x2={width - 4} y1={top + plot} y2={top + plot} />
        {totals.map((total, i) => {
          if (total === 0) return null;
          let y = top + plot;
          return (
            <g key={i}>
              {data.series.map((series, s) => {
                const value = series.values[i] ?? 0;
                if (value === 0) return null;
                const h = Math.max(1.5, (value / max) * plot);
                y -= h;
                return <rect key={series.name} className={colour(series.name, s)} x={left + i * step + 0.5} y={y} width={Math.max(1, step - 1)} height={h} />;
              })}
            </g>
          );
        })}
        {labels.map((i) => <text key={i} className="chart-text" x={left + i * step} y={height - 4}>{formatClock(start + i * stepMs, withDay)}</text>)}
        {hover !== null && <rect className="chart-hover" x={left + hover * step} y={top} width={step} height={plot} />}
        {drag && <rect className="chart-drag" x={Math.min(drag.start, drag.end)} y={top} width={Math.abs(drag.end - drag.start)} height={plot} />}
      </svg>
      {hover !== null && totals[hover] !== undefined && (
        <div className={hover > count / 2 ? "chart-tip chart-tip-left" : "chart-tip chart-tip-right"}>
          <div>{formatTime(time(hover))}</div>
          {data.series.filter((series) => (series.values[hover] ?? 0) > 0).slice(0, 8).map((series) => (
            <div key={series.name}>{nameOf(series.name) || "events"}: <b>{formatCount(series.values[hover])}</b></div>
          ))}
          {totals[hover] === 0 && <div>none</div>}
        </div>
      )}
    </div>
  );
}

function describeStep(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

// The next of 1, 2, 4, 6, 8, 10 times a power of ten: its half is a number to write at an axis too.
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= value) ?? 10;
  return Math.max(1, factor * power);
}
