// The head of one incident: what it is, how urgent, how far the work is, whose it is, how it may be shared.
import { ActionIcon, Button, Menu, Select, TagsInput, TextInput, Tooltip } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import { incidentStates, levelOf, type IncidentDetail, type IncidentState, type Priority } from "../api/types";
import { saveFile } from "../lib/download";
import { formatAgo, formatTime } from "../lib/format";
import { AllowedButton } from "../ui/allowed";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { Severity } from "../ui/severity";
import { copyText } from "../ui/toast";
import { MergedNotice } from "./columns";
import { paps, priorities, priorityNames, stateNames, tlps, verdictNames } from "./names";
import { ScoreBadge } from "./score";
import { SlaChips } from "./sla";

export interface Edit { title?: string; owner?: string; priority?: Priority; tlp?: string; pap?: string; tags?: string[]; state?: IncidentState }
export type Change = (what: string, done: string, action: () => Promise<unknown>) => Promise<boolean>;
interface Props { incident: IncidentDetail; query: string; busy: boolean; change: Change; ask: (what: "close" | "merge" | "reopen") => void }

export function Head({ incident, query, busy, change, ask }: Props) {
  const { user, may } = useSession();
  const mayWrite = may("findings.write");
  const [renaming, setRenaming] = useState(false);
  const [tagging, setTagging] = useState(false);
  const edit = (what: string, done: string, body: Edit) => change(what, done, () => api.patch(`/incidents/${incident.number}`, { ...body, version: incident.version }));
  const watching = incident.watchers.includes(user.name);
  const closed = incident.state === "closed";
  const exportPath = (format: string) => `/api/v1/incidents/${incident.number}/export?format=${format}`;
  return (
    <div className="incident-head">
      <div className="incident-title">
        <Link to={`/incidents${query}`} aria-label="Back to the incidents"><Icon name="back" /></Link>
        <ScoreBadge number={incident.number} score={incident.score} parts={incident.score_parts} />
        <h1><span className="muted">{incident.id}</span> {incident.title}</h1>
        <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={() => setRenaming(true)}>Rename</AllowedButton>
        <div className="grow" />
        <Button size="compact-xs" variant={watching ? "light" : "default"} aria-pressed={watching} loading={busy} onClick={() => { void change("Watching", watching ? "You do not watch it any more" : "You watch it now", () => (watching ? api.delete(`/incidents/${incident.number}/watch`) : api.put(`/incidents/${incident.number}/watch`, {}))); }}>{watching ? "Watching" : "Watch"}</Button>
        <Menu position="bottom-end">
          <Menu.Target><Button size="compact-xs" variant="default" rightSection={<Icon name="down" size={9} />}>Export and report</Button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component="a" href={exportPath("csv")} download>Findings as CSV</Menu.Item><Menu.Item component="a" href={exportPath("json")} download>Timeline as JSON lines (Timesketch)</Menu.Item><Menu.Item component="a" href={exportPath("stix")} download>STIX 2.1</Menu.Item>
            <Menu.Divider /><Menu.Label>Report for people</Menu.Label>
            {(["html", "pdf"] as const).map((format) => <Menu.Item key={format} onClick={() => { void change("The report", "", async () => saveFile(await api.file(`/incidents/${incident.number}/report`, { format }), `${incident.id}.${format}`)); }}>Report as {format.toUpperCase()}</Menu.Item>)}
          </Menu.Dropdown>
        </Menu>
        <AllowedButton right="findings.write" size="compact-xs" variant="default" onClick={() => ask("merge")}>Merge …</AllowedButton>
        {closed ? <AllowedButton right="findings.write" size="compact-xs" onClick={() => ask("reopen")}>Reopen …</AllowedButton>
          : <AllowedButton right="findings.write" size="compact-xs" onClick={() => ask("close")}>Close …</AllowedButton>}
        <Tooltip label="Copy the link"><ActionIcon variant="subtle" color="gray" className="icon-button" aria-label="Copy link" onClick={() => { void copyText(window.location.href, "Link copied"); }}><Icon name="copy" /></ActionIcon></Tooltip>
      </div>
      {incident.merged_into && <MergedNotice into={incident.merged_into} query={query} />}
      <Steps incident={incident} may={mayWrite} busy={busy} to={(state) => { if (state === "closed") ask("close"); else if (closed) ask("reopen"); else void edit("Changing the state", `${incident.id} is ${stateNames[state].toLowerCase()}`, { state }); }} />
      <div className="incident-facts">
        <div className="fact"><span>Severity</span><Severity level={levelOf(incident.severity_id)} /></div>
        <Select size="xs" w={78} label="Priority" disabled={!mayWrite} allowDeselect={false} value={incident.priority} data={priorities.map((value) => ({ value, label: priorityNames[value] }))} onChange={(value) => { if (value && value !== incident.priority) void edit("The priority", `${incident.id} is ${value.toUpperCase()} now`, { priority: value as Priority }); }} />
        <Owner incident={incident} may={mayWrite} save={(owner) => { void edit("Assigning", owner ? `${incident.id} belongs to ${owner}` : `${incident.id} belongs to nobody`, { owner }); }} me={user.name} />
        <Select size="xs" w={122} label="TLP" disabled={!mayWrite} allowDeselect={false} value={incident.tlp} data={tlps.map((value) => ({ value, label: value.toUpperCase() }))} onChange={(value) => { if (value && value !== incident.tlp) void edit("The marking", `TLP:${value.toUpperCase()}`, { tlp: value }); }} />
        <Select size="xs" w={98} label="PAP" disabled={!mayWrite} allowDeselect={false} value={incident.pap} data={paps.map((value) => ({ value, label: value.toUpperCase() }))} onChange={(value) => { if (value && value !== incident.pap) void edit("The marking", `PAP:${value.toUpperCase()}`, { pap: value }); }} />
        <div className="fact"><span>Tags</span><span className="row" style={{ gap: 4 }}>{incident.tags.map((tag) => <span key={tag} className="chip">{tag}</span>)}<AllowedButton right="findings.write" size="compact-xs" variant="subtle" onClick={() => setTagging(true)}>{incident.tags.length > 0 ? "Change" : "Add"}</AllowedButton></span></div>
        <div className="fact"><span>Tenant, site</span><span>{incident.tenant}{incident.site && `, ${incident.site}`}</span></div>
        <div className="fact"><span>Opened</span><span title={formatTime(incident.created_at)}>{formatAgo(incident.created_at)} by {incident.opened_by || "engine"}</span></div>
        <SlaChips number={incident.number} />
        {closed && <div className="fact"><span>Closed as</span><span><b>{incident.verdict ? verdictNames[incident.verdict] : "without a verdict"}</b>{incident.cause && `: ${incident.cause}`}</span></div>}
      </div>
      {renaming && <Rename title={incident.title} busy={busy} close={() => setRenaming(false)} save={(title) => { void edit("Renaming", "Renamed", { title }).then((done) => { if (done) setRenaming(false); }); }} />}
      {tagging && <Tags tags={incident.tags} busy={busy} close={() => setTagging(false)} save={(tags) => { void edit("Tags", "Tags changed", { tags }).then((done) => { if (done) setTagging(false); }); }} />}
    </div>
  );
}

