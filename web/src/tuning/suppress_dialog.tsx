// Silences what one finding is an example of: drafted from it, edited, shown on the past, then saved with a reason and an end.
import { Button, Checkbox, Select, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { Suppression, SuppressionDraft, SuppressionField, SuppressionOp } from "../api/types";
import { useChange } from "../lib/invalidate";
import { AllowedButton } from "../ui/allowed";
import { Code } from "../ui/code";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { Loaded } from "../ui/states";
import { dayOf, endOfDay, opNames } from "./names";
import { PreviewPart, useSuppressionPreview } from "./preview";

const spans = ["7", "30", "90"];
const kMaxLifeDays = 366;
const kDayMs = 86_400_000;

export default function SuppressDialog({ finding, reason = "", close }: { finding: string; reason?: string; close: () => void }) {
  const query = useQuery({ queryKey: ["suppression-draft", finding], retry: false, gcTime: 0, queryFn: ({ signal }) => api.post<SuppressionDraft>("/suppressions/draft", { finding }, signal) });
  return (
    <Dialog opened onClose={close} title="Suppress findings like this one" size="xl" closeOnClickOutside={false}>
      <Loaded query={query} what="A draft">{(draft) => <Form draft={draft} reason={reason} close={close} />}</Loaded>
    </Dialog>
  );
}

type Row = SuppressionDraft["fields"][number];

function Form({ draft, reason: given, close }: { draft: SuppressionDraft; reason: string; close: () => void }) {
  const { tenants } = useSession();
  const { busy, change } = useChange(["suppressions", "findings"]);
  const [rows, setRows] = useState<Row[]>(draft.fields);
  const [title, setTitle] = useState(draft.title);
  const [reason, setReason] = useState(given);
  const [day, setDay] = useState(dayOf(draft.expires_at));
  const [days, setDays] = useState("30");
  const [tenant, setTenant] = useState(draft.tenant ?? "");
  const [accepted, setAccepted] = useState(false);
  const put = (index: number, more: Partial<Row>) => setRows(rows.map((row, i) => (i === index ? { ...row, ...more } : row)));
  const fields: SuppressionField[] = rows.filter((row) => row.chosen && row.value !== "").map(({ field, op, value }) => ({ field, op, value }));
  const edited = JSON.stringify(rows) !== JSON.stringify(draft.fields);
  const preview = useSuppressionPreview({ tenant, rule_id: draft.rule_id, fields, days: Number(days) });
  const risky = fields.length > 0 && ((preview.data?.silenced.true_positive ?? 0) > 0 || preview.data?.silences_anything === true);
  const end = endOfDay(day), endTime = new Date(end).getTime();
  const endProblem = Number.isNaN(endTime) ? "Choose a day" : endTime < Date.now() ? "That day is over" : endTime > Date.now() + kMaxLifeDays * kDayMs ? "At most a year ahead" : "";
  const missing = fields.length === 0 ? "Choose at least one field" : !reason.trim() ? "Say why" : endProblem || (risky && !accepted ? "Say that you accept what it hides" : undefined);
  const save = () => {
    if (missing) return;
    void change("The suppression", `"${title}" is in force`, () => api.post<Suppression>("/suppressions", { ...(tenant ? { tenant } : {}), rule_id: draft.rule_id, title: title.trim(), fields, reason: reason.trim(), expires_at: end, ...(preview.data?.silences_anything ? { silence_all: true } : {}) })).then((done) => { if (done) close(); });
  };
  return (
    <form className="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
      <p>Rule <b>{draft.rule_title}</b>{draft.tenant && tenants.length > 1 ? <>, tenant <b>{draft.tenant}</b></> : null}. Findings that fit all chosen lines are not made any more.</p>
      <div className="table-wrap" tabIndex={0} role="region" aria-label="Fields to fit"><table className="table">
        <thead><tr><th><span className="visually-hidden">Chosen</span></th><th>Field</th><th style={{ width: 150 }}>Compare</th><th>Value</th></tr></thead>
        <tbody>{rows.map((row, i) => (
          <tr key={`${row.field} ${i}`}>
            <td><input type="checkbox" className="mark-box" checked={row.chosen} aria-label={`Fit ${row.field}`} onChange={() => put(i, { chosen: !row.chosen })} /></td>
            <td><span className="mono">{row.field}</span>{row.why && <div className="muted">{row.why}</div>}</td>
            <td><Select size="xs" aria-label={`Compare ${row.field}`} allowDeselect={false} disabled={!row.chosen} value={row.op} data={Object.entries(opNames).map(([value, label]) => ({ value, label }))} onChange={(op) => put(i, { op: (op ?? "equals") as SuppressionOp })} /></td>
            <td><TextInput size="xs" aria-label={`Value of ${row.field}`} disabled={!row.chosen} classNames={{ input: "mono" }} value={row.value} onChange={(event) => put(i, { value: event.currentTarget.value })} error={row.chosen && row.value === "" ? "Empty: not used" : undefined} /></td>
          </tr>
        ))}</tbody></table></div>
      {!edited && draft.yaml && <details><summary>As a Sigma filter</summary><Code text={draft.yaml} label="Sigma filter" /></details>}
      <section className="card stack" style={{ gap: 8 }} aria-label="What it would have silenced">
        <div className="row"><h2>What it would have silenced</h2><div className="grow" /><Select size="xs" w={130} aria-label="Days to look back" allowDeselect={false} value={days} data={spans.map((value) => ({ value, label: `last ${value} days` }))} onChange={(value) => setDays(value ?? "30")} /></div>
        <PreviewPart query={preview} fields={fields.length} days={Number(days)} />
      </section>
      <div className="form-grid">
        <TextInput label="Title" value={title} maxLength={200} onChange={(event) => setTitle(event.currentTarget.value)} required />
        <TextInput label="Ends after" type="date" value={day} onChange={(event) => setDay(event.currentTarget.value)} error={endProblem || undefined} required />
      </div>
      <Textarea label="Reason" description="For whoever finds something missing" rows={2} required value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      {draft.tenant && tenants.length > 1 && <Checkbox size="xs" label={`Only for the tenant ${draft.tenant}`} checked={tenant !== ""} onChange={(event) => setTenant(event.currentTarget.checked ? draft.tenant ?? "" : "")} />}
      {risky && <Checkbox size="xs" label="I accept that it hides what was real" checked={accepted} onChange={(event) => setAccepted(event.currentTarget.checked)} />}
      <div className="row"><Icon name="clock" size={13} /><span className="muted">It ends by itself, can be switched off at any time, and counts what it silences.</span><div className="grow" /><Button variant="default" onClick={close}>Keep them</Button><AllowedButton right="findings.write" type="submit" loading={busy} also={missing} onClick={() => undefined}>Suppress</AllowedButton></div>
    </form>
  );
}
