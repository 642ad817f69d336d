import { Button, Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import type { Page, Suppression } from "../api/types";
import { formatAgo, formatCount, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { orNull } from "../lib/optional";
import { useScope, useUrlState } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Code } from "../ui/code";
import { Confirm } from "../ui/confirm";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { Empty, Failed, Loading } from "../ui/states";
import { opNames, suppressionStates } from "./names";

const kPageRows = 200;
const kSoonMs = 3 * 86_400_000;
const icons = { active: "silent", expired: "clock", off: "off" } as const;

export default function Suppressions() {
  const url = useUrlState();
  const scope = useScope();
  const state = url.get("state"), rule = url.get("rule"), shownId = Number(url.get("id")) || 0;
  const [ending, setEnding] = useState<Suppression | null>(null);
  const { busy, change } = useChange(["suppressions"]);
  const list = useInfiniteQuery({
    queryKey: ["suppressions", "list", state, rule], initialPageParam: "",
    queryFn: ({ pageParam, signal }) => orNull(api.get<Page<Suppression> & { total?: number }>("/suppressions", { state, rule, limit: kPageRows, cursor: pageParam }, signal)), getNextPageParam: (page) => page?.next_cursor ?? undefined,
  });
  const items = useMemo(() => list.data?.pages.flatMap((page) => page?.items ?? []) ?? [], [list.data]);
  const shown = items.find((item) => item.id === shownId);
  if (list.error && !list.data) return <Failed what="Suppressions" error={list.error} retry={() => { void list.refetch(); }} />;
  if (!list.data) return <Loading what="suppressions" />;
  if (list.data.pages[0] === null) return <Empty title="This server has no suppressions">A newer one is needed for them.</Empty>;
  const enable = (item: Suppression, enabled: boolean) => { void change("Changing it", `"${item.title}" is ${enabled ? "on" : "off"}`, () => api.patch(`/suppressions/${item.id}`, { enabled })); };
  return (
    <>
      <div className="row wrap">
        <Select size="xs" w={150} aria-label="State" allowDeselect={false} value={state} data={[{ value: "", label: "Any state" }, ...Object.entries(suppressionStates).map(([value, label]) => ({ value, label }))]} onChange={(value) => url.set({ state: value })} />
        {rule && <span className="chip">Rule: <b className="mono">{rule}</b><button className="plain" aria-label="Remove the rule" onClick={() => url.set({ rule: null })}><Icon name="close" size={10} /></button></span>}
        <span className="muted" role="status">{formatCount(list.data.pages[0]?.total ?? items.length)} suppression{items.length === 1 ? "" : "s"}</span>
      </div>
      {items.length === 0 ? <div className="card"><Empty title="Nothing is suppressed">{state || rule ? "None fits these filters." : "One is made from a finding: open it, then \"Suppress …\"."}</Empty></div> : (
        <section className="card table-wrap" aria-label="Suppressions" tabIndex={0}><table className="table">
          <thead><tr><th>State</th><th>What</th><th>Rule</th><th>Tenant</th><th>Fits</th><th className="num">Silenced</th><th>Ends</th><th>By</th><th>Reason</th><th><span className="visually-hidden">Change</span></th></tr></thead>
          <tbody>{items.map((item) => (
            <tr key={item.id} className={item.id === shownId ? "chosen" : ""}>
              <td style={{ whiteSpace: "nowrap" }}><span className={item.state === "active" ? "warn" : "muted"}><Icon name={icons[item.state]} size={12} /> {suppressionStates[item.state]}</span></td>
              <td><button className="plain" style={{ textDecoration: "underline" }} onClick={() => url.set({ id: String(item.id) })}>{item.title}</button></td>
              <td><Link to={`/rules/${encodeURIComponent(item.rule_id)}${scope.query}`}>{item.rule_title || item.rule_id}</Link></td><td>{item.tenant || <span className="muted">all</span>}</td>
              <td className="mono" style={{ maxWidth: 320, overflowWrap: "anywhere", whiteSpace: "normal" }}>{item.fields.length > 0 ? item.fields.map((field) => `${field.field} ${opNames[field.op] ?? field.op} ${field.value}`).join(" and ") : "as written in YAML"}</td>
              <td className="num" title={item.last_silenced_at ? `Last ${formatTime(item.last_silenced_at)}` : undefined}>{item.silenced === undefined ? "-" : formatCount(item.silenced)}</td>
              <td style={{ whiteSpace: "nowrap" }} className={item.state === "active" && new Date(item.expires_at).getTime() - Date.now() < kSoonMs ? "warn" : ""}>{formatTime(item.expires_at).slice(0, 10)}</td><td style={{ whiteSpace: "nowrap" }}>{item.author}</td><td>{item.reason}</td>
              <td><span className="row" style={{ gap: 4 }}>{item.state !== "expired" && !item.ended_at && <AllowedButton right="findings.write" size="compact-xs" variant="default" loading={busy} onClick={() => enable(item, !item.enabled)} aria-label={`Switch ${item.enabled ? "off" : "on"}: ${item.title}`}>{item.enabled ? "Switch off" : "Switch on"}</AllowedButton>}
                {!item.ended_at && <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={() => setEnding(item)} aria-label={`End ${item.title}`}>End …</AllowedButton>}{item.ended_at && <span className="muted">ended by {item.ended_by}</span>}</span></td>
            </tr>
          ))}</tbody></table>
          {list.hasNextPage && <Button size="compact-xs" variant="default" mt={8} loading={list.isFetchingNextPage} onClick={() => { void list.fetchNextPage(); }}>More</Button>}
        </section>
      )}
      <Confirm opened={ending !== null} title={`End "${ending?.title ?? ""}"?`} action="End it" close={() => setEnding(null)} busy={busy} run={() => { void change("Ending it", "It is ended", () => api.delete(`/suppressions/${ending?.id ?? 0}`)).then(() => setEnding(null)); }}>
        <p>Findings are made again from now on. It stays in this list, but cannot be switched on any more.</p>
      </Confirm>
      <Dialog opened={shown !== undefined} onClose={() => url.set({ id: null })} title={shown?.title ?? ""} size="xl">
        {shown && <div className="stack"><dl className="facts"><dt>State</dt><dd>{suppressionStates[shown.state]}</dd><dt>Reason</dt><dd>{shown.reason}</dd><dt>Made</dt><dd>{formatTime(shown.created_at)} by {shown.author}</dd><dt>Ends</dt><dd>{formatTime(shown.expires_at)}</dd>{shown.last_silenced_at && <><dt>Last silenced</dt><dd>{formatTime(shown.last_silenced_at)} ({formatAgo(shown.last_silenced_at)})</dd></>}</dl><Code text={shown.yaml} label="Sigma filter" /></div>}
      </Dialog>
    </>
  );
}
