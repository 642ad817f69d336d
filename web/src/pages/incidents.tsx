// The queue of incidents: what to work on next, the most urgent first, live.
import { Button, Select, TextInput, Tooltip } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import { api } from "../api/client";
import { useLive } from "../api/live";
import { useSession } from "../api/session";
import { levelOf, type Incident, type IncidentPage, type IncidentState } from "../api/types";
import { BulkDialog, FailedOnes, kMaxBulk, raised, runBulk, type Failure, type IncidentChange, type Preset } from "../incidents/bulk";
import { CloseDialog, type Closing } from "../incidents/close_dialog";
import { incidentColumns } from "../incidents/columns";
import { filterKeys, useIncidentFilters } from "../incidents/filters";
import { kindName, stateNames } from "../incidents/names";
import { NewIncident } from "../incidents/new_incident";
import { Rail } from "../incidents/rail";
import { Views } from "../incidents/views";
import { formatCount } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { useKeys } from "../lib/keys";
import { AllowedButton } from "../ui/allowed";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { levelNames } from "../ui/severity";
import { Empty, Failed, Loading, Notice, problemText } from "../ui/states";
import { say } from "../ui/toast";
import type { ValueAction } from "../ui/value_menu";
import { VirtualTable } from "../ui/virtual_table";
import "../incidents/incidents.css";

const SuppressIncident = lazy(() => import("../tuning/suppress_incident"));
const kPageRows = 500;
const kBackgroundMs = 30_000;
const orders = [{ value: "score", label: "Most urgent first" }, { value: "newest", label: "Newest first" }, { value: "oldest", label: "Oldest first" }];
const keyHelp = [["j  k", "next, previous"], ["Enter", "open it"], ["x", "mark it"], ["a", "acknowledge"], ["e", "escalate: one priority up"], ["c", "close with a verdict"], ["n", "load what is new"], ["/", "to the words"], ["Esc", "unmark"], ["?", "this list"]];
type Asked = { kind: "bulk"; preset: Preset; incidents: Incident[] } | { kind: "close"; incidents: Incident[] };

