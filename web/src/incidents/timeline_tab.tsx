// What happened when, and what was done about it: swim lanes with a brush, and always the same as a table.
import { Button, Select, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { api } from "../api/client";
import { levelOf, type IncidentDetail, type Lane, type Timeline, type TimelineItem } from "../api/types";
import { formatCount, formatTime } from "../lib/format";
import { useUrlState } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Dialog } from "../ui/dialog";
import { Severity } from "../ui/severity";
import { Empty, Loaded, Notice } from "../ui/states";
import { VirtualTable, type Columns } from "../ui/virtual_table";
import type { Change } from "./head";
import { flagNames, formatDuration, laneNames, lanes as allLanes, measureList, measureNames } from "./names";
import { readTime } from "./time_text";
import { TimelineChart } from "./timeline_chart";

const kindNames = { finding: "Finding", note: "Note", state: "Change of state" } as const;

export function TimelineTab({ incident, open, busy, change }: { incident: IncidentDetail; open: (id: string) => void; busy: boolean; change: Change }) {
  const query = useQuery({ queryKey: ["incident", incident.number, "timeline"], queryFn: ({ signal }) => api.get<Timeline>(`/incidents/${incident.number}/timeline`, undefined, signal) });
  return <Loaded query={query} what="The timeline">{(timeline) => <Lanes incident={incident} timeline={timeline} open={open} busy={busy} change={change} />}</Loaded>;
}

function Lanes({ incident, timeline, open, busy, change }: { incident: IncidentDetail; timeline: Timeline; open: (id: string) => void; busy: boolean; change: Change }) {
  const url = useUrlState();
  const [noting, setNoting] = useState(false);
  const hidden = url.get("without").split(",").filter(Boolean);
  const lanes = allLanes.filter((lane) => !hidden.includes(lane));
  const whole = useMemo(() => bounds(timeline), [timeline]);
  const from = Number(url.get("t0")) || whole.from, to = Number(url.get("t1")) || whole.to;
  const zoomed = from !== whole.from || to !== whole.to;
  const setRange = (a: number, b: number) => url.set({ t0: String(Math.round(a)), t1: String(Math.round(Math.max(b, a + 10))) }, { replace: zoomed });
  const zoom = (factor: number) => { const middle = (from + to) / 2, half = ((to - from) * factor) / 2; if (factor > 1 && half * 2 >= whole.to - whole.from) url.set({ t0: null, t1: null }); else setRange(middle - half, middle + half); };
  const shift = (part: number) => setRange(from + (to - from) * part, to + (to - from) * part);
  const shown = useMemo(() => timeline.items.filter((item) => { const ms = new Date(item.time).getTime(); return ms >= from && ms <= to && !hidden.includes(item.lane); }).sort((a, b) => a.time.localeCompare(b.time)), [timeline, from, to, hidden.join()]);
  const columns = useMemo(timelineColumns, []);
  if (timeline.items.length === 0) return <Empty title="Nothing is on the timeline yet"><AllowedButton right="findings.write" size="xs" onClick={() => setNoting(true)}>Add a note</AllowedButton>{noting && <NoteDialog incident={incident} busy={busy} change={change} close={() => setNoting(false)} />}</Empty>;
  return (
    <div className="stack grow" style={{ minHeight: 480 }}>
      {timeline.complete === false && <Notice>There are more findings than a timeline shows: the first are here, the tab of findings has all.</Notice>}
      <div className="row wrap">
        <div className="chips" role="group" aria-label="Lanes">{allLanes.map((lane) => <button key={lane} className="facet chip" style={{ width: "auto" }} aria-pressed={!hidden.includes(lane)} onClick={() => url.set({ without: (hidden.includes(lane) ? hidden.filter((other) => other !== lane) : [...hidden, lane]).join(",") }, { replace: true })}>{laneNames[lane]}</button>)}</div>
        <div className="grow" />
        <span className="muted" role="status">{formatTime(from)} – {formatTime(to)}</span>
        <Button size="compact-xs" variant="default" onClick={() => shift(-0.5)}>Earlier</Button><Button size="compact-xs" variant="default" onClick={() => shift(0.5)}>Later</Button>
        <Button size="compact-xs" variant="default" onClick={() => zoom(0.5)}>Zoom in</Button><Button size="compact-xs" variant="default" disabled={!zoomed} onClick={() => zoom(2)}>Zoom out</Button><Button size="compact-xs" variant="default" disabled={!zoomed} onClick={() => url.set({ t0: null, t1: null })}>Whole time</Button>
        <AllowedButton right="findings.write" size="compact-xs" onClick={() => setNoting(true)}>Add a note</AllowedButton>
      </div>
      <div className="card" style={{ padding: "6px 8px 2px", flex: "none" }}><TimelineChart timeline={timeline} items={shown} lanes={lanes} from={from} to={to} onRange={setRange} onOpen={(item) => { if (item.finding) open(item.finding); }} /></div>
      <Flags timeline={timeline} />
      <VirtualTable label="Timeline" rows={shown} columns={columns} rowKey={(row: TimelineItem) => `${row.time} ${row.kind} ${row.finding ?? row.note ?? row.title}`} total={shown.length} rowHeight={28} onOpen={(row) => { if (row.finding) open(row.finding); }}
                    footer={<span>{formatCount(shown.length)} of {formatCount(timeline.items.length)} entries{zoomed ? " lie in this part" : ""}</span>} />
      {noting && <NoteDialog incident={incident} busy={busy} change={change} close={() => setNoting(false)} />}
    </div>
  );
}

