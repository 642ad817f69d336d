import { Button, Checkbox, PasswordInput, Select, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, Problem } from "../api/client";
import { useSession } from "../api/session";
import { notifyEvents, type Channel, type ChannelKind, type Priority } from "../api/types";
import { priorities, priorityNames } from "../incidents/names";
import { useChange } from "../lib/invalidate";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/states";

export const channelKinds: Record<ChannelKind, string> = { email: "Mail", webhook: "Webhook", slack: "Slack", teams: "Teams" };
export const eventNames: Record<string, string> = {
  opened: "opened", raised: "raised in priority", assigned: "assigned to somebody", mentioned: "somebody mentioned", sla: "a service level at risk or breached", escalated: "nobody took it", closed: "closed",
};
const days = [["mon", "Mon"], ["tue", "Tue"], ["wed", "Wed"], ["thu", "Thu"], ["fri", "Fri"], ["sat", "Sat"], ["sun", "Sun"]] as const;
const kClock = /^([01]\d|2[0-3]):[0-5]\d$/;
const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function ChannelDialog({ channel, close }: { channel: Channel | null; close: () => void }) {
  const { tenants } = useSession();
  const { busy, change } = useChange(["notifications"]);
  const [refused, setRefused] = useState<Problem | null>(null);
  const [form, setForm] = useState({
    name: channel?.name ?? "", kind: channel?.kind ?? ("email" as ChannelKind), enabled: channel?.enabled ?? true, tenant: channel?.tenant ?? "", addresses: Array.isArray(channel?.target) ? channel.target : [], url: typeof channel?.target === "string" ? channel.target : "", secret: "",
    events: channel?.events ?? ["opened", "sla", "escalated"], min_priority: channel?.min_priority ?? ("p2" as Priority), quiet: channel?.quiet !== null && channel !== null, from: channel?.quiet?.from ?? "22:00", to: channel?.quiet?.to ?? "06:00", timezone: channel?.quiet?.timezone ?? zoneHere(), days: channel?.quiet?.days ?? [], except: channel?.quiet?.except_priority ?? "p1",
    escalate: channel?.escalate_after_s ? String(Math.round(channel.escalate_after_s / 60)) : "",
  });
  const put = (more: Partial<typeof form>) => setForm({ ...form, ...more });
  const mail = form.kind === "email";
  const badClock = form.quiet && !(kClock.test(form.from) && kClock.test(form.to));
  const missing = !form.name.trim() || (mail ? form.addresses.length === 0 : !form.url.trim()) || form.events.length === 0 || badClock;
  const errorOf = (field: string) => (refused?.field === field ? refused.message : undefined);
  const save = () => {
    const body = {
      name: form.name.trim(), kind: form.kind, enabled: form.enabled, tenant: form.tenant, target: mail ? form.addresses : form.url.trim(), events: form.events, min_priority: form.min_priority,
      ...(form.quiet ? { quiet: { from: form.from, to: form.to, timezone: form.timezone.trim(), days: form.days, ...(form.except ? { except_priority: form.except } : {}) } } : {}),
      ...(Number(form.escalate) > 0 ? { escalate_after_s: Number(form.escalate) * 60 } : {}), ...(form.secret && !mail ? { secret: form.secret } : {}),
    };
    setRefused(null);
    void change("The channel", `"${body.name}" is saved`, async () => {
      try {
        await (channel ? api.put(`/notifications/channels/${channel.id}`, body) : api.post("/notifications/channels", body));
      } catch (error) {
        if (error instanceof Problem && error.field) setRefused(error);
        throw error;
      }
    }).then((done) => { if (done) close(); });
  };
  return (
    <Dialog opened onClose={close} title={channel ? `Change ${channel.name}` : "New channel"} closeOnClickOutside={false}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (!missing) save(); }}>
        <div className="form-grid">
          <TextInput label="Name" required value={form.name} onChange={(event) => put({ name: event.currentTarget.value })} error={errorOf("name")} data-autofocus />
          <Select label="Kind" allowDeselect={false} value={form.kind} data={Object.entries(channelKinds).map(([value, label]) => ({ value, label }))} onChange={(kind) => put({ kind: (kind ?? "email") as ChannelKind })} />
        </div>
        {mail ? <TagsInput label="Addresses" description="Enter after each" value={form.addresses} onChange={(addresses) => put({ addresses })} error={errorOf("target")} />
          : <TextInput label="Address" placeholder="https://" required value={form.url} onChange={(event) => put({ url: event.currentTarget.value })} error={errorOf("target")} />}
        {!mail && <PasswordInput label="Secret" description={channel?.has_secret ? "There is one; left empty, it stays" : "Signs what is sent, so that the other side can check it"} value={form.secret} autoComplete="new-password" onChange={(event) => put({ secret: event.currentTarget.value })} error={errorOf("secret")} />}
        <Checkbox.Group label="Tell when an incident is" value={form.events} onChange={(events) => put({ events })} error={form.events.length === 0 ? "Choose at least one" : errorOf("events")}>
          <div className="form-grid" style={{ marginTop: 6 }}>{notifyEvents.map((event) => <Checkbox key={event} size="xs" value={event} label={eventNames[event]} />)}</div>
        </Checkbox.Group>
        <div className="form-grid">
          <Select label="From priority" allowDeselect={false} value={form.min_priority} data={priorities.map((value) => ({ value, label: `${priorityNames[value]}${value === "p4" ? ", all" : " and above"}` }))} onChange={(value) => put({ min_priority: (value ?? "p4") as Priority })} />
          <Select label="Tenant" allowDeselect={false} value={form.tenant} data={[{ value: "", label: "all you see" }, ...tenants.map((value) => ({ value, label: value }))]} onChange={(tenant) => put({ tenant: tenant ?? "" })} error={errorOf("tenant")} />
          <TextInput type="number" label="Ask again where nobody took it" description="After so many minutes; empty: never" min={1} max={10_080} value={form.escalate} onChange={(event) => put({ escalate: event.currentTarget.value })} error={errorOf("escalate_after_s")} />
        </div>
        <Checkbox size="xs" label="Quiet hours" checked={form.quiet} onChange={(event) => put({ quiet: event.currentTarget.checked })} />
        {form.quiet && (
          <fieldset className="stack quiet"><legend className="visually-hidden">Quiet hours</legend>
            <div className="form-grid">
              <TextInput size="xs" label="From" value={form.from} onChange={(event) => put({ from: event.currentTarget.value })} error={kClock.test(form.from) ? undefined : "As 22:00"} /><TextInput size="xs" label="To" value={form.to} onChange={(event) => put({ to: event.currentTarget.value })} error={kClock.test(form.to) ? undefined : "As 06:00"} />
              <TextInput size="xs" label="Time zone" value={form.timezone} onChange={(event) => put({ timezone: event.currentTarget.value })} error={errorOf("quiet") ?? errorOf("quiet.timezone")} /><Select size="xs" label="But tell at any time" allowDeselect={false} value={form.except} data={[{ value: "", label: "nothing" }, { value: "p1", label: "P1" }, { value: "p2", label: "P2 and above" }]} onChange={(value) => put({ except: value ?? "" })} />
            </div>
            <Checkbox.Group label="And all day on" value={form.days} onChange={(value) => put({ days: value })}><div className="row wrap" style={{ marginTop: 4 }}>{days.map(([value, label]) => <Checkbox key={value} size="xs" value={value} label={label} />)}</div></Checkbox.Group>
          </fieldset>
        )}
        <Checkbox size="xs" label="Switched on" checked={form.enabled} onChange={(event) => put({ enabled: event.currentTarget.checked })} />
        {refused && !["name", "target", "secret", "events", "tenant", "quiet", "quiet.timezone", "escalate_after_s"].includes(refused.field ?? "") && <Notice kind="error">{refused.message}</Notice>}
        <Button type="submit" loading={busy} disabled={missing}>Save</Button>
      </form>
    </Dialog>
  );
}
