// Whom to tell what, and whether it arrived.
import { Button, Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { Channel, Delivery, Page } from "../api/types";
import { formatDuration, numberOf, priorityNames } from "../incidents/names";
import { formatAgo, formatCount, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { orNull, useOptional } from "../lib/optional";
import { useScope, useUrlState } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Confirm } from "../ui/confirm";
import { Icon } from "../ui/icons";
import { Empty, Failed, Loaded, Loading } from "../ui/states";
import { say } from "../ui/toast";
import { ChannelDialog, channelKinds, eventNames } from "./channel_dialog";
import "../incidents/incidents.css";

const kRight = "settings.write";
const kPageRows = 100;
const kRefreshMs = 15_000;
const stateNames: Record<Delivery["state"], string> = { sent: "Sent", pending: "Waiting", dead: "Given up" };
const stateIcons = { sent: "ok", pending: "clock", dead: "warning" } as const;
const stateClasses = { sent: "good", pending: "muted", dead: "bad" } as const;

export default function Notifications() {
  const { may } = useSession();
  return <div className="stack">{may(kRight) && <Channels />}<Deliveries /></div>;
}

const targetOf = (channel: Channel) => (Array.isArray(channel.target) ? channel.target.join(", ") : channel.target);

function Channels() {
  const [editing, setEditing] = useState<Channel | "new" | null>(null);
  const [removing, setRemoving] = useState<Channel | null>(null);
  const { busy, change } = useChange(["notifications"]);
  const query = useOptional<{ items: Channel[] }>(["notifications", "channels"], "/notifications/channels");
  const test = (channel: Channel) => {
    void change("The test", "", async () => {
      const answer = await api.post<{ delivered: boolean; problem: string }>(`/notifications/channels/${channel.id}/test`);
      say(answer.delivered ? `The test over "${channel.name}" arrived` : `The test over "${channel.name}" failed: ${answer.problem}`, !answer.delivered);
    });
  };
  return (
    <section className="card" aria-label="Channels">
      <div className="card-head"><h2>Channels</h2>{query.data && <AllowedButton right={kRight} size="xs" leftSection={<Icon name="plus" size={12} />} onClick={() => setEditing("new")}>New channel</AllowedButton>}</div>
      <Loaded query={query} what="Channels">
        {(data) => data === null ? <Empty title="This server sends no notifications">A newer one is needed for them.</Empty> : data.items.length === 0 ? <Empty title="No channel yet">Nobody is told of anything: mail, a webhook, Slack or Teams.</Empty> : (
          <div className="table-wrap" tabIndex={0} role="region" aria-label="Table of channels"><table className="table"><thead><tr><th>Name</th><th>Kind</th><th>To</th><th>Tenant</th><th>When</th><th>From priority</th><th>Quiet</th><th>Asks again</th><th>State</th><th><span className="visually-hidden">Do</span></th></tr></thead>
            <tbody>{data.items.map((channel) => (
              <tr key={channel.id}><td><b>{channel.name}</b></td><td style={{ whiteSpace: "nowrap" }}>{channelKinds[channel.kind] ?? channel.kind}</td><td className="mono" style={{ overflowWrap: "anywhere", whiteSpace: "normal", maxWidth: 260 }}>{targetOf(channel)}{channel.has_secret && <span className="muted"> signed</span>}</td><td>{channel.tenant || <span className="muted">all of yours</span>}</td>
                <td style={{ whiteSpace: "normal" }}>{channel.events.map((event) => eventNames[event] ?? event).join(", ")}</td><td>{priorityNames[channel.min_priority]}</td>
                <td>{channel.quiet ? <span title={channel.quiet.days.length > 0 ? `and all day on ${channel.quiet.days.join(", ")}` : undefined}>{channel.quiet.from}–{channel.quiet.to} {channel.quiet.timezone}{channel.quiet.except_priority && `, not for ${channel.quiet.except_priority.toUpperCase()}`}</span> : <span className="muted">never</span>}</td>
                <td>{channel.escalate_after_s ? `after ${formatDuration(channel.escalate_after_s)}` : <span className="muted">no</span>}</td><td className={channel.enabled ? "good" : "muted"}><Icon name={channel.enabled ? "ok" : "off"} size={12} /> {channel.enabled ? "On" : "Off"}</td>
                <td><span className="row" style={{ gap: 4 }}><Button size="compact-xs" variant="default" loading={busy} onClick={() => test(channel)}>Test</Button><Button size="compact-xs" variant="default" onClick={() => setEditing(channel)}>Change</Button><Button size="compact-xs" variant="default" onClick={() => setRemoving(channel)}>Remove</Button></span></td></tr>
            ))}</tbody></table></div>
        )}
      </Loaded>
      {editing && <ChannelDialog channel={editing === "new" ? null : editing} close={() => setEditing(null)} />}
      <Confirm opened={removing !== null} title={`Remove "${removing?.name ?? ""}"?`} action="Remove" close={() => setRemoving(null)} busy={busy} run={() => { void change("Removing", "The channel is removed", () => api.delete(`/notifications/channels/${removing?.id ?? 0}`)).then(() => setRemoving(null)); }}><p>Nothing is sent over it any more; what waits of it is given up.</p></Confirm>
    </section>
  );
}

function Deliveries() {
  const url = useUrlState();
  const scope = useScope();
  const state = url.get("state");
  const { busy, change } = useChange(["notifications"]);
  const list = useInfiniteQuery({
    queryKey: ["notifications", "deliveries", state], initialPageParam: "", refetchInterval: kRefreshMs,
    queryFn: ({ pageParam, signal }) => orNull(api.get<Page<Delivery> & { total?: number }>("/notifications/deliveries", { state, limit: kPageRows, cursor: pageParam }, signal)), getNextPageParam: (page) => page?.next_cursor ?? undefined,
  });
  const items = useMemo(() => list.data?.pages.flatMap((page) => page?.items ?? []) ?? [], [list.data]);
  if (list.data && list.data.pages[0] === null) return null;
  return (
    <section className="card" aria-label="Deliveries">
      <div className="card-head"><h2>Deliveries</h2><div className="row"><span className="muted" role="status">{formatCount(list.data?.pages[0]?.total ?? items.length)}</span><Select size="xs" w={140} aria-label="State of the delivery" allowDeselect={false} value={state} data={[{ value: "", label: "Any state" }, ...Object.entries(stateNames).map(([value, label]) => ({ value, label }))]} onChange={(value) => url.set({ state: value })} /></div></div>
      {list.error && !list.data ? <Failed what="Deliveries" error={list.error} retry={() => { void list.refetch(); }} /> : !list.data ? <Loading what="deliveries" /> : items.length === 0 ? <Empty title={state ? "None is in this state" : "Nothing has been sent yet"} /> : (
        <div className="table-wrap cards-table" tabIndex={0} role="region" aria-label="Table of deliveries"><table className="table"><thead><tr><th>Made</th><th>Channel</th><th>Of</th><th>Incident</th><th>State</th><th className="num">Tries</th><th>Problem</th><th><span className="visually-hidden">Do</span></th></tr></thead>
          <tbody>{items.map((item) => (
            <tr key={item.id}><td style={{ whiteSpace: "nowrap" }}>{formatTime(item.created_at)}</td><td>{item.channel_name}</td><td>{eventNames[item.event] ?? item.event}</td><td>{item.incident ? <Link to={`/incidents/${numberOf(item.incident)}${scope.query}`}>{item.incident}</Link> : "-"}</td>
              <td className={stateClasses[item.state]} style={{ whiteSpace: "nowrap" }}><Icon name={stateIcons[item.state]} size={12} /> {stateNames[item.state]}{item.state === "sent" ? ` ${formatAgo(item.sent_at)}` : item.state === "pending" && item.next_at ? `, next ${formatTime(item.next_at).slice(11)}` : ""}</td>
              <td className="num">{item.attempts}</td><td style={{ whiteSpace: "normal" }}>{item.problem}</td>
              <td>{item.state === "dead" && <AllowedButton right={kRight} size="compact-xs" variant="default" loading={busy} onClick={() => { void change("Trying again", "It is tried again", () => api.post(`/notifications/deliveries/${item.id}/retry`)); }}>Try again</AllowedButton>}</td></tr>
          ))}</tbody></table>
          {list.hasNextPage && <Button size="compact-xs" variant="default" mt={8} loading={list.isFetchingNextPage} onClick={() => { void list.fetchNextPage(); }}>More</Button>}</div>
      )}
    </section>
  );
}
