// Tasks, comments and the activity of one incident.
import { Button, Checkbox, Select, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { IncidentComment, IncidentDetail, IncidentHistory, IncidentTask } from "../api/types";
import { formatAgo, formatTime } from "../lib/format";
import { AllowedButton } from "../ui/allowed";
import { Confirm } from "../ui/confirm";
import { Loaded } from "../ui/states";
import type { Change } from "./head";
import { phaseNames } from "./names";
import { readTime } from "./time_text";

interface Props { incident: IncidentDetail; busy: boolean; change: Change }

export function TasksTab({ incident, busy, change }: Props) {
  const { may } = useSession();
  const path = `/incidents/${incident.number}/tasks`;
  const query = useQuery({ queryKey: ["incident", incident.number, "tasks"], queryFn: ({ signal }) => api.get<{ items: IncidentTask[] }>(path, undefined, signal) });
  const empty = { title: "", phase: "investigate", assignee: "", due: "" };
  const [form, setForm] = useState(empty);
  const due = form.due.trim() ? readTime(form.due) : null;
  const add = () => { void change("The task", "The task is there", () => api.post(path, { title: form.title.trim(), phase: form.phase, ...(form.assignee.trim() ? { assignee: form.assignee.trim() } : {}), ...(due ? { due } : {}) })).then((done) => { if (done) setForm({ ...empty, phase: form.phase }); }); };
  return (
    <Loaded query={query} what="Tasks">
      {({ items }) => (
        <div className="stack" style={{ flex: "none", maxWidth: 900 }}>
          <p className="muted" role="status">{items.length === 0 ? "No task yet." : `${items.filter((task) => task.done).length} of ${items.length} done`}</p>
          {Object.entries(phaseNames).map(([phase, name]) => {
            const tasks = items.filter((task) => task.phase === phase || (phase === "investigate" && !(task.phase in phaseNames))).sort((a, b) => a.position - b.position);
            if (tasks.length === 0) return null;
            return (
              <section key={phase} className="card" aria-label={name}><h2>{name}</h2>
                <div className="stack" style={{ gap: 7, marginTop: 8 }}>{tasks.map((task) => (
                  <div key={task.id} className="row wrap">
                    <Checkbox size="xs" checked={task.done} disabled={busy || !may("findings.write")} label={<span className={task.done ? "task-done" : ""}>{task.title}</span>} onChange={(event) => { const done = event.currentTarget.checked; void change("The task", "", () => api.patch(`${path}/${task.id}`, { done })); }} />
                    {task.assignee && <span className="chip">{task.assignee}</span>}
                    {task.due && !task.done && <span className={new Date(task.due).getTime() < Date.now() ? "bad" : "muted"}>due {formatTime(task.due)}{new Date(task.due).getTime() < Date.now() && ", late"}</span>}
                    {task.done && <span className="muted">by {task.done_by}, {formatAgo(task.done_at)}</span>}
                  </div>
                ))}</div></section>
            );
          })}
          <form className="row wrap" style={{ alignItems: "flex-end" }} onSubmit={(event) => { event.preventDefault(); add(); }} aria-label="New task">
            <TextInput size="xs" w={280} label="New task" value={form.title} onChange={(event) => setForm({ ...form, title: event.currentTarget.value })} />
            <Select size="xs" w={130} label="Phase" allowDeselect={false} value={form.phase} data={Object.entries(phaseNames).map(([value, label]) => ({ value, label }))} onChange={(phase) => setForm({ ...form, phase: phase ?? "investigate" })} />
            <TextInput size="xs" w={120} label="For whom" value={form.assignee} onChange={(event) => setForm({ ...form, assignee: event.currentTarget.value })} />
            <TextInput size="xs" w={150} label="Due" placeholder="2026-11-24 10:00" value={form.due} onChange={(event) => setForm({ ...form, due: event.currentTarget.value })} error={due === undefined} />
            <AllowedButton right="findings.write" size="xs" type="submit" loading={busy} also={form.title.trim() && due !== undefined ? undefined : "Write what is to be done"} onClick={() => undefined}>Add</AllowedButton>
          </form>
        </div>
      )}
    </Loaded>
  );
}

export function CommentsTab({ incident, busy, change }: Props) {
  const path = `/incidents/${incident.number}/comments`;
  const query = useQuery({ queryKey: ["incident", incident.number, "comments"], queryFn: ({ signal }) => api.get<{ items: IncidentComment[] }>(path, undefined, signal) });
  const [text, setText] = useState("");
  const add = () => { void change("The comment", "", () => api.post(path, { text: text.trim() })).then((done) => { if (done) setText(""); }); };
  return (
    <Loaded query={query} what="Comments">
      {({ items }) => (
        <div className="stack" style={{ flex: "none", maxWidth: 900 }}>
          {items.length === 0 && <p className="muted">Nobody has written anything yet.</p>}
          {items.map((comment) => (
            <article key={comment.id} className="comment" aria-label={`Comment of ${comment.author}`}><div className="muted"><b>{comment.author}</b> <span title={formatTime(comment.at)}>{formatTime(comment.at)}</span></div><div className="comment-text">{comment.text}</div></article>
          ))}
          <form className="stack" style={{ gap: 8 }} onSubmit={(event) => { event.preventDefault(); add(); }}>
            <Textarea label="Your comment" rows={4} value={text} onChange={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && text.trim()) add(); }} />
            <div className="row"><AllowedButton right="findings.write" size="xs" type="submit" loading={busy} also={text.trim() ? undefined : "Write something first"} onClick={() => undefined}>Comment</AllowedButton><span className="muted">Ctrl+Enter</span></div>
          </form>
        </div>
      )}
    </Loaded>
  );
}

