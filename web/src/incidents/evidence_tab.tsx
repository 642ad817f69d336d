// Files of evidence: taken by choosing or dropping them, each with its hash and who had it when. They are never shown here.
import { ActionIcon, Button, TextInput } from "@mantine/core";
import { useState, type DragEvent } from "react";
import { api, withQuery } from "../api/client";
import { useSession } from "../api/session";
import type { Custody, Evidence, IncidentDetail } from "../api/types";
import { saveFile } from "../lib/download";
import { formatBytes, formatTime } from "../lib/format";
import { useOptional } from "../lib/optional";
import { AllowedButton } from "../ui/allowed";
import { Icon } from "../ui/icons";
import { Empty, Loaded, Notice } from "../ui/states";
import { copyText, say } from "../ui/toast";
import type { Change } from "./head";

const kMaxBytes = 32 * 1024 * 1024;
const kMaxFiles = 20;
const actionNames: Record<string, string> = { added: "Added", read: "Downloaded", verified: "Verified", exported: "Handed over" };

export function EvidenceTab({ incident, busy, change }: { incident: IncidentDetail; busy: boolean; change: Change }) {
  const path = `/incidents/${incident.number}/evidence`;
  const query = useOptional<{ items: Evidence[] }>(["incident", incident.number, "evidence"], path);
  const [open, setOpen] = useState<number | null>(null);
  return (
    <Loaded query={query} what="Evidence">
      {(data) => data === null ? <Empty title="This server keeps no evidence">A newer one is needed for it.</Empty> : (
        <div className="stack" style={{ flex: "none", maxWidth: 1200 }}>
          <Taker path={path} busy={busy} change={change} />
          {data.items.length === 0 ? <p className="muted">No file yet.</p> : (
            <div className="card table-wrap" tabIndex={0} role="region" aria-label="Files of evidence"><table className="table"><thead><tr><th>Name</th><th className="num">Size</th><th>SHA-256</th><th>Note</th><th>Added</th><th><span className="visually-hidden">Do</span></th></tr></thead>
              <tbody>{data.items.map((item) => (
                <Row key={item.id} item={item} path={path} open={open === item.id} toggle={() => setOpen(open === item.id ? null : item.id)} busy={busy} change={change} />
              ))}</tbody></table></div>
          )}
        </div>
      )}
    </Loaded>
  );
}

function Taker({ path, busy, change }: { path: string; busy: boolean; change: Change }) {
  const { may } = useSession();
  const [over, setOver] = useState(false);
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState("");
  const [doing, setDoing] = useState("");
  const mayWrite = may("findings.write");
  const take = async (files: File[]) => {
    if (!mayWrite || files.length === 0) return;
    const bad = files.find((file) => file.size === 0 || file.size > kMaxBytes);
    setProblem(files.length > kMaxFiles ? `At most ${kMaxFiles} files at once.` : bad ? `"${bad.name}" is ${bad.size === 0 ? "empty" : "larger than 32 MB"}: nothing was taken.` : "");
    if (bad || files.length > kMaxFiles) return;
    const done = await change("The upload", "", async () => {
      for (const file of files) {
        setDoing(file.name);
        const kept = await api.upload<Evidence>(withQuery(path, { name: file.name, note: note.trim() }), file, file.type || "application/octet-stream");
        say(`${kept.name} is kept, SHA-256 ${kept.sha256.slice(0, 12)}…`);
      }
    });
    setDoing("");
    if (done) setNote("");
  };
  const drop = (event: DragEvent) => { event.preventDefault(); setOver(false); void take([...event.dataTransfer.files]); };
  return (
    <section aria-label="Add evidence" className={over ? "drop drop-over" : "drop"} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <label className="stack" style={{ gap: 4 }}><span>Choose files, or drop them here</span><input type="file" multiple disabled={busy || !mayWrite} title={mayWrite ? undefined : 'Needs the right "findings.write", which your role does not have'} onChange={(event) => { const input = event.currentTarget; void take([...(input.files ?? [])]).then(() => { input.value = ""; }); }} /></label>
      <TextInput size="xs" w={300} label="Note" description="Where it comes from; goes with the files chosen next" value={note} disabled={!mayWrite} onChange={(event) => setNote(event.currentTarget.value)} />
      <span className="muted">At most 32 MB each. Hashed on arrival; nothing is changed or removed after that.</span>
      {doing && <span role="status">Sending {doing} …</span>}
      {problem && <Notice kind="error">{problem}</Notice>}
    </section>
  );
}

function Row({ item, path, open, toggle, busy, change }: { item: Evidence; path: string; open: boolean; toggle: () => void; busy: boolean; change: Change }) {
  const download = () => { void change("The download", `${item.name}: the download is in its custody`, async () => saveFile(await api.file(`${path}/${item.id}`), item.name)); };
  return (
    <>
      <tr className={open ? "chosen" : ""}><td style={{ overflowWrap: "anywhere" }}><b>{item.name}</b><div className="muted">{item.media_type}</div></td><td className="num">{formatBytes(item.size)}</td>
        <td><span className="row" style={{ gap: 4 }}><span className="hash">{item.sha256}</span><ActionIcon variant="subtle" color="gray" size="sm" className="icon-button" aria-label={`Copy the hash of ${item.name}`} onClick={() => { void copyText(item.sha256, "Hash copied"); }}><Icon name="copy" size={12} /></ActionIcon></span></td>
        <td>{item.note}</td><td>{formatTime(item.at)} <span className="muted">by {item.added_by}</span></td>
        <td><span className="row" style={{ gap: 4 }}><AllowedButton right="findings.read" size="compact-xs" variant="default" loading={busy} onClick={download}>Download</AllowedButton><Button size="compact-xs" variant="default" aria-expanded={open} onClick={toggle}>Custody</Button></span></td></tr>
      {open && <tr><td colSpan={6}><Chain path={`${path}/${item.id}/custody`} item={item} /></td></tr>}
    </>
  );
}

function Chain({ path, item }: { path: string; item: Evidence }) {
  const query = useOptional<{ items: Custody[] }>(["incident", path], path);
  return (
    <Loaded query={query} what="The custody">
      {(data) => (
        <table className="table"><caption className="visually-hidden">Custody of {item.name}</caption><thead><tr><th>Time</th><th>Who</th><th>What</th><th>SHA-256</th><th>In words</th></tr></thead>
          <tbody>{(data?.items ?? []).map((entry, i) => <tr key={i}><td style={{ whiteSpace: "nowrap" }}>{formatTime(entry.at)}</td><td>{entry.actor}</td><td>{actionNames[entry.action] ?? entry.action}</td><td>{!entry.sha256 || entry.sha256 === item.sha256 ? <span className="good"><Icon name="ok" size={12} /> as added</span> : <span className="bad"><Icon name="warning" size={12} /> another: {entry.sha256.slice(0, 16)}…</span>}</td><td>{entry.text}</td></tr>)}</tbody></table>
      )}
    </Loaded>
  );
}
