// All rules: what they find, what they cost, what they cannot see.
import { Button, Menu, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { useEffect, useMemo, useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import { levels, type RuleMode, type RulePage, type RuleStatus } from "../api/types";
import { formatAgo, formatCount, formatNanoseconds } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { useKeys } from "../lib/keys";
import { useUrlState } from "../lib/url_state";
import { ModeMark, modeNames } from "../rules/mode";
import { AllowedButton } from "../ui/allowed";
import { Icon } from "../ui/icons";
import { levelNames, Severity } from "../ui/severity";
import { Empty, Failed, Loading } from "../ui/states";
import { say } from "../ui/toast";
import { VirtualTable } from "../ui/virtual_table";

const kPageRows = 1000;

export default function Rules() {
  const url = useUrlState();
  const { may } = useSession();
  const navigate = useNavigate();
  const { busy, change } = useChange(["rules", "overview", "attack"]);
  const [text, setText] = useState(url.get("q"));
  const [marked, setMarked] = useState<Set<string>>(new Set());
  const filters = useMemo(() => Object.fromEntries(["q", "mode", "level", "blind", "hit", "technique"].map((key) => [key, url.params.get(key) ?? ""])), [url.params]);
  useEffect(() => setText(filters["q"] ?? ""), [filters]);
  const query = useInfiniteQuery({
    queryKey: ["rules", filters], initialPageParam: "",
    queryFn: ({ pageParam, signal }) => api.get<RulePage>("/rules", { ...filters, limit: kPageRows, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rules = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const first = query.data?.pages[0];
  const counts = first?.counts;
  const filtered = Object.values(filters).some(Boolean);
  const mayWrite = may("rules.write");
  const columns = useMemo(() => ruleColumns(mayWrite ? { marked, toggle: (id) => setMarked((before) => { const next = new Set(before); if (!next.delete(id)) next.add(id); return next; }) } : null), [mayWrite, marked]);
  useKeys({ "/": () => document.getElementById("rule-words")?.focus(), Escape: () => setMarked(new Set()) });
  const setMode = async (mode: RuleMode) => {
    if (await change("Changing the mode", `${marked.size} rules: ${modeNames[mode].toLowerCase()}`, () => api.post("/rules/mode", { ids: [...marked], mode }))) setMarked(new Set());
  };
  const flag = (key: string, label: string, count?: number) => (
    <button className="facet chip" style={{ width: "auto" }} aria-pressed={filters[key] === "1"} onClick={() => url.set({ [key]: filters[key] ? null : "1" })}>{label}{count !== undefined && <b>{formatCount(count)}</b>}</button>
  );
  return (
    <div className="page fixed">
      <div className="page-head">
        <h1>Rules</h1>
        <span className="muted" role="status">{first ? `${formatCount(first.total)} ${filtered ? "fit" : "rules"}` : ""}</span>
        <div className="grow" />
        <Link to="/rules/attack">ATT&amp;CK matrix</Link>
        <Link to="/rules/refused" className={counts && counts.refused > 0 ? "bad" : undefined}>Refused{counts ? ` (${formatCount(counts.refused)})` : ""}</Link>
        <AllowedButton right="rules.write" size="xs" variant="default" loading={busy} onClick={() => { void change("Reloading", "", async () => { const done = await api.post<{ loaded: number; refused: number; took_ms: number }>("/rules/reload"); say(`${formatCount(done.loaded)} rules loaded in ${done.took_ms} ms, ${done.refused} refused`); }); }}>Reload</AllowedButton>
        <AllowedButton right="rules.write" size="xs" leftSection={<Icon name="plus" size={12} />} onClick={() => navigate("/rules/new")}>New rule</AllowedButton>
      </div>
      <div className="row wrap">
        <form role="search" onSubmit={(event) => { event.preventDefault(); url.set({ q: text }); }}>
          <TextInput id="rule-words" size="xs" w={250} aria-label="Words in title, id, path or tags" placeholder="Words in title, id, path or tags" value={text} onChange={(event) => setText(event.currentTarget.value)} onBlur={() => { if (text !== filters["q"]) url.set({ q: text }); }} />
        </form>
        <Select size="xs" w={150} aria-label="Mode" placeholder="Any mode" clearable data={(["on", "draft", "off"] as RuleMode[]).map((mode) => ({ value: mode, label: `${modeNames[mode]}${counts ? ` (${formatCount(counts[mode])})` : ""}` }))} value={filters["mode"] || null} onChange={(mode) => url.set({ mode })} />
        <Select size="xs" w={140} aria-label="Level" placeholder="Any level" clearable data={levels.map((level) => ({ value: level, label: levelNames[level] }))} value={filters["level"] || null} onChange={(level) => url.set({ level })} />
        {flag("hit", "With hits")}
        {flag("blind", "Blind", counts?.blind)}
        {filters["technique"] && <span className="chip">Technique <b>{filters["technique"]}</b><button className="plain" aria-label="Remove technique" onClick={() => url.set({ technique: null })}><Icon name="close" size={10} /></button></span>}
        <div className="grow" />
        {marked.size > 0 && (
          <>
            <b>{formatCount(marked.size)} marked</b>
            <Menu><Menu.Target><Button size="compact-sm" variant="default" loading={busy} rightSection={<Icon name="down" size={9} />}>Set mode</Button></Menu.Target>
              <Menu.Dropdown>{(["on", "draft", "off"] as RuleMode[]).map((mode) => <Menu.Item key={mode} onClick={() => { void setMode(mode); }}>{modeNames[mode]}</Menu.Item>)}</Menu.Dropdown></Menu>
            <Button size="compact-sm" variant="subtle" onClick={() => setMarked(new Set())}>Unmark</Button>
          </>
        )}
        {mayWrite && filtered && rules.length > 0 && marked.size === 0 && <Button size="compact-sm" variant="subtle" onClick={() => setMarked(new Set(rules.map((rule) => rule.id)))}>Mark all {formatCount(rules.length)}</Button>}
      </div>
      {query.error && !query.data ? <Failed what="Rules" error={query.error} retry={() => { void query.refetch(); }} />
        : query.isPending ? <Loading what="rules" />
        : rules.length === 0 ? <div className="vt"><Empty title="No rules">{filtered ? "No rule fits all filters." : "No rule was loaded. The refused ones tell why."}</Empty></div>
        : <VirtualTable label="Rules" rows={rules} columns={columns} rowKey={(rule) => rule.id} marked={marked} {...(first ? { total: first.total } : {})} onOpen={(rule) => navigate(`/rules/${encodeURIComponent(rule.id)}`)}
                        onEnd={() => { if (query.hasNextPage && !query.isFetching) void query.fetchNextPage(); }} rowClass={(rule) => (rule.mode === "off" ? "muted" : "")} footer={<span>{formatCount(rules.length)} of {formatCount(first?.total)} loaded</span>} />}
    </div>
  );
}

function ruleColumns(marking: { marked: Set<string>; toggle: (id: string) => void } | null) {
  const column = createColumnHelper<RuleStatus>();
  return [
    ...(marking ? [column.display({ id: "mark", header: () => <span className="visually-hidden">Marked</span>, meta: { width: "36px" }, cell: ({ row }) => <input type="checkbox" tabIndex={-1} aria-label={`Mark ${row.original.title}`} checked={marking.marked.has(row.original.id)} onClick={(event) => event.stopPropagation()} onChange={() => marking.toggle(row.original.id)} /> })] : []),
    column.accessor("mode", { header: "Mode", meta: { width: "84px" }, cell: (cell) => <ModeMark mode={cell.getValue()} /> }),
    column.accessor("level", { header: "Level", meta: { width: "94px" }, cell: (cell) => <Severity level={cell.getValue()} /> }),
    column.accessor("title", { header: "Title", meta: { width: "minmax(260px, 2.4fr)" }, cell: (cell) => <span title={cell.getValue()}>{cell.getValue()}</span> }),
    column.accessor("logsource", { header: "Log source", meta: { width: "minmax(130px, 0.9fr)" }, cell: (cell) => Object.values(cell.getValue()).filter(Boolean).join(" / ") }),
    column.accessor("techniques", { header: "Techniques", meta: { width: "minmax(100px, 0.7fr)" }, cell: (cell) => cell.getValue().join(", ") }),
    column.accessor("hits_24h", { header: "24 h", meta: { width: "64px", numeric: true }, cell: (cell) => formatCount(cell.getValue()) }),
    column.accessor("hits", { header: "Hits", meta: { width: "72px", numeric: true }, cell: (cell) => formatCount(cell.getValue()) }),
    column.accessor("last_hit_at", { header: "Last hit", meta: { width: "92px" }, cell: (cell) => formatAgo(cell.getValue()) }),
    column.accessor("cost_ns", { header: "Cost", meta: { width: "84px", numeric: true }, cell: (cell) => formatNanoseconds(cell.getValue()) }),
    column.accessor("origin", { header: "From", meta: { width: "76px" } }),
    column.accessor("blind", { header: "Blind", meta: { width: "minmax(70px, 0.7fr)" }, cell: (cell) => (cell.getValue() ? <span className="warn" title={cell.getValue()}><Icon name="silent" size={12} /> {cell.getValue()}</span> : "") }),
  ];
}