const actionNames: Record<string, string> = {
  opened: "Opened", joined: "Joined", merged: "Merged", split: "Split", moved: "Moved", state: "State", assigned: "Assigned", closed: "Closed", reopened: "Reopened", comment: "Comment", task: "Task", score: "Score",
  title: "Title", priority: "Priority", tags: "Tags", marking: "Marking", annotated: "Note", linked: "Linked", automatic: "Automatic", reverted: "Taken back", evidence: "Evidence",
};

export function ActivityTab({ incident, busy, change }: Props) {
  const [reverting, setReverting] = useState<IncidentHistory | null>(null);
  const [only, setOnly] = useState("");
  const query = useQuery({ queryKey: ["incident", incident.number, "history"], queryFn: ({ signal }) => api.get<{ items: IncidentHistory[] }>(`/incidents/${incident.number}/history`, undefined, signal) });
  return (
    <Loaded query={query} what="The activity">
      {({ items }) => {
        const people = (entry: IncidentHistory) => entry.actor !== "engine" && !entry.actor.startsWith("rule:");
        const shown = items.filter((entry) => (only === "people" ? people(entry) : only === "engine" ? !people(entry) : true)).sort((a, b) => b.at.localeCompare(a.at));
        return (
          <div className="stack" style={{ flex: "none" }}>
            <div className="row"><div className="chips" role="group" aria-label="Whose">{[["", "All"], ["people", "People"], ["engine", "Engine"]].map(([value, name]) => <Button key={value} size="compact-xs" variant={only === value ? "light" : "default"} aria-pressed={only === value} onClick={() => setOnly(value ?? "")}>{name}</Button>)}</div><span className="muted">{shown.length} entries, the newest first; nothing is ever removed</span></div>
            <div className="card table-wrap"><table className="table"><thead><tr><th>Time</th><th>Who</th><th>What</th><th>In words</th></tr></thead>
              <tbody>{shown.map((entry, i) => <tr key={i}><td style={{ whiteSpace: "nowrap" }}>{formatTime(entry.at)}</td><td>{entry.actor}</td><td>{actionNames[entry.action] ?? entry.action}</td><td><span className="row wrap">{entry.text}{entry.revertable && entry.sequence !== undefined && <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={() => setReverting(entry)}>Take back …</AllowedButton>}</span></td></tr>)}</tbody></table></div>
            <Confirm opened={reverting !== null} title="Take this decision back?" action="Take it back" busy={busy} close={() => setReverting(null)} run={() => { void change("Taking it back", "It is taken back", () => api.post(`/incidents/${incident.number}/history/${reverting?.sequence ?? 0}/revert`)).then((done) => { if (done) setReverting(null); }); }}>
              <p>{reverting?.text}</p><p className="muted">What it changed is as before. The decision and this stay in the activity.</p>
            </Confirm>
          </div>
        );
      }}
    </Loaded>
  );
}
