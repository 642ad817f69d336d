// The timeline as swim lanes, drawn as SVG. What lies too close together becomes one mark with its count, so that ten
// thousand findings are some hundred shapes. Dragging picks a range; the table below it says the same in words.
import { useState, type PointerEvent } from "react";
import { useWidth } from "../charts/bars";
import { levelOf, type Lane, type Timeline, type TimelineItem } from "../api/types";
import { formatClock, formatTime, useZone } from "../lib/format";
import { flagNames, formatDuration, laneNames, measureList, measureNames } from "./names";

const kLaneHeight = 34, kLeft = 76, kRight = 14, kTicks = 6, kMarkPixels = 15, kDragMinPixels = 5;
const endOf = { detect: "detected", acknowledge: "acknowledged", contain: "contained", recover: "recovered" } as const;

interface Mark { x: number; lane: Lane; items: TimelineItem[] }

function marksOf(items: TimelineItem[], x: (time: string) => number): Mark[] {
  const found = new Map<string, Mark>();
  for (const item of items) {
    const bucket = Math.round(x(item.time) / kMarkPixels);
    const key = `${item.lane} ${bucket}`;
    const mark = found.get(key);
    if (mark) mark.items.push(item);
    else found.set(key, { x: x(item.time), lane: item.lane, items: [item] });
  }
  return [...found.values()];
}

// The worst finding gives the colour; a note or a change of state is of another shape.
function MarkShape({ mark, y }: { mark: Mark; y: number }) {
  const worst = Math.max(0, ...mark.items.map((item) => (item.kind === "finding" ? item.severity_id ?? 1 : 0)));
  const { x } = mark;
  if (worst > 0) return <circle className={`tl-sev-${levelOf(worst)}`} cx={x} cy={y} r={mark.items.length > 1 ? 7.5 : 5.5} />;
  return mark.items[0]?.kind === "note" ? <path className="tl-note" d={`M${x} ${y - 6}l6 6-6 6-6-6z`} /> : <rect className="tl-state" x={x - 5} y={y - 5} width={10} height={10} />;
}

interface Props { timeline: Timeline; items: TimelineItem[]; lanes: Lane[]; from: number; to: number; onRange: (from: number, to: number) => void; onOpen: (item: TimelineItem) => void }

