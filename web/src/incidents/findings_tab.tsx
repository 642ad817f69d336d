// The findings of an incident, each led by why it is in it.
import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { useNavigate } from "react-router-dom";
import { api } from "../api/client";
import { levelOf, type Incident, type IncidentDetail, type IncidentFinding, type IncidentFindingPage } from "../api/types";
import { formatCount, formatMilliseconds, formatShortTime, formatTime } from "../lib/format";
import { useKeys } from "../lib/keys";
import { AllowedButton } from "../ui/allowed";
import { Severity } from "../ui/severity";
import { Empty, Failed, Loading } from "../ui/states";
import { VirtualTable, type Columns } from "../ui/virtual_table";
import { MoveDialog, SplitDialog } from "./change_dialogs";
import type { Change } from "./head";
import { reasonNames } from "./names";

const kPageRows = 500;

export function FindingsTab({ incident, query, selected, open, busy, change }: { incident: IncidentDetail; query: string; selected: string | null; open: (id: string | null) => void; busy: boolean; change: Change }) {
  const navigate = useNavigate();
  const [marked, setMarked] = useState<Set<string>>(new Set());
  const [asked, setAsked] = useState<"split" | "move" | null>(null);
  const list = useInfiniteQuery({
    queryKey: ["incident", incident.number, "findings"], initialPageParam: "",
    queryFn: ({ pageParam, signal }) => api.get<IncidentFindingPage>(`/incidents/${incident.number}/findings`, { limit: kPageRows, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const total = list.data?.pages[0]?.total;
  const toggle = (id: string) => setMarked((before) => { const next = new Set(before); if (!next.delete(id)) next.add(id); return next; });
  const columns = useMemo(() => findingColumns(marked, toggle), [marked]);
  const move = (step: number) => { const next = items[Math.max(0, Math.min(items.length - 1, items.findIndex((item) => item.id === selected) + step))]; if (next) open(next.id); };
  useKeys({ j: () => move(1), k: () => move(-1), x: () => { if (selected) toggle(selected); }, Escape: () => { if (selected) open(null); else setMarked(new Set()); } });
  if (list.error && !list.data) return <Failed what="The findings" error={list.error} retry={() => { void list.refetch(); }} />;
  if (!list.data) return <Loading what="the findings" />;
  if (items.length === 0) return <Empty title="No finding yet">{incident.opened_by !== "engine" ? "It was opened by hand. Findings can be moved here from other incidents." : "All its findings were moved away."}</Empty>;
  const ids = [...marked];
  return (
    <div className="stack grow" style={{ minHeight: 320 }}>
      <div className="row wrap" role="group" aria-label="Marked findings">
        <span className="muted">{marked.size > 0 ? <b>{marked.size} marked</b> : "Mark findings to split them off or to move them."}</span>
        <AllowedButton right="findings.write" also={marked.size === 0 ? "Mark findings first" : undefined} size="compact-xs" variant="default" onClick={() => setAsked("split")}>Split off …</AllowedButton>
        <AllowedButton right="findings.write" also={marked.size === 0 ? "Mark findings first" : undefined} size="compact-xs" variant="default" onClick={() => setAsked("move")}>Move …</AllowedButton>
        {marked.size > 0 && <Button size="compact-xs" variant="subtle" onClick={() => setMarked(new Set())}>Unmark</Button>}
      </div>
      <VirtualTable label="Findings of the incident" pageKeys rows={items} columns={columns} rowKey={(row: IncidentFinding) => row.id} {...(total === undefined ? {} : { total })} selected={selected} marked={marked} rowHeight={62} onOpen={(row) => open(row.id)}
                    onEnd={() => { if (list.hasNextPage && !list.isFetching) void list.fetchNextPage(); }} footer={<span>{formatCount(items.length)} of {formatCount(total)} loaded{list.isFetchingNextPage ? "; loading more …" : ""}</span>} />
      {asked === "split" && <SplitDialog incident={incident} count={ids.length} busy={busy} close={() => setAsked(null)} run={(why) => {
        let made: Incident | undefined;
        void change("Splitting", "", async () => { made = await api.post<Incident>(`/incidents/${incident.number}/split`, { findings: ids, why }); }).then((done) => { if (done) { setAsked(null); setMarked(new Set()); if (made?.number) navigate(`/incidents/${made.number}${query}`); } });
      }} />}
      {asked === "move" && <MoveDialog incident={incident} count={ids.length} busy={busy} close={() => setAsked(null)} run={(to, why) => {
        void change("Moving", `${ids.length} moved to ${to.id}`, () => api.post(`/incidents/${incident.number}/move`, { findings: ids, to: to.number, why })).then((done) => { if (done) { setAsked(null); setMarked(new Set()); } });
      }} />}
    </div>
  );
}

// The strongest reason, in words; the others behind it.
function Reasons({ finding }: { finding: IncidentFinding }) {
  const [first, ...others] = finding.reasons;
  if (!first) return <span className="muted">No reason was stored.</span>;
  const all = finding.reasons.map((reason) => `${reasonNames[reason.kind] ?? reason.kind}: ${reason.text}`).join("\n");
  return (
    <div title={all}>
      <div className="reason-first">{first.text || reasonNames[first.kind]}</div>
      <div className="reason-kind clip">{reasonNames[first.kind] ?? first.kind}{first.gap_ms ? ` · ${formatMilliseconds(Math.abs(first.gap_ms))} apart` : ""}{others.length > 0 && ` · also: ${others.map((other) => (reasonNames[other.kind] ?? other.kind).toLowerCase()).join(", ")}`}{finding.added_by !== "engine" && ` · by ${finding.added_by}`}</div>
    </div>
  );
}

function findingColumns(marked: Set<string>, toggle: (id: string) => void): Columns<IncidentFinding> {
  const column = createColumnHelper<IncidentFinding>();
  return [
    column.display({ id: "mark", header: () => <span className="visually-hidden">Marked</span>, meta: { width: "34px" }, cell: ({ row }) => <input type="checkbox" tabIndex={-1} className="mark-box" aria-label={`Mark ${row.original.rule_title}`} checked={marked.has(row.original.id)} onClick={(event) => event.stopPropagation()} onChange={() => toggle(row.original.id)} /> }),
    column.display({ id: "reason", header: "Why it is here", meta: { width: "minmax(280px, 3fr)" }, cell: ({ row }) => <Reasons finding={row.original} /> }),
    column.accessor("time", { header: "Time", meta: { width: "126px" }, cell: (cell) => <span title={formatTime(cell.getValue(), true)}>{formatShortTime(cell.getValue())}</span> }),
    column.accessor("severity_id", { id: "severity", header: "Severity", meta: { width: "98px" }, cell: (cell) => <Severity level={levelOf(cell.getValue())} /> }),
    column.accessor("rule_title", { id: "rule", header: "Rule", meta: { width: "minmax(180px, 2fr)" }, cell: ({ row }) => <span title={row.original.rule_title}>{row.original.rule_title}{row.original.folded > 1 && <span className="muted"> ×{formatCount(row.original.folded)}</span>}</span> }),
    column.accessor("host", { header: "Host", meta: { width: "minmax(90px, 0.7fr)" } }), column.accessor("user", { header: "User", meta: { width: "minmax(80px, 0.6fr)" } }), column.accessor("source", { header: "Source", meta: { width: "minmax(80px, 0.6fr)" } }),
  ];
}
