import { Button, Menu, MultiSelect, PasswordInput, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { UserRecord } from "../api/types";
import { formatAgo, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { passwordProblem } from "../lib/password";
import { Icon } from "../ui/icons";
import { Loaded } from "../ui/states";
import { Dialog } from "../ui/dialog";

const roles = [
  { value: "viewer", label: "Viewer: reads" }, { value: "analyst", label: "Analyst: works on findings" }, { value: "responder", label: "Responder: also runs actions" },
  { value: "hunter", label: "Hunter: also SQL and export" }, { value: "engineer", label: "Engineer: also rules and sources" }, { value: "admin", label: "Administrator: all" },
];

export default function Users() {
  const { user: me, tenants } = useSession();
  const query = useQuery({ queryKey: ["users"], queryFn: ({ signal }) => api.get<{ items: UserRecord[] }>("/users", undefined, signal) });
  const { busy, change } = useChange(["users"]);
  const [editing, setEditing] = useState<UserRecord | "new" | null>(null);
  const [resetting, setResetting] = useState<UserRecord | null>(null);
  return (
    <section className="card" aria-label="Users">
      <div className="card-head"><h2>Users</h2><Button size="xs" leftSection={<Icon name="plus" size={12} />} onClick={() => setEditing("new")}>New user</Button></div>
      <Loaded query={query} what="Users">
        {({ items }) => (
          <div className="table-wrap"><table className="table"><thead><tr><th>Name</th><th>Role</th><th>Tenants</th><th>State</th><th>Second factor</th><th>Last signed in</th><th>Made</th><th><span className="visually-hidden">Change</span></th></tr></thead>
            <tbody>{items.map((user) => (
              <tr key={user.name}><td><b>{user.display_name}</b> <span className="muted">{user.name}</span></td><td>{user.role}</td><td>{user.tenants.join(", ") || "all"}</td>
                <td>{user.enabled ? <span className="good"><Icon name="ok" size={12} /> on</span> : <span className="muted"><Icon name="off" size={12} /> off</span>}</td><td>{user.totp ? "on" : <span className="warn">off</span>}</td><td>{formatAgo(user.last_login_at)}</td><td>{formatTime(user.created_at)}</td>
                <td><Menu position="bottom-end"><Menu.Target><Button size="compact-xs" variant="default" aria-label={`Change ${user.name}`} rightSection={<Icon name="down" size={9} />}>Change</Button></Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item onClick={() => setEditing(user)}>Role, tenants, display name</Menu.Item>
                    <Menu.Item onClick={() => setResetting(user)}>New password</Menu.Item>
                    <Menu.Item disabled={user.name === me.name} onClick={() => { void change("Switching", `${user.name} is ${user.enabled ? "off" : "on"}`, () => api.patch(`/users/${encodeURIComponent(user.name)}`, { enabled: !user.enabled })); }}>{user.name === me.name ? "You cannot switch yourself off" : user.enabled ? "Switch off" : "Switch on"}</Menu.Item>
                  </Menu.Dropdown></Menu></td></tr>
            ))}</tbody></table></div>
        )}
      </Loaded>
      {editing && <EditUser user={editing === "new" ? null : editing} tenants={tenants} busy={busy} close={() => setEditing(null)}
                            save={(path, body, isNew) => { void change("Saving", isNew ? "The user is made" : "The user is changed", () => (isNew ? api.post(path, body) : api.patch(path, body))).then((done) => { if (done) setEditing(null); }); }} />}
      {resetting && <Reset user={resetting} busy={busy} close={() => setResetting(null)} run={(password) => { void change("The new password", `${resetting.name} has a new password`, () => api.post(`/users/${encodeURIComponent(resetting.name)}/reset`, { password })).then((done) => { if (done) setResetting(null); }); }} />}
    </section>
  );
}

function EditUser({ user, tenants, busy, close, save }: { user: UserRecord | null; tenants: string[]; busy: boolean; close: () => void; save: (path: string, body: unknown, isNew: boolean) => void }) {
  const [form, setForm] = useState({ name: user?.name ?? "", display_name: user?.display_name ?? "", role: user?.role ?? "analyst", tenants: user?.tenants ?? tenants.slice(0, 1), password: "" });
  const put = (change: Partial<typeof form>) => setForm({ ...form, ...change });
  const weak = user ? undefined : passwordProblem(form.name, form.password);
  const submit = () => {
    const { name, password, ...rest } = form;
    if (user) save(`/users/${encodeURIComponent(user.name)}`, rest, false);
    else save("/users", { name, password, ...rest, display_name: form.display_name || name }, true);
  };
  return (
    <Dialog opened onClose={close} title={user ? `Change ${user.name}` : "New user"}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); submit(); }}>
        {!user && <TextInput label="Name" required value={form.name} onChange={(event) => put({ name: event.currentTarget.value })} autoComplete="off" data-autofocus />}
        <TextInput label="Display name" value={form.display_name} onChange={(event) => put({ display_name: event.currentTarget.value })} />
        <Select label="Role" allowDeselect={false} data={roles} value={form.role} onChange={(role) => put({ role: role ?? "viewer" })} />
        <MultiSelect label="Tenants" description="None: all, also those to come" data={[...new Set([...tenants, ...form.tenants])]} value={form.tenants} onChange={(chosen) => put({ tenants: chosen })} />
        {!user && <PasswordInput label="First password" required value={form.password} onChange={(event) => put({ password: event.currentTarget.value })} autoComplete="new-password" error={form.password ? weak : undefined} />}
        <Button type="submit" loading={busy} disabled={!form.name || weak !== undefined}>{user ? "Save" : "Make the user"}</Button>
      </form>
    </Dialog>
  );
}

function Reset({ user, busy, close, run }: { user: UserRecord; busy: boolean; close: () => void; run: (password: string) => void }) {
  const [password, setPassword] = useState("");
  const weak = passwordProblem(user.name, password);
  return (
    <Dialog opened onClose={close} title={`New password for ${user.name}`}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); run(password); }}>
        <p>It also removes the second factor, all sessions and all API tokens of the user.</p>
        <PasswordInput label="Password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="new-password" error={password ? weak : undefined} data-autofocus />
        <Button type="submit" color="red" loading={busy} disabled={weak !== undefined}>Set it</Button>
      </form>
    </Dialog>
  );
}
