// Merging, splitting, moving and reopening: each with its why, which stays in the history.
import { Button, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import type { Incident, IncidentPage } from "../api/types";
import { Dialog } from "../ui/dialog";
import { Notice, problemText } from "../ui/states";
import { numberOf } from "./names";

// Finds an incident by its number or by words.
function Finder({ label, except, tenant, chosen, choose }: { label: string; except: number; tenant: string; chosen: Incident | null; choose: (incident: Incident | null) => void }) {
  const [text, setText] = useState("");
  const number = /^\s*(INC-)?\d+\s*$/i.test(text) ? numberOf(text.trim()) : 0;
  const query = useQuery({
    queryKey: ["incidents", "find", text.trim(), tenant], enabled: text.trim() !== "" && !chosen, retry: false,
    queryFn: async ({ signal }) => number > 0 ? [await api.get<Incident>(`/incidents/${number}`, undefined, signal)] : (await api.get<IncidentPage>("/incidents", { q: text.trim(), tenant, limit: 8, with_closed: 1 }, signal)).items,
  });
  const items = (query.data ?? []).filter((item) => item.number !== except && item.tenant === tenant && !item.merged_into);
  if (chosen) return <div className="row"><span>{label}: <b>{chosen.id}</b> {chosen.title}</span><Button size="compact-xs" variant="subtle" onClick={() => choose(null)}>Another</Button></div>;
  return (
    <div className="stack" style={{ gap: 5 }}>
      <TextInput label={label} description="Its number, or words of its title, hosts, users" placeholder="INC-17" value={text} onChange={(event) => setText(event.currentTarget.value)} data-autofocus />
      {query.error ? <p className="muted">{problemText(query.error)}</p> : null}
      {items.map((item) => <Button key={item.number} size="compact-sm" variant="default" justify="flex-start" onClick={() => choose(item)}>{item.id} {item.title}</Button>)}
      {query.data && items.length === 0 && <p className="muted">No other incident of this tenant fits.</p>}
    </div>
  );
}

function Why({ why, set }: { why: string; set: (why: string) => void }) {
  return <Textarea label="Why" description="It stays in the history" rows={2} required value={why} onChange={(event) => set(event.currentTarget.value)} />;
}

export function MergeDialog({ incident, busy, close, run }: { incident: Incident; busy: boolean; close: () => void; run: (from: Incident, why: string) => void }) {
  const [other, setOther] = useState<Incident | null>(null);
  const [why, setWhy] = useState("");
  return (
    <Dialog opened onClose={close} title={`Merge another into ${incident.id}`}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (other) run(other, why.trim()); }}>
        <Finder label={`Becomes part of ${incident.id}`} except={incident.number} tenant={incident.tenant} chosen={other} choose={setOther} />
        {other && <Notice kind="info">Its {other.finding_count} findings, comments and tasks are then seen here. {other.id} keeps its history and says where it went. Later findings come here.</Notice>}
        <Why why={why} set={setWhy} />
        <div className="row"><div className="grow" /><Button variant="default" onClick={close}>Keep apart</Button><Button type="submit" loading={busy} disabled={!other || !why.trim()}>Merge</Button></div>
      </form>
    </Dialog>
  );
}

export function SplitDialog({ incident, count, busy, close, run }: { incident: Incident; count: number; busy: boolean; close: () => void; run: (why: string) => void }) {
  const [why, setWhy] = useState("");
  return (
    <Dialog opened onClose={close} title={`Split ${count} finding${count === 1 ? "" : "s"} from ${incident.id}`}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); run(why.trim()); }}>
        <p>They become an incident of their own, and the two stay apart: later findings do not join them again.</p>
        <Why why={why} set={setWhy} />
        <div className="row"><div className="grow" /><Button variant="default" onClick={close}>Keep together</Button><Button type="submit" loading={busy} disabled={!why.trim()}>Split</Button></div>
      </form>
    </Dialog>
  );
}

export function MoveDialog({ incident, count, busy, close, run }: { incident: Incident; count: number; busy: boolean; close: () => void; run: (to: Incident, why: string) => void }) {
  const [other, setOther] = useState<Incident | null>(null);
  const [why, setWhy] = useState("");
  return (
    <Dialog opened onClose={close} title={`Move ${count} finding${count === 1 ? "" : "s"} of ${incident.id}`}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (other) run(other, why.trim()); }}>
        <Finder label="To" except={incident.number} tenant={incident.tenant} chosen={other} choose={setOther} />
        <Why why={why} set={setWhy} />
        <div className="row"><div className="grow" /><Button variant="default" onClick={close}>Keep here</Button><Button type="submit" loading={busy} disabled={!other || !why.trim()}>Move</Button></div>
      </form>
    </Dialog>
  );
}

export function ReopenDialog({ incident, busy, close, run }: { incident: Incident; busy: boolean; close: () => void; run: (why: string) => void }) {
  const [why, setWhy] = useState("");
  return (
    <Dialog opened onClose={close} title={`Reopen ${incident.id}`}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); run(why.trim()); }}>
        <p>What was learned from its verdict is taken back.</p><Why why={why} set={setWhy} />
        <Button type="submit" loading={busy} disabled={!why.trim()}>Reopen</Button>
      </form>
    </Dialog>
  );
}
