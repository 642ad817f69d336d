// Changing what is said of an asset, and taking many from a file.
import { Button, Select, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { api } from "../api/client";
import type { Asset } from "../api/types";
import { kindNames } from "../incidents/names";
import { useChange } from "../lib/invalidate";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/states";
import { say } from "../ui/toast";

export const kAssetRight = "settings.write";
export const criticalityNames: Record<number, string> = { 1: "1, least", 2: "2", 3: "3, usual", 4: "4", 5: "5, most" };
export const zones = ["", "office", "server", "dmz", "ot", "cloud"], exposures = ["", "internet", "internal"];
const kMaxImportBytes = 4 * 1024 * 1024;
const optional = (values: string[]) => values.map((value) => ({ value, label: value || "not said" }));

export function AssetDialog({ asset, tenant, close }: { asset: Asset | null; tenant: string; close: () => void }) {
  const { busy, change } = useChange(["assets", "entity", "incident"]);
  const [form, setForm] = useState({
    kind: asset?.kind ?? "host", key: asset?.key ?? "", label: asset?.label ?? "", criticality: String(asset?.criticality ?? 3), owner: asset?.owner ?? "", zone: asset?.zone ?? "", exposure: asset?.exposure ?? "", tags: asset?.tags ?? [], aliases: asset?.aliases ?? [],
  });
  const put = (more: Partial<typeof form>) => setForm({ ...form, ...more });
  const save = () => {
    const { kind, key, criticality, label, ...rest } = form;
    const id = key.trim().toLowerCase();
    void change("The asset", `${label || id} is saved`, () => api.put(`/assets/${encodeURIComponent(kind)}/${encodeURIComponent(asset?.key ?? id)}`, { ...rest, label: label.trim() || key.trim(), criticality: Number(criticality), tenant: asset?.tenant ?? tenant })).then((done) => { if (done) close(); });
  };
  return (
    <Dialog opened onClose={close} title={asset ? `Change ${asset.label || asset.key}` : "New asset"}>
      <form className="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        {!asset && <div className="form-grid"><Select label="Kind" allowDeselect={false} value={form.kind} data={["host", "user", "address", "domain", "service", "cloud_resource"].map((value) => ({ value, label: kindNames[value] ?? value }))} onChange={(kind) => put({ kind: kind ?? "host" })} /><TextInput label="Key" description="For a host its name" required value={form.key} onChange={(event) => put({ key: event.currentTarget.value })} data-autofocus /></div>}
        <div className="form-grid">
          <TextInput label="Name" value={form.label} onChange={(event) => put({ label: event.currentTarget.value })} />
          <Select label="Criticality" allowDeselect={false} value={form.criticality} data={[5, 4, 3, 2, 1].map((value) => ({ value: String(value), label: criticalityNames[value] ?? "" }))} onChange={(value) => put({ criticality: value ?? "3" })} />
          <TextInput label="Owner" value={form.owner} onChange={(event) => put({ owner: event.currentTarget.value })} />
          <Select label="Zone" allowDeselect={false} value={form.zone} data={optional(zones)} onChange={(zone) => put({ zone: zone ?? "" })} />
          <Select label="Exposure" allowDeselect={false} value={form.exposure} data={optional(exposures)} onChange={(exposure) => put({ exposure: exposure ?? "" })} />
          <TagsInput label="Tags" value={form.tags} onChange={(tags) => put({ tags })} />
        </div>
        <TagsInput label="Other names of it" description="Keys that mean the same thing" value={form.aliases} onChange={(aliases) => put({ aliases })} />
        <p className="muted">Scores of new findings use it from now on.</p>
        <Button type="submit" loading={busy} disabled={!form.key.trim()}>Save</Button>
      </form>
    </Dialog>
  );
}

export function ImportDialog({ close }: { close: () => void }) {
  const { busy, change } = useChange(["assets"]);
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const [problem, setProblem] = useState("");
  const json = /^\s*[[{]/.test(text);
  const read = async (file: File | undefined) => {
    if (!file) return;
    setProblem(file.size > kMaxImportBytes ? "The file is larger than 4 MB: take it in parts." : "");
    setName(file.name);
    setText(file.size > kMaxImportBytes ? "" : await file.text());
  };
  const run = () => {
    void change("The import", "", async () => {
      const answer = await api.upload<{ imported?: number }>("/assets/import", /^\s*\[/.test(text) ? `{"items":${text}}` : text, json ? "application/json" : "text/csv");
      say(`${answer.imported ?? 0} assets taken`);
    }).then((done) => { if (done) close(); });
  };
  return (
    <Dialog opened onClose={close} title="Import assets">
      <form className="stack" onSubmit={(event) => { event.preventDefault(); run(); }}>
        <p className="muted">CSV with a first line of names (kind, key; tenant, site, label, aliases, criticality, owner, zone, exposure, os, tags) or JSON as the export has it. Several tags are written with a semicolon between. What is there already is changed, nothing is removed; where one line is wrong, none is taken.</p>
        <label className="stack" style={{ gap: 4 }}><span>File</span><input type="file" accept=".csv,.json,text/csv,application/json" onChange={(event) => { void read(event.currentTarget.files?.[0]); }} /></label>
        <Textarea label={name ? `What is in ${name}` : "Or paste it here"} rows={7} value={text.length > 20_000 ? `${text.slice(0, 20_000)}\n…` : text} readOnly={text.length > 20_000} onChange={(event) => setText(event.currentTarget.value)} classNames={{ input: "mono" }} />
        {problem && <Notice kind="error">{problem}</Notice>}
        <Button type="submit" loading={busy} disabled={!text.trim()}>Import {text.trim() ? (json ? "JSON" : `CSV, ${text.trim().split("\n").length - 1} lines`) : ""}</Button>
      </form>
    </Dialog>
  );
}
