// The queue of findings: grouped, or one by one, live, with filters at the left and the chosen one at the right.
import { Button, SegmentedControl, Select, Switch, TextInput, Tooltip } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api } from "../api/client";
import { useLive } from "../api/live";
import type { Finding, FindingGroup, FindingGroups, FindingPage, Histogram, Level } from "../api/types";
import { Bars } from "../charts/bars";
import { FacetRail } from "../findings/facets";
import { facetFields, facetNames, groupNames, groupText, useFindingFilters, type FacetField, type GroupBy } from "../findings/filters";
import { FindingPanel } from "../findings/finding_panel";
import { findingColumns, GroupTable } from "../findings/tables";
import { formatCount } from "../lib/format";
import { useKeys } from "../lib/keys";
import { Icon } from "../ui/icons";
import { levelNames } from "../ui/severity";
import { Empty, Failed, Loading, Notice, problemText } from "../ui/states";
import { copyText } from "../ui/toast";
import type { ValueAction } from "../ui/value_menu";
import { VirtualTable } from "../ui/virtual_table";
import { Dialog } from "../ui/dialog";

const kPageRows = 1000;
const kAutoRefreshMs = 1500;

export default function Findings() {
  const f = useFindingFilters();
  const view = f.get("view", "groups") === "list" || f.members ? "list" : "groups";
  const by = f.get("by", "rule,source") as GroupBy;
  const selected = f.get("id") || null;
  const [text, setText] = useState(f.get("q"));
  const [help, setHelp] = useState(false);
  const [auto, setAuto] = useState(false);
  const [marked, setMarked] = useState<Set<string>>(new Set());
  const searchBox = useRef<HTMLInputElement>(null);
  const fresh = useFreshFindings(f.memberQuery, auto);
  useEffect(() => setText(f.get("q")), [f]);

  const groups = useQuery({
    queryKey: ["findings", "groups", by, f.query], enabled: view === "groups", placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api.get<FindingGroups>("/findings/groups", { ...f.query, by }, signal),
  });
  const sort = f.get("sort", "-time");
  const list = useInfiniteQuery({
    queryKey: ["findings", "list", sort, f.memberQuery], enabled: view === "list", initialPageParam: "",
    queryFn: ({ pageParam, signal }) => api.get<FindingPage>("/findings", { ...f.memberQuery, sort, limit: kPageRows, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const histogram = useQuery({
    queryKey: ["findings", "histogram", f.memberQuery], placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api.get<Histogram>("/findings/histogram", { ...f.memberQuery, buckets: 80 }, signal),
  });
  const findings = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const groupItems = useMemo(() => groups.data?.items ?? [], [groups.data]);
  const total = view === "groups" ? groups.data?.total : list.data?.pages[0]?.total;

  const actionsOf = useCallback((field: string, value: string): ValueAction[] => {
    if (!(facetFields as readonly string[]).includes(field)) return [];
    return [
      { label: "Include", run: () => { if (!f.valuesOf(field as FacetField).includes(value)) f.toggle(field as FacetField, value); } },
      { label: "Only this", run: () => f.only(field as FacetField, value) },
    ];
  }, [f]);
  const columns = useMemo(() => findingColumns(actionsOf), [actionsOf]);

  const [groupAt, setGroupAt] = useState<string | null>(null);
  const openMembers = useCallback((group: FindingGroup) => { setMarked(new Set()); f.set({ members: groupText(group), id: null }); }, [f]);
  const move = (step: number) => {
    if (view === "groups") {
      const at = groupItems.findIndex((group) => groupText(group) === groupAt);
      const next = groupItems[Math.max(0, Math.min(groupItems.length - 1, at + step))];
      if (next) setGroupAt(groupText(next));
      return;
    }
    const at = findings.findIndex((finding) => finding.id === selected);
    const next = findings[Math.max(0, Math.min(findings.length - 1, at + step))];
    if (next) f.set({ id: next.id }, { replace: true });
  };
  const openCurrent = () => {
    const group = groupItems.find((item) => groupText(item) === groupAt);
    if (view === "groups" && group) openMembers(group);
  };
  const mark = () => {
    if (!selected) return;
    const next = new Set(marked);
    if (!next.delete(selected)) next.add(selected);
    setMarked(next);
  };
  useKeys({
    j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: openCurrent, o: openCurrent, x: mark,
    g: () => f.set({ view: view === "groups" ? "list" : null, members: null, id: null }),
    n: () => fresh.show(),
    "/": () => searchBox.current?.focus(), "?": () => setHelp(true),
    Escape: () => { if (selected) f.set({ id: null }); else if (f.members) f.set({ members: null }); else if (marked.size > 0) setMarked(new Set()); },
  });

  const chosen = facetFields.flatMap((field) => f.valuesOf(field).map((value) => [field, value] as const));
  const query = view === "groups" ? groups : list;
  return (
    <div className="page fixed">
      <div className="page-head">
        <h1>Findings</h1>
        <span className="muted" role="status">{total === undefined ? "counting …" : `${formatCount(total)} finding${total === 1 ? "" : "s"}${view === "groups" ? ` in ${formatCount(groups.data?.total_groups)} groups` : ""}`}</span>
        {fresh.count > 0 && !auto && <button className="pill" onClick={fresh.show}>{formatCount(fresh.count)} new</button>}
        <div className="grow" />
        <form onSubmit={(event) => { event.preventDefault(); f.set({ q: text, id: null }); }} role="search">
          <TextInput ref={searchBox} size="xs" w={210} aria-label="Words in title, reason, host or user" placeholder="Words in title, reason, host, user" value={text}
                     onChange={(event) => setText(event.currentTarget.value)} onBlur={() => { if (text !== f.get("q")) f.set({ q: text, id: null }); }} />
        </form>
        <Switch size="xs" label="Show new at once" checked={auto} onChange={(event) => setAuto(event.currentTarget.checked)} />
        <SegmentedControl size="xs" aria-label="View" value={view} data={[{ value: "groups", label: "Groups" }, { value: "list", label: "One by one" }]}
                          onChange={(next) => f.set({ view: next === "list" ? "list" : null, members: null, id: null })} />
        {view === "groups" && <Select size="xs" w={150} aria-label="Group by" allowDeselect={false} value={by} data={Object.entries(groupNames).map(([value, label]) => ({ value, label }))}
                                      onChange={(next) => f.set({ by: next === "rule,source" ? null : next })} />}
        <Tooltip label="Keys (?)"><Button size="xs" variant="default" px={8} aria-label="Keys" onClick={() => setHelp(true)}><Icon name="help" /></Button></Tooltip>
      </div>
      {(chosen.length > 0 || f.members || f.get("q")) && (
        <div className="chips" role="group" aria-label="Filters in use">
          {f.members && <Button size="compact-xs" variant="filled" leftSection={<Icon name="back" size={12} />} onClick={() => f.set({ members: null, id: null })}>Back to the groups</Button>}
          {f.members && <span className="chip">Group: <b>{memberTitle(f.members, findings[0])}</b></span>}
          {chosen.map(([field, value]) => (
            <span key={field + value} className="chip">{facetNames[field]}: <b>{field === "level" ? levelNames[value as Level] ?? value : field === "rule" ? ruleTitle(value, findings, groupItems) : value}</b>
              <button className="plain" aria-label={`Remove ${facetNames[field]} ${value}`} onClick={() => f.toggle(field, value)}><Icon name="close" size={10} /></button></span>
          ))}
          {f.get("q") && <span className="chip">Words: <b>{f.get("q")}</b><button className="plain" aria-label="Remove words" onClick={() => f.set({ q: null })}><Icon name="close" size={10} /></button></span>}
          <Button size="compact-xs" variant="subtle" onClick={f.clear}>Remove all</Button>
        </div>
      )}
      {marked.size > 0 && <MarkedBar marked={marked} findings={findings} clear={() => setMarked(new Set())} />}
      <div className={selected ? "split with-panel" : "split"}>
        <FacetRail query={f.query} valuesOf={f.valuesOf} toggle={f.toggle} />
        <div className="stack grow" style={{ minHeight: 0 }}>
          {histogram.data && <div className="card" style={{ padding: "6px 8px 2px", flex: "none" }}><Bars data={histogram.data} label="Findings over time" height={84} colour={(name) => `bar-${name}`} nameOf={(name) => levelNames[name as Level] ?? name} onRange={(from, to) => f.set({ from, to, id: null })} /></div>}
          {query.error && query.data ? <Notice>This is not the newest: {problemText(query.error)}</Notice> : null}
          {query.error && !query.data ? <Failed what="Findings" error={query.error} retry={() => { void query.refetch(); }} />
            : !query.data ? <Loading what="findings" />
            : (view === "groups" ? groupItems.length : findings.length) === 0
              ? <div className="vt"><Empty title="No findings">{chosen.length > 0 || f.get("q") ? "No finding of this range of time fits all filters." : "No rule has fired in this range of time. A longer range, or the state of the sources, may tell why."}</Empty></div>
            : view === "groups" ? <GroupTable groups={groupItems} by={by} open={openMembers} selected={groupAt} actionsOf={actionsOf} />
            : <VirtualTable label="Findings" pageKeys rows={findings} columns={columns} rowKey={(row: Finding) => row.id} {...(total === undefined ? {} : { total })} selected={selected} marked={marked}
                            onOpen={(row) => f.set({ id: row.id }, { replace: selected !== null })} sort={{ column: sort.replace("-", ""), descending: sort !== "time" }} sortable={["time", "severity"]}
                            onSort={(column) => f.set({ sort: column === "severity" ? "severity" : sort === "-time" ? "time" : null })}
                            onEnd={() => { if (list.hasNextPage && !list.isFetching) void list.fetchNextPage(); }}
                            footer={<><span>{formatCount(findings.length)} of {formatCount(total)} loaded</span>{list.isFetchingNextPage && <span>loading more …</span>}{list.isFetchNextPageError && <Button size="compact-xs" variant="default" onClick={() => { void list.fetchNextPage(); }}>Loading failed: try again</Button>}</>} />}
        </div>
        {selected && <FindingPanel key={selected} id={selected} close={() => f.set({ id: null })} actionsOf={actionsOf} />}
      </div>
      <Dialog opened={help} onClose={() => setHelp(false)} title="Keys">
        <dl className="facts">
          {[["j  k", "next, previous"], ["Enter", "open the group"], ["x", "mark the finding"], ["g", "groups or one by one"], ["n", "show the new ones"], ["/", "to the words"], ["Esc", "close, or back"], ["?", "this list"]].map(([key, what]) => (
            <div key={key} style={{ display: "contents" }}><dt><span className="kbd">{key}</span></dt><dd>{what}</dd></div>
          ))}
        </dl>
      </Dialog>
    </div>
  );
}

function memberTitle(members: string, first: Finding | undefined): string {
  const params = new URLSearchParams(members);
  const rule = params.get("rule");
  const parts = [rule ? (first?.rule_id === rule ? first.rule_title : rule) : "", params.get("source"), params.get("host"), params.get("user")];
  return parts.filter(Boolean).join(" · ") || "(without a value)";
}

function ruleTitle(id: string, findings: Finding[], groups: FindingGroup[]): string {
  return findings.find((finding) => finding.rule_id === id)?.rule_title ?? groups.find((group) => group.key.rule_id === id)?.rule_title ?? id;
}

function MarkedBar({ marked, findings, clear }: { marked: Set<string>; findings: Finding[]; clear: () => void }) {
  const links = () => findings.filter((finding) => marked.has(finding.id)).map((finding) => `${window.location.origin}/findings?view=list&id=${encodeURIComponent(finding.id)}`).join("\n");
  return (
    <div className="row"><b>{marked.size} marked</b>
      <Button size="compact-xs" variant="default" onClick={() => { void copyText(links(), "Links copied"); }}>Copy links</Button>
      <Button size="compact-xs" variant="subtle" onClick={clear}>Unmark</Button></div>
  );
}

// Counts findings that came since the page was loaded and that the filters let through, as far as that can be told here.
function useFreshFindings(query: Record<string, string>, auto: boolean) {
  const client = useQueryClient();
  const [count, setCount] = useState(0);
  const timer = useRef(0);
  const key = JSON.stringify(query);
  useEffect(() => setCount(0), [key]);
  const show = useCallback(() => {
    setCount(0);
    void client.invalidateQueries({ queryKey: ["findings"] });
    void client.invalidateQueries({ queryKey: ["facets"] });
  }, [client]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useEffect(() => { if (auto) show(); }, [auto, show]);
  useLive("finding", (finding) => {
    if (!mayPass(finding, query)) return;
    if (!auto) { setCount((before) => before + 1); return; }
    // Many at once become one refresh.
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(show, kAutoRefreshMs);
  });
  return { count, show };
}

function mayPass(finding: Finding, query: Record<string, string>): boolean {
  const has = (key: string, values: string[]) => !query[key] || query[key].split(",").some((value) => values.includes(value));
  const words = (query["q"] ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${finding.rule_title} ${finding.reason} ${finding.host} ${finding.user}`.toLowerCase();
  return query["to"] === "now" && has("level", [finding.level]) && has("rule", [finding.rule_id]) && has("host", [finding.host]) && has("user", [finding.user]) &&
    has("source", [finding.source]) && has("tenant", [finding.tenant]) && has("tactic", finding.tactics) && has("technique", finding.techniques) && words.every((word) => text.includes(word));
}
