import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Navigate, useLocation } from "react-router-dom";
import { api, Problem, setCsrf } from "../api/client";
import { useMe } from "../api/session";
import type { LoginAnswer, Me, SetupState } from "../api/types";
import { Gate } from "../ui/gate";
import { Notice, problemText } from "../ui/states";

export function Login() {
  const client = useQueryClient();
  const me = useMe();
  const location = useLocation();
  const setup = useQuery({ queryKey: ["setup"], queryFn: () => api.get<SetupState>("/setup"), retry: false });
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [wantsCode, setWantsCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");

  if (me.data) return <Navigate to={(location.state as { from?: string } | null)?.from ?? "/"} replace />;

  const submit = async () => {
    setBusy(true);
    setError("");
    try {
      const answer = await api.post<LoginAnswer>("/login", { name, password, ...(wantsCode ? { code: code.trim() } : {}) });
      setCsrf(answer.csrf);
      client.setQueryData(["me"], await api.get<Me>("/me"));
    } catch (caught) {
      if (caught instanceof Problem && caught.outcome === "code_needed" && !wantsCode) setWantsCode(true);
      else if (caught instanceof Problem && caught.status === 401) setError(wantsCode ? "The code is wrong or was used already. Each works once, for 30 seconds." : "Name or password is wrong.");
      else setError(problemText(caught));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Gate title="Sign in">
      {setup.data?.needed && <Notice kind="info">Tocsin has no user yet. Open the set-up link that it printed when it was started.</Notice>}
      <form className="stack" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        {wantsCode ? (
          <>
            <p className="muted">Signing in as <b>{name}</b>. Enter the code of your authenticator app, or a recovery code.</p>
            <TextInput label="Code" value={code} onChange={(event) => setCode(event.currentTarget.value)} autoComplete="one-time-code" required data-autofocus autoFocus />
          </>
        ) : (
          <>
            <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="username" required autoFocus />
            <PasswordInput label="Password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="current-password" required />
          </>
        )}
        {error && <Notice kind="error">{error}</Notice>}
        <Button type="submit" loading={busy} disabled={wantsCode ? !code : !name || !password}>{wantsCode ? "Continue" : "Sign in"}</Button>
        {wantsCode && <Button variant="default" onClick={() => { setWantsCode(false); setCode(""); setError(""); }}>Back</Button>}
      </form>
    </Gate>
  );
}