export default function Incidents() {
  const f = useIncidentFilters();
  const { user, may } = useSession();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [marked, setMarked] = useState<Set<number>>(new Set());
  const [asked, setAsked] = useState<Asked | null>(null);
  const [suppressing, setSuppressing] = useState<{ number: number; reason: string } | null>(null);
  const [opening, setOpening] = useState(false);
  const [help, setHelp] = useState(false);
  const [failed, setFailed] = useState<Failure[]>([]);
  const { busy, change } = useChange(["incidents", "incident"]);
  const searchBox = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(f.get("q"));
  useEffect(() => setText(f.get("q")), [f]);

  const query = useMemo(() => ({ ...f.query, ...(f.query["owner"] === "me" ? { owner: user.name } : {}) }), [f.query, user.name]);
  const list = useInfiniteQuery({
    queryKey: ["incidents", "list", query], initialPageParam: "", placeholderData: keepPreviousData, refetchInterval: kBackgroundMs,
    queryFn: ({ pageParam, signal }) => api.get<IncidentPage>("/incidents", { ...query, limit: kPageRows, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const hasLevels = items.some((item) => item.sla_due !== undefined);
  const visibility = useMemo(() => ({ due: hasLevels }), [hasLevels]);
  const total = list.data?.pages[0]?.total;
  const fresh = useLiveIncidents(query);
  useEffect(() => setMarked(new Set()), [query]);

  const at = Number(f.get("at")) || null;
  const current = items.find((item) => item.number === at);
  const open = useCallback((incident: Incident) => navigate(`/incidents/${incident.number}${f.scope.query}`), [navigate, f.scope.query]);
  const toggle = useCallback((number: number) => setMarked((before) => { const next = new Set(before); if (!next.delete(number)) next.add(number); return next; }), []);
  const chosen = () => (marked.size > 0 ? items.filter((item) => marked.has(item.number)) : current ? [current] : []);
  const move = (step: number) => {
    const index = items.findIndex((item) => item.number === at);
    const next = items[Math.max(0, Math.min(items.length - 1, index + step))];
    if (next) f.set({ at: String(next.number) }, { replace: true });
  };
  const mayChange = () => {
    if (may("findings.write")) return true;
    say('This needs the right "findings.write", which your role does not have', true);
    return false;
  };
  const ask = (preset: Preset) => { const incidents = chosen(); if (incidents.length > 0 && mayChange()) setAsked({ kind: "bulk", preset, incidents }); };
  // The answer goes into the list at once: the next key must send the version that is true now.
  const patch = (incident: Incident, what: string, done: string, body: IncidentChange) => { void change(what, done, async () => putIntoList(client, query, await api.patch<Incident>(`/incidents/${incident.number}`, { ...body, version: incident.version }))); };
  const acknowledge = () => {
    const [one, ...others] = chosen();
    if (!one || !mayChange()) return;
    if (others.length > 0) setAsked({ kind: "bulk", preset: "acknowledge", incidents: [one, ...others] });
    else if (one.state !== "new") say(`${one.id} is ${stateNames[one.state].toLowerCase()} already`);
    else patch(one, "Acknowledging", `${one.id} acknowledged`, { state: "acknowledged", ...(one.owner ? {} : { owner: user.name }) });
  };
  const escalate = () => {
    const [one, ...others] = chosen();
    if (!one || !mayChange()) return;
    if (others.length > 0) setAsked({ kind: "bulk", preset: "escalate", incidents: [one, ...others] });
    else if (one.priority === "p1") say(`${one.id} has the highest priority already`);
    else patch(one, "Escalating", `${one.id} is ${raised(one.priority).toUpperCase()} now`, { priority: raised(one.priority) });
  };
  const closeThem = () => { const incidents = chosen().filter((item) => item.state !== "closed"); if (incidents.length > 0 && mayChange()) setAsked({ kind: "close", incidents }); };
  const finish = (what: string, plan: { incident: Incident; change: IncidentChange }[], closing?: Closing, suppress?: number) => {
    void change(what, "", async () => { setFailed(await runBulk(plan, closing)); }).then((done) => { if (done) { setAsked(null); setMarked(new Set()); if (suppress) setSuppressing({ number: suppress, reason: closing?.cause ?? "" }); } });
  };
  useKeys({
    j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => { if (current) open(current); }, o: () => { if (current) open(current); },
    x: () => { if (at) toggle(at); }, a: acknowledge, e: escalate, c: closeThem, n: fresh.show, "/": () => searchBox.current?.focus(), "?": () => setHelp(true),
    Escape: () => { if (marked.size > 0) setMarked(new Set()); else f.set({ at: null }, { replace: true }); },
  });

  const actionsOf = useCallback((field: string, value: string): ValueAction[] => {
    const to = (change: Record<string, string>) => ({ run: () => f.set({ ...change, at: null }) });
    if (field === "host" || field === "user") return [{ label: `Only incidents with this ${field}`, ...to({ entity: `${field}:${value.toLowerCase()}` }) }, { label: `Open the page of this ${field}`, run: () => navigate(`/entities/${field}/${encodeURIComponent(value.toLowerCase())}${f.scope.query}`) }];
    if (field === "owner") return [{ label: "Only this owner", ...to({ owner: value }) }];
    return field === "tag" ? [{ label: "Only with this tag", ...to({ tag: value }) }] : [];
  }, [f, navigate]);
  const columns = useMemo(() => incidentColumns(actionsOf, { has: (number) => marked.has(number), toggle }, f.scope.query), [actionsOf, marked, toggle, f.scope.query]);
  const entity = f.get("entity");
  const chips: [string, string, string][] = [
    ...f.valuesOf("state").map((value): [string, string, string] => ["state", "State", stateNames[value as IncidentState] ?? value]),
    ...(f.get("owner") ? [["owner", "Owner", f.get("owner") === "-" ? "nobody" : f.get("owner")] as [string, string, string]] : []),
    ...(f.get("min_severity") ? [["min_severity", "At least", levelNames[levelOf(Number(f.get("min_severity")))]] as [string, string, string]] : []),
    ...(f.get("tag") ? [["tag", "Tag", f.get("tag")] as [string, string, string]] : []),
    ...(entity ? [["entity", kindName(entity.split(":")[0] ?? ""), entity.slice(entity.indexOf(":") + 1)] as [string, string, string]] : []),
    ...(f.get("q") ? [["q", "Words", f.get("q")] as [string, string, string]] : []),
  ];
  const nothing = list.data && items.length === 0;
  return (
    <div className="page fixed">
      <div className="page-head">
        <h1>Incidents</h1>
        <span className="muted" role="status">{total === undefined ? "counting …" : `${formatCount(total)} ${f.get("closed") === "1" || f.get("state") ? "" : "open "}incident${total === 1 ? "" : "s"}`}</span>
        {fresh.count > 0 && <button className="pill" onClick={fresh.show}>{formatCount(fresh.count)} new</button>}
        <div className="grow" />
        <form onSubmit={(event) => { event.preventDefault(); f.set({ q: text, at: null }); }} role="search">
          <TextInput ref={searchBox} size="xs" w={200} aria-label="Words in title, hosts or users" placeholder="Words in title, hosts, users" value={text} onChange={(event) => setText(event.currentTarget.value)} onBlur={() => { if (text !== f.get("q")) f.set({ q: text, at: null }); }} />
        </form>
        <Select size="xs" w={165} aria-label="Order" allowDeselect={false} value={f.get("order", "score")} data={orders} onChange={(value) => f.set({ order: value === "score" ? null : value, at: null })} />
        <Views current={f.saved} open={(saved) => f.set({ ...Object.fromEntries([...filterKeys, "at"].map((key) => [key, null])), ...saved })} />
        <AllowedButton right="findings.write" size="xs" leftSection={<Icon name="plus" size={12} />} onClick={() => setOpening(true)}>Open an incident</AllowedButton>
        <Tooltip label="Keys (?)"><Button size="xs" variant="default" px={8} aria-label="Keys" onClick={() => setHelp(true)}><Icon name="help" /></Button></Tooltip>
      </div>
      {chips.length > 0 && (
        <div className="chips" role="group" aria-label="Filters in use">
          {chips.map(([key, name, value]) => (
            <span key={key + value} className="chip">{name}: <b>{value}</b><button className="plain" aria-label={`Remove ${name} ${value}`} onClick={() => { const state = Object.entries(stateNames).find(([, text]) => text === value); if (key === "state" && state) f.toggle("state", state[0]); else f.set({ [key]: null, at: null }); }}><Icon name="close" size={10} /></button></span>
          ))}
          <Button size="compact-xs" variant="subtle" onClick={f.clear}>Remove all</Button>
        </div>
      )}
      {marked.size > 0 && (
        <div className="row wrap" role="group" aria-label="Marked incidents"><b>{formatCount(marked.size)} marked</b>
          <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={acknowledge}>Acknowledge (a)</AllowedButton>
          <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={() => ask("mine")}>Assign to me</AllowedButton>
          <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={escalate}>Escalate (e)</AllowedButton>
          <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={() => ask("change")}>Change …</AllowedButton>
          <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={closeThem}>Close … (c)</AllowedButton>
          {marked.size < Math.min(items.length, kMaxBulk) && <Button size="compact-xs" variant="subtle" onClick={() => setMarked(new Set(items.slice(0, kMaxBulk).map((item) => item.number)))}>Mark all {formatCount(Math.min(items.length, kMaxBulk))} loaded</Button>}
          <Button size="compact-xs" variant="subtle" onClick={() => setMarked(new Set())}>Unmark</Button>
        </div>
      )}
      <div className="split">
        <Rail f={f} />
        <div className="stack grow" style={{ minHeight: 0 }}>
          {list.error && list.data ? <Notice>This is not the newest: {problemText(list.error)}</Notice> : null}
          {list.error && !list.data ? <Failed what="Incidents" error={list.error} retry={() => { void list.refetch(); }} /> : !list.data ? <Loading what="incidents" />
            : nothing ? <div className="vt"><Empty title="No incidents">{chips.length > 0 || f.get("ranged") ? "No incident fits all filters." : "Nothing is open. New findings open incidents by themselves; closed ones are seen with \"Also closed ones\"."}</Empty></div>
            : <VirtualTable label="Incidents" pageKeys rows={items} columns={columns} visibility={visibility} rowKey={(row: Incident) => String(row.number)} {...(total === undefined ? {} : { total })} selected={at ? String(at) : null} marked={new Set([...marked].map(String))} rowHeight={32}
                            onOpen={open} onEnd={() => { if (list.hasNextPage && !list.isFetching) void list.fetchNextPage(); }}
                            footer={<><span>{formatCount(items.length)} of {formatCount(total)} loaded</span>{list.isFetchingNextPage && <span>loading more …</span>}{list.isFetchNextPageError && <Button size="compact-xs" variant="default" onClick={() => { void list.fetchNextPage(); }}>Loading failed: try again</Button>}</>} />}
        </div>
      </div>
      {asked?.kind === "bulk" && <BulkDialog incidents={asked.incidents} preset={asked.preset} me={user.name} busy={busy} close={() => setAsked(null)} run={(plan) => finish("Changing", plan)} />}
      {asked?.kind === "close" && <CloseDialog title={asked.incidents.length === 1 ? `Close ${asked.incidents[0]?.id ?? ""}` : `Close ${asked.incidents.length} incidents`} count={asked.incidents.length} busy={busy} close={() => setAsked(null)}
                                               run={(closing, thenSuppress) => finish("Closing", asked.incidents.map((incident) => ({ incident, change: {} })), closing, thenSuppress ? asked.incidents[0]?.number : undefined)} />}
      {suppressing && <Suspense fallback={null}><SuppressIncident number={suppressing.number} reason={suppressing.reason} close={() => setSuppressing(null)} /></Suspense>}
      {failed.length > 0 && <FailedOnes failed={failed} close={() => setFailed([])} />}
      {opening && <NewIncident close={() => setOpening(false)} />}
      <Dialog opened={help} onClose={() => setHelp(false)} title="Keys">
        <dl className="facts">{keyHelp.map(([key, what]) => <div key={key} style={{ display: "contents" }}><dt><span className="kbd">{key}</span></dt><dd>{what}</dd></div>)}</dl>
      </Dialog>
    </div>
  );
}

// False where it is not in the list.
function putIntoList(client: QueryClient, query: Record<string, string>, incident: Incident): boolean {
  const key = ["incidents", "list", query];
  const data = client.getQueryData<InfiniteData<IncidentPage>>(key);
  if (!data?.pages.some((page) => page.items.some((item) => item.number === incident.number))) return false;
  client.setQueryData<InfiniteData<IncidentPage>>(key, { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map((item) => (item.number === incident.number && item.version <= incident.version ? { ...item, ...incident } : item)) })) });
  return true;
}

// What changes is changed in its row at once, without moving it; new ones are counted and shown when asked for.
function useLiveIncidents(query: Record<string, string>) {
  const client = useQueryClient();
  const [seen, setSeen] = useState<Set<number>>(new Set());
  useEffect(() => setSeen(new Set()), [query]);
  useLive("incident", (incident) => {
    if (!putIntoList(client, query, incident) && incident.state !== "closed" && !incident.merged_into) setSeen((before) => new Set(before).add(incident.number));
  });
  const show = useCallback(() => { setSeen(new Set()); void client.invalidateQueries({ queryKey: ["incidents"] }); }, [client]);
  return { count: seen.size, show };
}