export function TimelineChart({ timeline, items, lanes, from, to, onRange, onOpen }: Props) {
  useZone();
  const [ref, width] = useWidth();
  const [drag, setDrag] = useState<{ start: number; end: number } | null>(null);
  const inner = Math.max(50, width - kLeft - kRight);
  const span = Math.max(1, to - from);
  const xOf = (ms: number) => kLeft + ((ms - from) / span) * inner;
  const timeAt = (x: number) => from + (Math.max(0, Math.min(inner, x - kLeft)) / inner) * span;
  const flagTimes = new Map(timeline.flags.map((flag) => [flag.name, new Date(flag.time).getTime()]));
  const measures = measureList.flatMap((name) => {
    const end = flagTimes.get(endOf[name]), seconds = timeline.measures[`${name}_s`];
    return end === undefined || seconds === null ? [] : [{ name, start: end - seconds * 1000, end, seconds }];
  });
  const spansTop = 4, flagsTop = spansTop + measures.length * 17 + 4;
  const flags = timeline.flags.map((flag) => ({ ...flag, ms: new Date(flag.time).getTime() })).filter((flag) => flag.ms >= from && flag.ms <= to).sort((a, b) => a.ms - b.ms);
  // Names of flags close together are put below each other.
  const rows: number[] = [];
  const placed = flags.map((flag) => {
    const x = xOf(flag.ms);
    let row = rows.findIndex((end) => end < x - 4);
    if (row < 0) row = rows.length;
    rows[row] = x + 90;
    return { ...flag, x, row };
  });
  const lanesTop = flagsTop + Math.max(1, rows.length) * 14 + 6;
  const height = lanesTop + lanes.length * kLaneHeight + 22;
  const marks = marksOf(items, (time) => xOf(new Date(time).getTime()));
  const xAt = (event: PointerEvent) => event.clientX - (ref.current?.getBoundingClientRect().left ?? 0);
  const finish = () => {
    if (drag && Math.abs(drag.end - drag.start) >= kDragMinPixels) onRange(timeAt(Math.min(drag.start, drag.end)), timeAt(Math.max(drag.start, drag.end)));
    setDrag(null);
  };
  const press = (mark: Mark) => {
    const [first] = mark.items;
    if (mark.items.length === 1 && first) { onOpen(first); return; }
    const times = mark.items.map((item) => new Date(item.time).getTime());
    const low = Math.min(...times), high = Math.max(...times), edge = Math.max(500, (high - low) * 0.15);
    onRange(low - edge, high + edge);
  };
  const withDay = span > 36 * 3_600_000;
  return (
    <div className="chart" ref={ref}>
      <svg width={width} height={height} role="img" className="chart-brush" aria-label={`Timeline from ${formatTime(from)} to ${formatTime(to)}: ${items.length} entries. The table below has the same.`}
           onPointerDown={(event) => { if (event.button === 0 && !(event.target as Element).closest(".tl-mark")) { event.currentTarget.setPointerCapture(event.pointerId); setDrag({ start: xAt(event), end: xAt(event) }); } }}
           onPointerMove={(event) => { if (drag) setDrag({ ...drag, end: xAt(event) }); }} onPointerUp={finish} onPointerCancel={() => setDrag(null)}>
        {measures.map((measure, i) => {
          const a = Math.max(kLeft, Math.min(kLeft + inner, xOf(measure.start))), b = Math.max(kLeft, Math.min(kLeft + inner, xOf(measure.end)));
          const y = spansTop + i * 17 + 9;
          const text = `${measureNames[measure.name].short} ${formatDuration(measure.seconds)}`;
          const right = b + 8 + text.length * 6.5 > width;
          return <g key={measure.name}><title>{measureNames[measure.name].long}: {formatDuration(measure.seconds)}</title><path className="tl-span" d={`M${a} ${y - 4}v8M${a} ${y}H${Math.max(b, a + 2)}M${Math.max(b, a + 2)} ${y - 4}v8`} /><text className="tl-span-text" x={right ? a - 6 : b + 7} y={y + 4} textAnchor={right ? "end" : "start"}>{text}</text></g>;
        })}
        {lanes.map((lane, i) => (
          <g key={lane}><rect className={i % 2 ? "lane lane-odd" : "lane"} x={0} y={lanesTop + i * kLaneHeight} width={width} height={kLaneHeight} /><text className="lane-name" x={8} y={lanesTop + i * kLaneHeight + 21}>{laneNames[lane]}</text></g>
        ))}
        {Array.from({ length: kTicks + 1 }, (_, i) => {
          const x = kLeft + (i / kTicks) * inner;
          return <g key={i}><line className="chart-grid" x1={x} x2={x} y1={lanesTop} y2={lanesTop + lanes.length * kLaneHeight} /><text className="chart-text" x={x} y={height - 6} textAnchor={i === 0 ? "start" : i === kTicks ? "end" : "middle"}>{span < 600_000 ? formatTime(from + (i / kTicks) * span).slice(11) : formatClock(from + (i / kTicks) * span, withDay)}</text></g>;
        })}
        {placed.map((flag) => {
          const right = flag.x + 90 > width;
          return <g key={flag.name}><line className="tl-flag" x1={flag.x} x2={flag.x} y1={flagsTop + flag.row * 14} y2={lanesTop + lanes.length * kLaneHeight} /><text className="tl-flag-text" x={right ? flag.x - 3 : flag.x + 3} textAnchor={right ? "end" : "start"} y={flagsTop + flag.row * 14 + 10}>{flagNames[flag.name] ?? flag.name}</text></g>;
        })}
        {marks.map((mark) => {
          const y = lanesTop + lanes.indexOf(mark.lane) * kLaneHeight + kLaneHeight / 2;
          const first = mark.items[0];
          return (
            <g key={`${mark.lane} ${mark.x}`} className="tl-mark" onClick={() => press(mark)}>
              <title>{mark.items.length === 1 && first ? `${formatTime(first.time, true)} ${first.title}${first.host ? ` on ${first.host}` : ""}` : `${mark.items.length} entries; click to zoom in\n${mark.items.slice(0, 6).map((item) => item.title).join("\n")}`}</title>
              <MarkShape mark={mark} y={y} />{mark.items.length > 1 && <text className="tl-count" x={mark.x + 9} y={y - 4}>{mark.items.length}</text>}
            </g>
          );
        })}
        {drag && <rect className="chart-drag" x={Math.min(drag.start, drag.end)} y={lanesTop} width={Math.abs(drag.end - drag.start)} height={lanes.length * kLaneHeight} />}
      </svg>
    </div>
  );
}