function Steps({ incident, may, busy, to }: { incident: IncidentDetail; may: boolean; busy: boolean; to: (state: IncidentState) => void }) {
  const now = incidentStates.indexOf(incident.state);
  return (
    <ol className="steps" aria-label="State of the work">
      {incidentStates.map((state, i) => (
        <li key={state}>
          <button className={`step${i < now ? " step-past" : ""}`} aria-current={i === now ? "step" : undefined} disabled={busy || !may || i === now || incident.merged_into !== null}
                  title={!may ? 'Needs the right "findings.write", which your role does not have' : i === now ? "It is here" : `Set to ${stateNames[state].toLowerCase()}`} onClick={() => to(state)}>
            {i < now && <Icon name="check" size={11} />}{stateNames[state]}
          </button>
        </li>
      ))}
    </ol>
  );
}

function Owner({ incident, may, me, save }: { incident: IncidentDetail; may: boolean; me: string; save: (owner: string) => void }) {
  const [own, setOwn] = useState<string | null>(null);
  const shown = own ?? incident.owner;
  const finish = () => { if (own !== null && own.trim() !== incident.owner) save(own.trim()); setOwn(null); };
  return (
    <div className="row" style={{ gap: 4, alignItems: "flex-end" }}>
      <TextInput size="xs" w={120} label="Owner" placeholder="nobody" readOnly={!may} value={shown} onChange={(event) => setOwn(event.currentTarget.value)} onBlur={finish} onKeyDown={(event) => { if (event.key === "Enter") event.currentTarget.blur(); if (event.key === "Escape") setOwn(null); }} />
      {incident.owner !== me && <AllowedButton right="findings.write" size="xs" variant="default" onClick={() => save(me)}>To me</AllowedButton>}
    </div>
  );
}

function Rename({ title, busy, close, save }: { title: string; busy: boolean; close: () => void; save: (title: string) => void }) {
  const [text, setText] = useState(title);
  return <Dialog opened onClose={close} title="Rename the incident"><form className="stack" onSubmit={(event) => { event.preventDefault(); save(text.trim()); }}><TextInput label="Title" maxLength={512} value={text} onChange={(event) => setText(event.currentTarget.value)} data-autofocus /><Button type="submit" loading={busy} disabled={!text.trim() || text.trim() === title}>Rename</Button></form></Dialog>;
}
function Tags({ tags, busy, close, save }: { tags: string[]; busy: boolean; close: () => void; save: (tags: string[]) => void }) {
  const [list, setList] = useState(tags);
  return <Dialog opened onClose={close} title="Tags"><form className="stack" onSubmit={(event) => { event.preventDefault(); save(list); }}><TagsInput label="Tags" description="Enter after each" value={list} onChange={setList} data-autofocus /><Button type="submit" loading={busy}>Save</Button></form></Dialog>;
}
