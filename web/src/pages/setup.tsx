// First run: makes the first administrator. The token is in the fragment of the link, which no server ever sees in a log.
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useNavigate } from "react-router-dom";
import { api, Problem, setCsrf } from "../api/client";
import type { Me, SetupState } from "../api/types";
import { minPasswordBytes, passwordProblem } from "../lib/password";
import { Gate } from "../ui/gate";
import { Failed, Loading, Notice, problemText } from "../ui/states";

export function Setup() {
  const setup = useQuery({ queryKey: ["setup"], queryFn: () => api.get<SetupState>("/setup"), staleTime: 0 });
  const token = useLocation().hash.slice(1);
  if (setup.isPending) return <Gate title="First set-up"><Loading what="the state of this installation" /></Gate>;
  if (setup.error) return <Gate title="First set-up"><Failed what="The state of this installation" error={setup.error} retry={() => { void setup.refetch(); }} /></Gate>;
  if (!setup.data.needed) return <Gate title="First set-up"><p>Tocsin is set up already. <Link to="/login">Sign in</Link></p></Gate>;
  if (!token) return <Gate title="First set-up"><p>This page needs the whole link that Tocsin printed when it was started: it ends in <code>/setup#…</code>. A new link is made at each start until there is a user.</p></Gate>;
  return <Form token={token} />;
}

function Form({ token }: { token: string }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("admin");
  const [displayName, setDisplayName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [touched, setTouched] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const weak = passwordProblem(name, password);

  const submit = async () => {
    setTouched(true);
    if (weak || password !== again) return;
    setBusy(true);
    setError("");
    try {
      await api.post("/setup", { token, name, display_name: displayName || name, password });
      const me = await api.get<Me>("/me");
      setCsrf(me.csrf);
      client.setQueryData(["setup"], { needed: false, version: me.version });
      client.setQueryData(["me"], me);
      navigate("/", { replace: true });
    } catch (caught) {
      setError(caught instanceof Problem && caught.status === 403 ? "The link is not valid any more. Start Tocsin again to get a new one." : problemText(caught));
      setBusy(false);
    }
  };
  return (
    <Gate title="First set-up">
      <p className="muted">Make the first administrator. Other users are made in the settings.</p>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <TextInput label="Name" description="To sign in with" value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="username" required />
        <TextInput label="Display name" value={displayName} onChange={(event) => setDisplayName(event.currentTarget.value)} autoComplete="name" />
        <PasswordInput label="Password" description={`At least ${minPasswordBytes} characters; a sentence is good`} value={password} onChange={(event) => setPassword(event.currentTarget.value)}
                       autoComplete="new-password" required error={touched ? weak : undefined} />
        <PasswordInput label="Password again" value={again} onChange={(event) => setAgain(event.currentTarget.value)} autoComplete="new-password" required
                       error={touched && password !== again ? "The two are not the same" : undefined} />
        {error && <Notice kind="error">{error}</Notice>}
        <Button type="submit" loading={busy}>Make the administrator</Button>
      </form>
    </Gate>
  );
}
