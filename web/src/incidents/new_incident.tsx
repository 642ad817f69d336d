// An incident opened by hand: a phone call, a mail.
import { Button, Select, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useNavigate } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { Incident } from "../api/types";
import { formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { useScope } from "../lib/url_state";
import { Dialog } from "../ui/dialog";
import { levelNames } from "../ui/severity";
import { levelOf } from "../api/types";
import { readTime } from "./time_text";

export function NewIncident({ close }: { close: () => void }) {
  const { tenants } = useSession();
  const scope = useScope();
  const navigate = useNavigate();
  const { busy, change } = useChange(["incidents"]);
  const [form, setForm] = useState({ tenant: scope.tenants?.[0] ?? tenants[0] ?? "default", title: "", summary: "", severity: "3", first: formatTime(new Date().toISOString()), tags: [] as string[] });
  const put = (more: Partial<typeof form>) => setForm({ ...form, ...more });
  const first = form.first.trim() ? readTime(form.first) : null;
  const submit = () => {
    let made: Incident | undefined;
    void change("Opening the incident", "", async () => {
      made = await api.post<Incident>("/incidents", { tenant: form.tenant, title: form.title.trim(), summary: form.summary.trim(), severity_id: Number(form.severity), tags: form.tags, ...(first ? { first_event: first } : {}) });
    }).then((done) => { if (done && made) navigate(`/incidents/${made.number}${scope.query}`); });
  };
  return (
    <Dialog opened onClose={close} title="Open an incident">
      <form className="stack" onSubmit={(event) => { event.preventDefault(); submit(); }}>
        <TextInput label="Title" required maxLength={512} value={form.title} onChange={(event) => put({ title: event.currentTarget.value })} data-autofocus />
        <Textarea label="What is known" rows={3} value={form.summary} onChange={(event) => put({ summary: event.currentTarget.value })} />
        <div className="form-grid">
          <Select label="Severity" allowDeselect={false} value={form.severity} data={[5, 4, 3, 2, 1].map((id) => ({ value: String(id), label: levelNames[levelOf(id)] }))} onChange={(value) => put({ severity: value ?? "3" })} />
          <Select label="Tenant" allowDeselect={false} value={form.tenant} data={tenants} onChange={(value) => put({ tenant: value ?? form.tenant })} />
          <TextInput label="It began at" value={form.first} onChange={(event) => put({ first: event.currentTarget.value })} error={first === undefined ? "Write 2026-11-24 10:00" : undefined} />
          <TagsInput label="Tags" value={form.tags} onChange={(tags) => put({ tags })} />
        </div>
        <Button type="submit" loading={busy} disabled={!form.title.trim() || first === undefined}>Open it</Button>
      </form>
    </Dialog>
  );
}