function bounds(timeline: Timeline): { from: number; to: number } {
  let low = Infinity, high = -Infinity;
  for (const { time } of [...timeline.items, ...timeline.flags]) { const ms = new Date(time).getTime(); if (ms < low) low = ms; if (ms > high) high = ms; }
  if (low > high) return { from: Date.now() - 3_600_000, to: Date.now() };
  const edge = Math.max(1000, (high - low) * 0.03);
  return { from: Math.round(low - edge), to: Math.round(high + edge) };
}

function Flags({ timeline }: { timeline: Timeline }) {
  return (
    <div className="row wrap" style={{ gap: 16, flex: "none" }} role="group" aria-label="Times of the work">
      {timeline.flags.map((flag) => <span key={flag.name}><span className="muted">{flagNames[flag.name] ?? flag.name}</span> {formatTime(flag.time)}</span>)}
      {measureList.map((name) => { const seconds = timeline.measures[`${name}_s`]; return <span key={name} title={`${measureNames[name].long}: ${measureNames[name].what}`}><b>{measureNames[name].short}</b> {seconds === null ? <span className="muted">not yet</span> : formatDuration(seconds)}</span>; })}
    </div>
  );
}

function timelineColumns(): Columns<TimelineItem> {
  const column = createColumnHelper<TimelineItem>();
  return [
    column.accessor("time", { header: "Time", meta: { width: "202px" }, cell: (cell) => formatTime(cell.getValue(), true) }),
    column.accessor("lane", { header: "Lane", meta: { width: "84px" }, cell: (cell) => laneNames[cell.getValue() as Lane] ?? cell.getValue() }),
    column.accessor("kind", { header: "Kind", meta: { width: "138px" }, cell: (cell) => kindNames[cell.getValue() as keyof typeof kindNames] ?? cell.getValue() }),
    column.accessor("severity_id", { id: "severity", header: "Severity", meta: { width: "98px" }, cell: (cell) => { const id = cell.getValue(); return id ? <Severity level={levelOf(id)} /> : ""; } }),
    column.accessor("title", { header: "What", meta: { width: "minmax(220px, 3fr)" }, cell: (cell) => <span title={cell.getValue()}>{cell.getValue()}</span> }),
    column.accessor("host", { header: "Host", meta: { width: "minmax(90px, 0.7fr)" } }), column.accessor((row) => row.user || row.actor || "", { id: "user", header: "User", meta: { width: "minmax(90px, 0.7fr)" } }),
  ];
}

function NoteDialog({ incident, busy, change, close }: { incident: IncidentDetail; busy: boolean; change: Change; close: () => void }) {
  const [form, setForm] = useState({ time: formatTime(new Date().toISOString()), text: "", lane: "response" as string, event: "" });
  const time = readTime(form.time);
  return (
    <Dialog opened onClose={close} title="A note on the timeline">
      <form className="stack" onSubmit={(event) => { event.preventDefault(); void change("The note", "The note is on the timeline", () => api.post(`/incidents/${incident.number}/notes`, { event_time: time, text: form.text.trim(), lane: form.lane, ...(form.event.trim() ? { event_id: form.event.trim() } : {}) })).then((done) => { if (done) close(); }); }}>
        <TextInput label="When it happened" value={form.time} onChange={(event) => setForm({ ...form, time: event.currentTarget.value })} error={time ? undefined : "Write 2026-11-24 10:00"} />
        <Select label="Lane" allowDeselect={false} value={form.lane} data={allLanes.filter((lane) => lane !== "work").map((lane: Lane) => ({ value: lane as string, label: laneNames[lane] }))} onChange={(lane) => setForm({ ...form, lane: lane ?? "response" })} />
        <Textarea label="What happened" rows={3} required value={form.text} onChange={(event) => setForm({ ...form, text: event.currentTarget.value })} data-autofocus />
        <TextInput label="Id of an event" description="Where the note is about a stored event" value={form.event} onChange={(event) => setForm({ ...form, event: event.currentTarget.value })} />
        <Button type="submit" loading={busy} disabled={!time || !form.text.trim()}>Add it</Button>
      </form>
    </Dialog>
  );
}
