// Closing asks what it was, and why: from that the precision of rules is learned.
import { Button, Checkbox, Radio, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Verdict } from "../api/types";
import { Dialog } from "../ui/dialog";
import { numberOf, verdictHelp, verdictNames } from "./names";

export interface Closing { verdict: Verdict; cause: string; duplicate_of?: number }

export function CloseDialog({ title, count, busy, close, run }: { title: string; count: number; busy: boolean; close: () => void; run: (closing: Closing, thenSuppress: boolean) => void }) {
  const [verdict, setVerdict] = useState<Verdict>("");
  const [cause, setCause] = useState("");
  const [duplicate, setDuplicate] = useState("");
  const [suppress, setSuppress] = useState(false);
  const maySuppress = count === 1 && (verdict === "benign" || verdict === "false_positive");
  const needsOther = verdict === "duplicate";
  const ready = verdict !== "" && cause.trim() !== "" && (!needsOther || numberOf(duplicate) > 0);
  return (
    <Dialog opened onClose={close} title={title}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); if (ready) run({ verdict, cause: cause.trim(), ...(needsOther ? { duplicate_of: numberOf(duplicate) } : {}) }, maySuppress && suppress); }}>
        <Radio.Group label="What was it?" value={verdict} onChange={(value) => setVerdict(value as Verdict)} withAsterisk>
          <div className="stack" style={{ gap: 7, marginTop: 6 }}>
            {Object.entries(verdictNames).map(([value, name]) => <Radio key={value} size="xs" value={value} label={name} description={verdictHelp[value as keyof typeof verdictHelp]} />)}
          </div>
        </Radio.Group>
        {needsOther && <TextInput label="Duplicate of" placeholder="INC-17" value={duplicate} onChange={(event) => setDuplicate(event.currentTarget.value)} required />}
        <Textarea label="Cause" description="One or two sentences for whoever meets the same again" value={cause} onChange={(event) => setCause(event.currentTarget.value)} minRows={2} autosize={false} required />
        {maySuppress && <Checkbox size="xs" label="Then suppress what made it" description="Shown on the past first; saved only with a reason and an end" checked={suppress} onChange={(event) => setSuppress(event.currentTarget.checked)} />}
        <p className="muted">{count === 1 ? "The rules of this incident learn from it." : `All ${count} incidents are closed like this, and their rules learn from it.`} {suppress && maySuppress ? "" : "Nothing is silenced by that."}</p>
        <div className="row"><div className="grow" /><Button variant="default" onClick={close}>Keep open</Button><Button type="submit" loading={busy} disabled={!ready}>Close {count === 1 ? "the incident" : `${count} incidents`}</Button></div>
      </form>
    </Dialog>
  );
}
