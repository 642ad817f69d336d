// Where events come from, and which of it has stopped coming.
import { Button, Select, Textarea, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { api, Problem } from "../api/client";
import { useLive } from "../api/live";
import { useSession } from "../api/session";
import type { SourceState, SourceStatus } from "../api/types";
import { Sparkline } from "../charts/sparkline";
import { formatAgo, formatCount, formatMilliseconds, formatShort } from "../lib/format";
import { useKeys } from "../lib/keys";
import { useScope, useUrlState } from "../lib/url_state";
import { SourcePanel } from "../sources/source_panel";
import { stateIcons, stateNames } from "../sources/state";
import { AllowedButton } from "../ui/allowed";
import { Icon } from "../ui/icons";
import { SecretDialog } from "../ui/secret_dialog";
import { Empty, Loaded, Notice, problemText } from "../ui/states";
import { say } from "../ui/toast";
import { VirtualTable } from "../ui/virtual_table";
import { Dialog } from "../ui/dialog";

const kRefreshMs = 10_000;

export default function Sources() {
  const url = useUrlState();
  const scope = useScope();
  const client = useQueryClient();
  const { tenants } = useSession();
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const state = url.get("state");
  const selected = url.get("id") || null;
  const query = useQuery({ queryKey: ["sources", scope.tenant], refetchInterval: kRefreshMs, placeholderData: keepPreviousData, queryFn: ({ signal }) => api.get<{ items: SourceStatus[] }>("/sources", { tenant: scope.tenant }, signal) });
  // What changed is told at once, the rest is asked for.
  useLive("sources", (changed) => {
    void client.invalidateQueries({ queryKey: ["sources"] });
    client.setQueryData<{ items: SourceStatus[] }>(["sources", scope.tenant], (before) => before && { ...before, items: before.items.map((source) => (source.name === changed.name ? { ...source, ...changed } : source)) });
  });
  useKeys({ Escape: () => url.set({ id: null }) });
  const columns = useMemo(sourceColumns, []);
  return (
    <div className="page fixed">
      <div className="page-head">
        <h1>Sources</h1>
        {query.data && <StateChips items={query.data.items} chosen={state} choose={(next) => url.set({ state: next, id: null })} />}
        <div className="grow" />
        <AllowedButton right="sources.write" size="xs" leftSection={<Icon name="plus" size={12} />} onClick={() => setAdding(true)}>New source</AllowedButton>
      </div>
      <Loaded query={query} what="Sources">
        {({ items }) => {
          const shown = items.filter((source) => !state || source.state === state);
          const chosen = items.find((source) => source.name === selected);
          return (
            <div className="split">
              {items.length === 0 ? <div className="vt"><Empty title="No source yet">Nothing sends events. Make a source, or name some in tocsin.yaml.</Empty></div>
                : shown.length === 0 ? <div className="vt"><Empty title={`No source is ${stateNames[state as SourceState]?.toLowerCase() ?? state}`}><Button size="xs" variant="default" onClick={() => url.set({ state: null })}>Show all</Button></Empty></div>
                : <VirtualTable label="Sources" rows={shown} columns={columns} rowKey={(source) => source.name} rowHeight={36} selected={selected} onOpen={(source) => url.set({ id: source.name })} />}
              {chosen && <SourcePanel source={chosen} close={() => url.set({ id: null })} showSecret={setSecret} />}
            </div>
          );
        }}
      </Loaded>
      {adding && <NewSource tenants={tenants} close={() => setAdding(false)} showSecret={setSecret} />}
      <SecretDialog title="Token of the source" secret={secret} note="The sender presents this token." close={() => setSecret(null)} />
    </div>
  );
}

function StateChips({ items, chosen, choose }: { items: SourceStatus[]; chosen: string; choose: (state: string | null) => void }) {
  return (
    <div className="chips" role="group" aria-label="State">
      {(["ok", "waiting", "silent", "problem", "off"] as SourceState[]).map((state) => {
        const count = items.filter((source) => source.state === state).length;
        return (
          <button key={state} className="facet chip" style={{ width: "auto" }} aria-pressed={chosen === state} onClick={() => choose(chosen === state ? null : state)}>
            <Icon name={stateIcons[state]} size={12} className={`state-${state}`} />{stateNames[state]} <b>{count}</b>
          </button>
        );
      })}
    </div>
  );
}

function sourceColumns() {
  const column = createColumnHelper<SourceStatus>();
  return [
    column.accessor("state", { header: "State", meta: { width: "104px" }, cell: (cell) => <span className={`row state-${cell.getValue()}`} style={{ gap: 6 }} title={cell.row.original.problem}><Icon name={stateIcons[cell.getValue()]} size={13} />{stateNames[cell.getValue()]}</span> }),
    column.accessor("name", { header: "Name", meta: { width: "minmax(150px, 1.2fr)" }, cell: (cell) => <b>{cell.getValue()}</b> }),
    column.accessor("kind", { header: "Kind", meta: { width: "84px" } }),
    column.accessor("where", { header: "Where", meta: { width: "minmax(170px, 1.6fr)", mono: true }, cell: (cell) => <span title={cell.getValue()}>{cell.getValue()}</span> }),
    column.accessor("tenant", { header: "Tenant, site", meta: { width: "minmax(100px, 0.7fr)" }, cell: ({ row }) => [row.original.tenant, row.original.site].filter(Boolean).join(", ") }),
    column.accessor("records_per_s", { header: "Records/s", meta: { width: "88px", numeric: true }, cell: (cell) => formatShort(cell.getValue()) }),
    column.accessor("rates", { header: "Last hour", meta: { width: "138px" }, cell: ({ row }) => <Sparkline values={row.original.rates} bad={row.original.state === "silent"} label={`${row.original.name}: ${formatShort(row.original.rates[row.original.rates.length - 1] ?? 0)} in the last minute, at most ${formatShort(Math.max(0, ...row.original.rates))} in a minute of the last hour`} /> }),
    column.accessor("lag_ms", { header: "Lag", meta: { width: "76px", numeric: true }, cell: (cell) => (cell.row.original.last_received_at ? formatMilliseconds(cell.getValue()) : "") }),
    column.accessor("last_received_at", { header: "Last", meta: { width: "96px" }, cell: (cell) => formatAgo(cell.getValue()) }),
    column.display({ id: "refused", header: "Refused", meta: { width: "80px", numeric: true }, cell: ({ row }) => { const sum = Object.values(row.original.refused).reduce((a, b) => a + b, 0); return <span className={sum > 0 ? "bad" : "muted"}>{formatCount(sum)}</span>; } }),
    column.accessor("rules", { header: "Rules", meta: { width: "68px", numeric: true }, cell: (cell) => formatCount(cell.getValue()) }),
  ];
}

const kinds = ["http", "syslog", "tail", "drop", "journald", "kafka", "nats", "lumberjack", "otlp", "hec", "elastic"];

function NewSource({ tenants, close, showSecret }: { tenants: string[]; close: () => void; showSecret: (secret: string) => void }) {
  const client = useQueryClient();
  const [form, setForm] = useState({ name: "", kind: "http", tenant: tenants[0] ?? "default", site: "main", format: "", config: "{}" });
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const put = (change: Partial<typeof form>) => setForm({ ...form, ...change });
  const field = (name: string) => (error instanceof Problem && error.field === name ? error.message : undefined);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      const made = await api.post<SourceStatus>("/sources", { ...form, config: JSON.parse(form.config || "{}") as unknown });
      await client.invalidateQueries({ queryKey: ["sources"] });
      close();
      say(`Source "${form.name}" made`);
      if (made.token) showSecret(made.token);
    } catch (caught) {
      setError(caught instanceof SyntaxError ? new Error(`The settings are not JSON: ${caught.message}`) : caught);
      setBusy(false);
    }
  };
  return (
    <Dialog opened onClose={close} title="New source">
      <form className="stack" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <TextInput label="Name" required value={form.name} onChange={(event) => put({ name: event.currentTarget.value })} error={field("name")} data-autofocus />
        <Select label="Kind" allowDeselect={false} data={kinds} value={form.kind} onChange={(kind) => put({ kind: kind ?? "http" })} />
        <div className="row"><Select label="Tenant" allowDeselect={false} data={tenants} value={form.tenant} onChange={(tenant) => put({ tenant: tenant ?? "" })} className="grow" />
          <TextInput label="Site" value={form.site} onChange={(event) => put({ site: event.currentTarget.value })} className="grow" /></div>
        <TextInput label="Format" description="Empty: told from the content" value={form.format} onChange={(event) => put({ format: event.currentTarget.value })} error={field("format")} />
        {form.kind !== "http" && <Textarea label="Settings of this kind, as JSON" description='For syslog: {"listen":"tcp 0.0.0.0:6514"}; for tail: {"paths":["/var/log/*.log"]}' value={form.config} autosize minRows={3} onChange={(event) => put({ config: event.currentTarget.value })} error={field("config")} styles={{ input: { fontFamily: "var(--mono)" } }} />}
        {error && !(error instanceof Problem && error.field) ? <Notice kind="error">{problemText(error)}</Notice> : null}
        <Button type="submit" loading={busy} disabled={!form.name}>Make the source</Button>
      </form>
    </Dialog>
  );
}
