// Many incidents at once: what would change is shown before it is done, and what failed afterwards, with why.
import { Button, Select, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { api } from "../api/client";
import type { Incident, IncidentState, Priority } from "../api/types";
import { formatCount } from "../lib/format";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/states";
import { say } from "../ui/toast";
import type { Closing } from "./close_dialog";
import { priorities, priorityNames, stateNames } from "./names";

export const kMaxBulk = 1000;
const kShownRows = 200;
export interface IncidentChange { state?: IncidentState; owner?: string; priority?: Priority; tags?: string[] }
interface BulkAnswer { changed: (number | string)[]; failed: { number: number; problem: string }[] }
export interface Failure { number: number; problem: string }

// Incidents that get the same change go together.
export async function runBulk(plan: { incident: Incident; change: IncidentChange }[], close?: Closing): Promise<Failure[]> {
  const groups = new Map<string, { numbers: number[]; change: IncidentChange }>();
  for (const { incident, change } of plan) {
    const key = JSON.stringify(change);
    const group = groups.get(key) ?? { numbers: [], change };
    group.numbers.push(incident.number);
    groups.set(key, group);
  }
  let changed = 0;
  const failed: Failure[] = [];
  for (const { numbers, change } of groups.values()) {
    for (let at = 0; at < numbers.length; at += kMaxBulk) {
      const answer = await api.post<BulkAnswer>("/incidents/bulk", { numbers: numbers.slice(at, at + kMaxBulk), change, ...(close ? { close } : {}) });
      changed += answer.changed.length;
      failed.push(...answer.failed);
    }
  }
  if (changed > 0) say(`${formatCount(changed)} incident${changed === 1 ? "" : "s"} ${close ? "closed" : "changed"}`);
  return failed;
}

export const raised = (priority: Priority): Priority => priorities[Math.max(0, priorities.indexOf(priority) - 1)] ?? "p1";

function differences(incident: Incident, change: IncidentChange): string[] {
  const result: string[] = [];
  if (change.state && change.state !== incident.state) result.push(`${stateNames[incident.state]} → ${stateNames[change.state]}`);
  if (change.owner !== undefined && change.owner !== incident.owner) result.push(`owner ${incident.owner || "nobody"} → ${change.owner || "nobody"}`);
  if (change.priority && change.priority !== incident.priority) result.push(`${priorityNames[incident.priority]} → ${priorityNames[change.priority]}`);
  const added = change.tags?.filter((tag) => !incident.tags.includes(tag)) ?? [];
  if (added.length > 0) result.push(`tags ${added.map((tag) => `+${tag}`).join(" ")}`);
  return result;
}

export type Preset = "escalate" | "acknowledge" | "mine" | "change";
const presetTitles: Record<Preset, string> = { escalate: "Escalate", acknowledge: "Acknowledge", mine: "Assign to me", change: "Change" };

export function BulkDialog({ incidents, preset, me, busy, close, run }: {
  incidents: Incident[]; preset: Preset; me: string; busy: boolean; close: () => void; run: (plan: { incident: Incident; change: IncidentChange }[]) => void;
}) {
  const [state, setState] = useState<string>(preset === "acknowledge" ? "acknowledged" : "");
  const [setsOwner, setSetsOwner] = useState(preset === "mine" || preset === "acknowledge");
  const [owner, setOwner] = useState(preset === "mine" || preset === "acknowledge" ? me : "");
  const [priority, setPriority] = useState<string>(preset === "escalate" ? "up" : "");
  const [tags, setTags] = useState<string[]>([]);
  const plan = incidents.map((incident) => {
    const change: IncidentChange = {};
    // Whoever has begun already is not put back.
    if (state && !(preset === "acknowledge" && incident.state !== "new")) change.state = state as IncidentState;
    if (setsOwner && !(preset === "acknowledge" && incident.owner)) change.owner = owner;
    if (priority) change.priority = priority === "up" ? raised(incident.priority) : (priority as Priority);
    if (tags.length > 0) change.tags = [...new Set([...incident.tags, ...tags])];
    return { incident, change, text: differences(incident, change) };
  });
  const todo = plan.filter((item) => item.text.length > 0);
  return (
    <Dialog opened onClose={close} title={`${presetTitles[preset]}: ${incidents.length} incident${incidents.length === 1 ? "" : "s"}`}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); run(todo); }}>
        <div className="form-grid">
          <Select size="xs" label="State" value={state} allowDeselect={false} data={[{ value: "", label: "as it is" }, ...Object.entries(stateNames).filter(([value]) => value !== "closed").map(([value, label]) => ({ value, label }))]} onChange={(value) => setState(value ?? "")} />
          <Select size="xs" label="Priority" value={priority} allowDeselect={false} data={[{ value: "", label: "as it is" }, { value: "up", label: "one step up" }, ...priorities.map((value) => ({ value, label: priorityNames[value] }))]} onChange={(value) => setPriority(value ?? "")} />
          <Select size="xs" label="Owner" value={setsOwner ? (owner === me ? "me" : owner ? "other" : "nobody") : ""} allowDeselect={false}
                  data={[{ value: "", label: "as it is" }, { value: "me", label: "me" }, { value: "nobody", label: "nobody" }, { value: "other", label: "somebody else" }]}
                  onChange={(value) => { setSetsOwner(value !== ""); setOwner(value === "me" ? me : value === "other" ? " " : ""); }} />
          {setsOwner && owner !== me && owner !== "" && <TextInput size="xs" label="Name of the owner" value={owner.trim()} onChange={(event) => setOwner(event.currentTarget.value || " ")} />}
          <TagsInput size="xs" label="Add tags" value={tags} onChange={setTags} />
        </div>
        <p className="small-head" role="status">{todo.length === 0 ? "Nothing would change" : `${formatCount(todo.length)} of ${formatCount(incidents.length)} would change`}</p>
        <div className="table-wrap preview" tabIndex={0} role="region" aria-label="What would change">
          <table className="table"><thead><tr><th>Incident</th><th>Change</th></tr></thead>
            <tbody>{plan.slice(0, kShownRows).map(({ incident, text }) => <tr key={incident.number}><td><b>{incident.id}</b> {incident.title}</td><td>{text.length > 0 ? text.join(", ") : <span className="muted">stays</span>}</td></tr>)}</tbody></table>
          {plan.length > kShownRows && <p className="muted">The first {kShownRows} of {formatCount(plan.length)} are shown; all are counted.</p>}
        </div>
        <div className="row"><div className="grow" /><Button variant="default" onClick={close}>Keep</Button><Button type="submit" loading={busy} disabled={todo.length === 0 || (owner === " " && setsOwner)}>Change {formatCount(todo.length)}</Button></div>
      </form>
    </Dialog>
  );
}

export function FailedOnes({ failed, close }: { failed: Failure[]; close: () => void }) {
  return (
    <Dialog opened onClose={close} title={`${failed.length} incident${failed.length === 1 ? "" : "s"} could not be changed`}>
      <div className="stack"><Notice>The others were changed. These were left as they are.</Notice>
        <div className="table-wrap preview" tabIndex={0} role="region" aria-label="Incidents that were not changed"><table className="table"><thead><tr><th>Incident</th><th>Why</th></tr></thead><tbody>{failed.map((item) => <tr key={item.number}><td>INC-{item.number}</td><td>{item.problem}</td></tr>)}</tbody></table></div>
        <div className="row"><div className="grow" /><Button onClick={close}>Good</Button></div></div>
    </Dialog>
  );
}
