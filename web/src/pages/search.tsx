// Search over the stored events.
import { Button, Menu } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { useEffect, useMemo, useRef, useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { EventRecord } from "../api/types";
import { Bars } from "../charts/bars";
import { saveFile } from "../lib/download";
import { formatBytes, formatCount, formatMilliseconds, formatTime } from "../lib/format";
import { useKeys } from "../lib/keys";
import { EventPanel } from "../search/event_panel";
import { FieldRail } from "../search/field_rail";
import { QueryBar } from "../search/query_bar";
import { SavedSearches } from "../search/saved_searches";
import { SqlTab } from "../search/sql_tab";
import { useSearchAnswers, useSearchState, type Question } from "../search/use_search";
import { Icon } from "../ui/icons";
import { Empty, Failed, Loading, Notice, problemText } from "../ui/states";
import { TabList } from "../ui/tab_list";
import { say, sayFailed } from "../ui/toast";
import { Value, type ValueAction } from "../ui/value_menu";
import { VirtualTable, type Columns } from "../ui/virtual_table";

const widths: Record<string, string> = { time: "188px", received_at: "188px", message: "minmax(260px, 3fr)", process_cmd_line: "minmax(260px, 3fr)", event_code: "100px", source: "minmax(90px, 0.6fr)", host: "minmax(100px, 0.8fr)", user: "minmax(90px, 0.7fr)", raw: "minmax(320px, 4fr)" };

export default function Search() {
  const s = useSearchState();
  const { may } = useSession();
  const tab = s.get("tab") === "sql" ? "sql" : "events";
  return (
    <div className="page fixed">
      <div className="row"><h1>Search</h1><div className="grow" /></div>
      <TabList label="Kind of search" tabs={{ events: "Events", sql: "SQL" }} value={tab} onChange={(next) => s.set({ tab: next === "sql" ? "sql" : null, id: null })} />
      {tab === "events" ? <EventSearch s={s} /> : may("search.sql") ? <SqlTab /> : <Notice kind="info">SQL needs the right "search.sql", which your role does not have. Hunters and engineers have it.</Notice>}
    </div>
  );
}

function EventSearch({ s }: { s: ReturnType<typeof useSearchState> }) {
  const client = useQueryClient();
  const { may } = useSession();
  const [run, setRun] = useState(0);
  const [cancelled, setCancelled] = useState(false);
  const { rows, histogram, fields, checking, wrong } = useSearchAnswers(s.question, s.sort, run);
  const selected = s.get("id") || null;
  const events = useMemo(() => rows.data?.pages.flatMap((page) => page.items) ?? [], [rows.data]);
  const columns = useMemo(() => eventColumns(s.shown, s.actionsOf), [s.shown, s.actionsOf]);
  const first = rows.data?.pages[0];
  const busy = checking || rows.isFetching || histogram.isFetching || fields.isFetching;
  const total = histogram.data?.total;
  useEffect(() => setCancelled(false), [s.question, run]);
  const cancel = () => { setCancelled(true); void client.cancelQueries({ queryKey: ["search"] }); };
  const move = (step: number) => {
    const next = events[Math.max(0, Math.min(events.length - 1, events.findIndex((event) => event.id === selected) + step))];
    if (next) s.set({ id: next.id }, { replace: selected !== null });
  };
  useKeys({ j: () => move(1), k: () => move(-1), Escape: () => s.set({ id: null }) });
  const ask = (text: string) => { if (text === s.query) setRun(run + 1); else s.ask(text); };
  return (
    <>
      <QueryBar query={s.query} question={s.question} busy={busy} ask={ask} cancel={cancel}>
        <SavedSearches current={{ q: s.query, from: s.scope.from, to: s.scope.to, columns: s.get("columns") }} open={(query) => s.set({ q: query["q"] ?? query["query"] ?? "", from: query["from"] ?? null, to: query["to"] === "now" ? null : query["to"] ?? null, columns: query["columns"] ?? null, id: null })} />
        <ExportMenu question={s.question} allowed={may("search.export")} />
      </QueryBar>
      <div className="row muted" role="status" style={{ minHeight: 18 }}>
        {busy ? "searching …" : total !== undefined && !wrong ? <b style={{ color: "var(--text)" }}>{formatCount(total)} events</b> : null}
        {!busy && first && <span>read {formatCount(first.rows_read)} rows, {formatBytes(first.bytes_read)} in {formatMilliseconds(first.elapsed_ms)}</span>}
      </div>
      <div className={selected ? "split with-panel" : "split"}>
        <FieldRail fields={fields.data?.items} error={fields.error} question={s.question} run={run} shown={s.shown} toggleColumn={s.toggleColumn} actionsOf={s.actionsOf} />
        <div className="stack grow" style={{ minHeight: 0 }}>
          {histogram.data && !wrong && <div className="card" style={{ padding: "6px 8px 2px", flex: "none" }}><Bars data={histogram.data} label="Events over time" height={96} onRange={(from, to) => s.set({ from, to, id: null })} /></div>}
          {cancelled && <Notice kind="info">Cancelled. What had arrived is shown; the rest is missing. <Button size="compact-xs" variant="default" onClick={() => setRun(run + 1)}>Search again</Button></Notice>}
          {rows.error && events.length > 0 && !cancelled ? <Notice>More could not be loaded: {problemText(rows.error)}</Notice> : null}
          {rows.error && events.length === 0 && !cancelled ? <Failed what="Events" error={rows.error} retry={() => { void rows.refetch(); }} />
            : wrong ? <div className="vt"><Empty title="The text cannot be searched for">{wrong.message} {wrong.hint && !wrong.message?.includes(wrong.hint) ? wrong.hint : ""}</Empty></div>
            : rows.isPending && !cancelled ? <Loading what="events" />
            : cancelled && events.length === 0 ? <div className="vt"><Empty title="Cancelled before anything arrived" /></div>
            : events.length === 0 ? <div className="vt"><Empty title="No events">{s.query ? "No event of this range of time fits. A longer range, or fewer terms, may help." : "Nothing was stored in this range of time. The Sources page tells what arrives."}</Empty></div>
            : <VirtualTable label="Events" rows={events} columns={columns} rowKey={(event) => event.id} {...(total === undefined ? {} : { total })} selected={selected}
                            onOpen={(event) => s.set({ id: event.id }, { replace: selected !== null })} sort={{ column: "time", descending: s.sort === "-time" }} sortable={["time"]}
                            onSort={() => s.set({ sort: s.sort === "-time" ? "time" : null })} onEnd={() => { if (rows.hasNextPage && !rows.isFetching && !rows.isFetchNextPageError) void rows.fetchNextPage(); }}
                            footer={<><span>{formatCount(events.length)} of {formatCount(total)} loaded</span>{rows.isFetchingNextPage && <span>loading more …</span>}</>} />}
        </div>
        {selected && <EventPanel key={selected} id={selected} close={() => s.set({ id: null })} actionsOf={s.actionsOf} />}
      </div>
    </>
  );
}

function eventColumns(names: string[], actionsOf: (field: string, value: string) => ValueAction[]): Columns<EventRecord> {
  const column = createColumnHelper<EventRecord>();
  return names.map((name) => name === "summary" ? column.accessor(summary, { id: name, header: "what happened", meta: { width: "minmax(260px, 4fr)", mono: true }, cell: (cell) => <span title={cell.getValue()}>{cell.getValue()}</span> }) : column.accessor((event) => text(event[name] ?? event.attributes?.[name]), {
    id: name, header: name, meta: { width: widths[name] ?? "minmax(120px, 1fr)", mono: true },
    cell: (cell) => name === "time" || name === "received_at" ? formatTime(cell.getValue(), true) : <Value field={name} value={cell.getValue()} actions={actionsOf(name, cell.getValue())} inTable />,
  }));
}

function summary(event: EventRecord): string {
  for (const name of ["message", "process_cmd_line", "process_name", "url", "domain", "file_path", "registry_key"]) {
    const value = event[name];
    if (typeof value === "string" && value) return name === "url" && typeof event.attributes?.["cs-method"] === "string" ? `${event.attributes["cs-method"]} ${value}` : value;
  }
  const end = (ip: unknown, port: unknown) => [ip, port].filter(Boolean).join(":");
  return event["dst_ip"] ? `${end(event["src_ip"], event["src_port"])} → ${end(event["dst_ip"], event["dst_port"])}` : "";
}

function text(value: unknown): string {
  if (value === undefined || value === null) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function ExportMenu({ question, allowed }: { question: Question; allowed: boolean }) {
  const [busy, setBusy] = useState(false);
  const abort = useRef<AbortController | null>(null);
  const save = async (format: string) => {
    abort.current = new AbortController();
    setBusy(true);
    try {
      saveFile(await api.blob(`/search/export?format=${format}`, question, abort.current.signal), `events.${format}`);
      say("Exported. The export is in the audit trail.");
    } catch (error) {
      if (error instanceof DOMException) say("Export cancelled");
      else sayFailed("Export", error);
    } finally { setBusy(false); }
  };
  if (busy) return <Button variant="default" h={34} onClick={() => abort.current?.abort()} leftSection={<Icon name="stop" size={12} />}>Cancel export</Button>;
  if (!allowed) return <Button variant="default" h={34} disabled title='Exporting needs the right "search.export"' leftSection={<Icon name="download" size={13} />}>Export</Button>;
  return (
    <Menu position="bottom-end">
      <Menu.Target><Button variant="default" h={34} leftSection={<Icon name="download" size={13} />}>Export</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>At most 1,000,000 rows; audited</Menu.Label>
        {["csv", "ndjson", "parquet"].map((format) => <Menu.Item key={format} onClick={() => { void save(format); }}>{format.toUpperCase()}</Menu.Item>)}
      </Menu.Dropdown>
    </Menu>
  );
}
