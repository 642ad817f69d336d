// One's own password, second factor and sessions.
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { api, Problem } from "../api/client";
import { useSession } from "../api/session";
import type { SessionRecord, TotpSecret } from "../api/types";
import { formatAgo, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { passwordProblem } from "../lib/password";
import { Code } from "../ui/code";
import { Icon } from "../ui/icons";
import { Loaded, Notice, problemText } from "../ui/states";
import { say } from "../ui/toast";
import { Dialog } from "../ui/dialog";

const QrCode = lazy(() => import("./qr_code"));

export default function Account() {
  return <div className="cards"><div className="span-4 stack"><Password /></div><div className="span-4 stack"><SecondFactor /></div><div className="span-4 stack"><Rights /></div><div className="span-12"><Sessions /></div></div>;
}

function Password() {
  const { user } = useSession();
  const [form, setForm] = useState({ old: "", next: "", again: "" });
  const [error, setError] = useState<unknown>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const weak = passwordProblem(user.name, form.next);
  const put = (change: Partial<typeof form>) => setForm({ ...form, ...change });
  const submit = async () => {
    setTried(true);
    setError(null);
    if (weak || form.next !== form.again) return;
    setBusy(true);
    try {
      await api.post("/me/password", { old: form.old, new: form.next });
      setForm({ old: "", next: "", again: "" });
      setTried(false);
      say("The password is changed");
    } catch (caught) { setError(caught); } finally { setBusy(false); }
  };
  return (
    <section className="card stack" aria-label="Password"><h2>Password</h2>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <input type="text" className="visually-hidden" autoComplete="username" value={user.name} readOnly tabIndex={-1} aria-label="Your name" />
        <PasswordInput label="Your password now" value={form.old} onChange={(event) => put({ old: event.currentTarget.value })} autoComplete="current-password" required error={error instanceof Problem && error.field === "old" ? error.title : undefined} />
        <PasswordInput label="New password" value={form.next} onChange={(event) => put({ next: event.currentTarget.value })} autoComplete="new-password" required error={tried ? weak : undefined} />
        <PasswordInput label="New password again" value={form.again} onChange={(event) => put({ again: event.currentTarget.value })} autoComplete="new-password" required error={tried && form.next !== form.again ? "The two are not the same" : undefined} />
        {error && !(error instanceof Problem && error.field) ? <Notice kind="error">{problemText(error)}</Notice> : null}
        <Button type="submit" loading={busy}>Change the password</Button>
      </form>
    </section>
  );
}

function SecondFactor() {
  const { user } = useSession();
  const client = useQueryClient();
  const [secret, setSecret] = useState<TotpSecret | null>(null);
  const [code, setCode] = useState("");
  const [recovery, setRecovery] = useState<string[] | null>(null);
  const [removing, setRemoving] = useState(false);
  const [password, setPassword] = useState("");
  const { busy, change } = useChange(["me"]);
  const confirm = async () => {
    await change("The second factor", "The second factor is on", async () => { setRecovery((await api.post<{ recovery_codes: string[] }>("/me/totp/confirm", { code: code.trim() })).recovery_codes); setSecret(null); setCode(""); });
  };
  return (
    <section className="card stack" aria-label="Second factor"><h2>Second factor</h2>
      {user.totp ? <p className="good"><Icon name="ok" size={13} /> On: signing in asks for a code of your authenticator app.</p> : <p className="muted">Off. With it a stolen password is not enough to sign in.</p>}
      {!user.totp && !secret && <Button variant="default" loading={busy} onClick={() => { void change("The second factor", "", async () => setSecret(await api.post<TotpSecret>("/me/totp"))); }}>Set up</Button>}
      {secret && (
        <form className="stack" onSubmit={(event) => { event.preventDefault(); void confirm(); }}>
          <p>Scan this with an authenticator app. It is drawn here; nothing leaves this computer.</p>
          <Suspense fallback={null}><QrCode text={secret.uri} label="QR code for the authenticator app" /></Suspense>
          <p className="muted">Or type the secret:</p><Code text={secret.secret} label="Secret" />
          <TextInput label="Code that the app shows" value={code} onChange={(event) => setCode(event.currentTarget.value)} autoComplete="one-time-code" inputMode="numeric" required />
          <Button type="submit" loading={busy} disabled={!code}>Switch it on</Button>
        </form>
      )}
      {user.totp && <Button variant="default" onClick={() => setRemoving(true)}>Switch it off</Button>}
      <Dialog opened={recovery !== null} onClose={() => { setRecovery(null); void client.invalidateQueries({ queryKey: ["me"] }); }} title="Recovery codes" closeOnClickOutside={false}>
        <div className="stack"><p>Each lets you in once without the app. Keep them apart from the password. They are shown only now.</p><Code text={(recovery ?? []).join("\n")} label="Recovery codes" /><Button onClick={() => setRecovery(null)}>I have them</Button></div>
      </Dialog>
      <Dialog opened={removing} onClose={() => setRemoving(false)} title="Switch the second factor off?">
        <form className="stack" onSubmit={(event) => { event.preventDefault(); void change("The second factor", "The second factor is off", () => api.delete("/me/totp", { password })).then((done) => { if (done) { setRemoving(false); setPassword(""); } }); }}>
          <PasswordInput label="Your password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required data-autofocus /><Button type="submit" color="red" loading={busy}>Switch off</Button>
        </form>
      </Dialog>
    </section>
  );
}

function Rights() {
  const { user } = useSession();
  return (
    <section className="card stack" aria-label="What you may do"><h2>What you may do</h2>
      <dl className="facts"><dt>Name</dt><dd>{user.name}</dd><dt>Role</dt><dd>{user.role}</dd><dt>Tenants</dt><dd>{user.tenants.join(", ") || "all"}</dd></dl>
      <div className="chips">{user.rights.map((right) => <span key={right} className="chip mono">{right}</span>)}</div>
    </section>
  );
}

function Sessions() {
  const query = useQuery({ queryKey: ["sessions"], queryFn: ({ signal }) => api.get<{ items: SessionRecord[] }>("/me/sessions", undefined, signal) });
  const { change } = useChange(["sessions"]);
  return (
    <section className="card" aria-label="Sessions"><div className="card-head"><h2>Where you are signed in</h2></div>
      <Loaded query={query} what="Sessions">
        {({ items }) => (
          <table className="table"><thead><tr><th>Since</th><th>Last seen</th><th>Address</th><th>Browser</th><th><span className="visually-hidden">End</span></th></tr></thead>
            <tbody>{items.map((item) => (
              <tr key={item.id}><td>{formatTime(item.created_at)}</td><td>{formatAgo(item.seen_at)}</td><td className="mono">{item.address}</td><td>{item.agent}</td>
                <td>{item.current ? <span className="muted">this one</span> : <Button size="compact-xs" variant="default" onClick={() => { void change("Ending the session", "The session is ended", () => api.delete(`/me/sessions/${encodeURIComponent(item.id)}`)); }}>End</Button>}</td></tr>
            ))}</tbody></table>
        )}
      </Loaded>
    </section>
  );
}
