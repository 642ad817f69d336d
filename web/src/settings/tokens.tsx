import { Button, Checkbox, MultiSelect, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { ApiToken } from "../api/types";
import { formatAgo, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { Confirm } from "../ui/confirm";
import { Icon } from "../ui/icons";
import { SecretDialog } from "../ui/secret_dialog";
import { Empty, Loaded } from "../ui/states";
import { Dialog } from "../ui/dialog";

const lifetimes = [["30", "30 days"], ["90", "90 days"], ["365", "1 year"]] as const;

export default function Tokens() {
  const { user, may } = useSession();
  const [all, setAll] = useState(false);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<ApiToken | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const [form, setForm] = useState({ name: "", scopes: [] as string[], days: "90" });
  const { busy, change } = useChange(["tokens"]);
  const query = useQuery({ queryKey: ["tokens", all], queryFn: ({ signal }) => api.get<{ items: ApiToken[] }>("/tokens", { all: all ? 1 : undefined }, signal) });
  const make = async () => {
    const expires_at = new Date(Date.now() + Number(form.days) * 86_400_000).toISOString();
    if (await change("The new token", "", async () => { setSecret((await api.post<ApiToken>("/tokens", { name: form.name, scopes: form.scopes, expires_at })).token ?? null); })) { setAdding(false); setForm({ name: "", scopes: [], days: "90" }); }
  };
  return (
    <section className="card" aria-label="API tokens">
      <div className="card-head"><h2>API tokens</h2><div className="row">{may("users.write") && <Checkbox size="xs" label="Of all users" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />}
        <Button size="xs" leftSection={<Icon name="plus" size={12} />} onClick={() => setAdding(true)}>New token</Button></div></div>
      <p className="muted">For programs: sent as "Authorization: Bearer". A token can do no more than its user.</p>
      <Loaded query={query} what="Tokens">
        {({ items }) => items.length === 0 ? <Empty title="No token yet" /> : (
          <div className="table-wrap"><table className="table"><thead><tr><th>Name</th><th>User</th><th>Scopes</th><th>Made</th><th>Ends</th><th>Last used</th><th><span className="visually-hidden">Remove</span></th></tr></thead>
            <tbody>{items.map((token) => (
              <tr key={token.id}><td>{token.name}</td><td>{token.user}</td><td className="mono">{token.scopes.join(" ")}</td><td>{formatTime(token.created_at)}</td><td>{token.expires_at ? formatTime(token.expires_at) : "never"}</td><td>{formatAgo(token.used_at)}</td>
                <td><Button size="compact-xs" variant="default" onClick={() => setRemoving(token)}>Remove</Button></td></tr>
            ))}</tbody></table></div>
        )}
      </Loaded>
      <Dialog opened={adding} onClose={() => setAdding(false)} title="New API token">
        <form className="stack" onSubmit={(event) => { event.preventDefault(); void make(); }}>
          <TextInput label="Name" description="What uses it" required value={form.name} onChange={(event) => setForm({ ...form, name: event.currentTarget.value })} data-autofocus />
          <MultiSelect label="Scopes" description="Give as few as will do" data={user.rights} value={form.scopes} onChange={(scopes) => setForm({ ...form, scopes })} />
          <Select label="Ends after" allowDeselect={false} data={lifetimes.map(([value, label]) => ({ value, label }))} value={form.days} onChange={(days) => setForm({ ...form, days: days ?? "90" })} />
          <Button type="submit" loading={busy} disabled={!form.name || form.scopes.length === 0}>Make the token</Button>
        </form>
      </Dialog>
      <Confirm opened={removing !== null} title={`Remove "${removing?.name ?? ""}"?`} action="Remove" close={() => setRemoving(null)} busy={busy} run={() => { void change("Removing", "The token is removed", () => api.delete(`/tokens/${encodeURIComponent(removing?.id ?? "")}`)).then(() => setRemoving(null)); }}><p>What uses it gets no answers any more, at once.</p></Confirm>
      <SecretDialog title="The new token" secret={secret} note="Give it to the program that needs it." close={() => setSecret(null)} />
    </section>
  );
}
