// The register of assets: what is there, how much it matters, and whose it is.
import { Button, Menu, TextInput } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { Asset, AssetPage } from "../api/types";
import { AssetDialog, ImportDialog, kAssetRight } from "../assets/asset_dialogs";
import { entityPath, kindName } from "../incidents/names";
import { formatAgo, formatCount, formatTime } from "../lib/format";
import { useKeys } from "../lib/keys";
import { useScope, useUrlState } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Icon } from "../ui/icons";
import { Empty, Failed, Loading } from "../ui/states";
import { VirtualTable, type Columns } from "../ui/virtual_table";
import "../incidents/incidents.css";

const kPageRows = 500;

export default function Assets() {
  const url = useUrlState();
  const scope = useScope();
  const { tenants, may } = useSession();
  const [text, setText] = useState(url.get("q"));
  const [editing, setEditing] = useState<Asset | "new" | null>(null);
  const [importing, setImporting] = useState(false);
  const searchBox = useRef<HTMLInputElement>(null);
  const q = url.get("q");
  useEffect(() => setText(q), [q]);
  const list = useInfiniteQuery({
    queryKey: ["assets", q, scope.tenant], initialPageParam: "", placeholderData: keepPreviousData,
    queryFn: ({ pageParam, signal }) => api.get<AssetPage>("/assets", { q, tenant: scope.tenant, limit: kPageRows, cursor: pageParam }, signal), getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const total = list.data?.pages[0]?.total;
  const mayEdit = may(kAssetRight);
  const columns = useMemo(() => assetColumns(scope.query, mayEdit ? setEditing : null), [scope.query, mayEdit]);
  useKeys({ "/": () => searchBox.current?.focus() });
  const exportPath = (format: string) => `/api/v1/assets/export?format=${format}`;
  const tenant = scope.tenants?.[0] ?? tenants[0] ?? "default";
  return (
    <div className="page fixed">
      <div className="page-head">
        <h1>Assets</h1><span className="muted" role="status">{total === undefined ? "counting …" : `${formatCount(total)} asset${total === 1 ? "" : "s"}`}</span>
        <div className="grow" />
        <form role="search" onSubmit={(event) => { event.preventDefault(); url.set({ q: text }); }}><TextInput ref={searchBox} size="xs" w={230} aria-label="Find an asset" placeholder="Name, address, owner, tag" value={text} onChange={(event) => setText(event.currentTarget.value)} onBlur={() => { if (text !== q) url.set({ q: text }); }} /></form>
        <Menu position="bottom-end"><Menu.Target><Button size="xs" variant="default" leftSection={<Icon name="download" size={13} />}>Export</Button></Menu.Target>
          <Menu.Dropdown><Menu.Item component="a" href={exportPath("csv")} download>CSV</Menu.Item><Menu.Item component="a" href={exportPath("json")} download>JSON</Menu.Item></Menu.Dropdown></Menu>
        <AllowedButton right={kAssetRight} size="xs" variant="default" onClick={() => setImporting(true)}>Import …</AllowedButton>
        <AllowedButton right={kAssetRight} size="xs" leftSection={<Icon name="plus" size={12} />} onClick={() => setEditing("new")}>New asset</AllowedButton>
      </div>
      {list.error && !list.data ? <Failed what="Assets" error={list.error} retry={() => { void list.refetch(); }} /> : !list.data ? <Loading what="assets" />
        : items.length === 0 ? <div className="vt"><Empty title="No assets">{q ? "No asset fits these words." : "Hosts and users are learned from events by themselves. Those that matter can be declared, or imported from a list you have."}</Empty></div>
        : <VirtualTable label="Assets" rows={items} columns={columns} rowKey={(row: Asset) => `${row.tenant} ${row.kind} ${row.key}`} {...(total === undefined ? {} : { total })} {...(mayEdit ? { onOpen: (row: Asset) => setEditing(row) } : {})}
                        onEnd={() => { if (list.hasNextPage && !list.isFetching) void list.fetchNextPage(); }} footer={<span>{formatCount(items.length)} of {formatCount(total)} loaded{list.isFetchingNextPage ? "; loading more …" : ""}</span>} />}
      {editing && <AssetDialog asset={editing === "new" ? null : editing} tenant={tenant} close={() => setEditing(null)} />}
      {importing && <ImportDialog close={() => setImporting(false)} />}
    </div>
  );
}

function assetColumns(query: string, edit: ((asset: Asset) => void) | null): Columns<Asset> {
  const column = createColumnHelper<Asset>();
  return [
    column.accessor("kind", { header: "Kind", meta: { width: "104px" }, cell: (cell) => kindName(cell.getValue()) }),
    column.accessor("label", { header: "Name", meta: { width: "minmax(150px, 1.4fr)" }, cell: ({ row }) => <Link to={entityPath(row.original.kind, row.original.key, query)} tabIndex={-1} title={row.original.key} onClick={(event) => event.stopPropagation()}>{row.original.label || row.original.key}</Link> }),
    column.accessor("criticality", { header: "Criticality", meta: { width: "96px" }, cell: (cell) => <span title={`${cell.getValue()} of 5`}><span aria-hidden>{"●".repeat(cell.getValue())}<span className="muted">{"○".repeat(Math.max(0, 5 - cell.getValue()))}</span></span> {cell.getValue()}</span> }),
    column.accessor("owner", { header: "Owner", meta: { width: "minmax(90px, 0.8fr)" } }), column.accessor("zone", { header: "Zone", meta: { width: "80px" } }), column.accessor("exposure", { header: "Exposure", meta: { width: "88px" } }),
    column.accessor("tags", { header: "Tags", meta: { width: "minmax(100px, 1fr)" }, cell: (cell) => <span title={cell.getValue().join(", ")}>{cell.getValue().map((tag: string) => <span key={tag} className="chip" style={{ marginRight: 3 }}>{tag}</span>)}</span> }),
    column.accessor("addresses", { header: "Addresses", meta: { width: "minmax(110px, 0.9fr)", mono: true }, cell: (cell) => <span title={cell.getValue().join(", ")}>{cell.getValue().slice(0, 2).join(", ")}{cell.getValue().length > 2 && ` +${cell.getValue().length - 2}`}</span> }),
    column.accessor("os", { header: "System", meta: { width: "minmax(80px, 0.7fr)" } }),
    column.accessor("declared", { header: "Known by", meta: { width: "86px" }, cell: (cell) => (cell.getValue() ? "declared" : <span className="muted">learned</span>) }),
    column.accessor("last_seen", { header: "Last seen", meta: { width: "92px" }, cell: (cell) => <span title={formatTime(cell.getValue())}>{formatAgo(cell.getValue())}</span> }),
    ...(edit ? [column.display({ id: "edit", header: () => <span className="visually-hidden">Change</span>, meta: { width: "78px" }, cell: ({ row }) => <Button size="compact-xs" variant="default" tabIndex={-1} aria-label={`Change ${row.original.label || row.original.key}`} onClick={(event) => { event.stopPropagation(); edit(row.original); }}>Change</Button> })] : []),
  ];
}
