import { Button, TextInput } from "@mantine/core";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { api } from "../api/client";
import type { AuditCheck, AuditEntry } from "../api/types";
import { formatCount, formatTime } from "../lib/format";
import { useUrlState } from "../lib/url_state";
import { Empty, Failed, Loading, Notice, problemText } from "../ui/states";
import { VirtualTable } from "../ui/virtual_table";

const kPageRows = 500;

export default function Audit() {
  const url = useUrlState();
  const actor = url.get("actor"), action = url.get("action");
  const [form, setForm] = useState({ actor, action });
  const query = useInfiniteQuery({
    queryKey: ["audit", actor, action], initialPageParam: "",
    queryFn: ({ pageParam, signal }) => api.get<{ items: AuditEntry[] }>("/audit", { actor, action, before: pageParam, limit: kPageRows }, signal),
    getNextPageParam: (page) => (page.items.length === kPageRows ? String(page.items[kPageRows - 1]?.sequence ?? "") : undefined),
  });
  const verify = useMutation({ mutationFn: () => api.get<AuditCheck>("/audit/verify") });
  const entries = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const columns = useMemo(auditColumns, []);
  return (
    <div className="stack grow" style={{ minHeight: 300 }}>
      <div className="row wrap">
        <form className="row" onSubmit={(event) => { event.preventDefault(); url.set(form); }}>
          <TextInput size="xs" aria-label="Actor" placeholder="Actor" value={form.actor} onChange={(event) => setForm({ ...form, actor: event.currentTarget.value })} />
          <TextInput size="xs" aria-label="Action" placeholder="Action" value={form.action} onChange={(event) => setForm({ ...form, action: event.currentTarget.value })} />
          <Button size="xs" variant="default" type="submit">Filter</Button>
        </form>
        <div className="grow" />
        <Button size="xs" loading={verify.isPending} onClick={() => verify.mutate()}>Verify the chain</Button>
      </div>
      {verify.data && (verify.data.first_broken === null ? <Notice kind="info">The chain holds: {formatCount(verify.data.checked)} records, head <span className="mono">{verify.data.head}</span></Notice>
        : <Notice kind="error">The chain is broken at record {verify.data.first_broken}: {verify.data.reason}</Notice>)}
      {verify.error ? <Notice kind="error">{problemText(verify.error)}</Notice> : null}
      {query.error && !query.data ? <Failed what="The audit trail" error={query.error} retry={() => { void query.refetch(); }} /> : query.isPending ? <Loading what="the audit trail" />
        : entries.length === 0 ? <Empty title="No record fits" /> : <VirtualTable label="Audit trail" rows={entries} columns={columns} rowKey={(entry) => String(entry.sequence)} onEnd={() => { if (query.hasNextPage && !query.isFetching) void query.fetchNextPage(); }} />}
    </div>
  );
}

function auditColumns() {
  const column = createColumnHelper<AuditEntry>();
  return [
    column.accessor("sequence", { header: "No.", meta: { width: "80px", numeric: true } }), column.accessor("time", { header: "Time", meta: { width: "156px" }, cell: (cell) => formatTime(cell.getValue()) }),
    column.accessor("actor", { header: "Actor", meta: { width: "130px" } }), column.accessor("action", { header: "Action", meta: { width: "150px" } }), column.accessor("object", { header: "Object", meta: { width: "minmax(160px, 1.5fr)" } }),
    column.accessor("address", { header: "Address", meta: { width: "130px", mono: true } }),
    column.accessor("detail", { header: "Detail", meta: { width: "minmax(160px, 2fr)", mono: true }, cell: (cell) => { const value = cell.getValue(); const text = typeof value === "string" ? value : JSON.stringify(value); return <span title={text}>{text === "{}" ? "" : text}</span>; } }),
    column.accessor("hash", { header: "Hash", meta: { width: "120px", mono: true }, cell: (cell) => <span title={cell.getValue()}>{cell.getValue().slice(0, 12)}</span> }),
  ];
}
