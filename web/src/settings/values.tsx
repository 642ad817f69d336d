// Settings with their origin. What stands in the file is changed there.
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { Setting } from "../api/types";
import { useChange } from "../lib/invalidate";
import { Loaded } from "../ui/states";

const origins = { default: "built in", file: "tocsin.yaml", ledger: "changed here" } as const;

export default function Values() {
  const { may } = useSession();
  const query = useQuery({ queryKey: ["settings"], queryFn: ({ signal }) => api.get<{ items: Setting[] }>("/settings", undefined, signal) });
  const mayWrite = may("settings.write");
  return (
    <section className="card" aria-label="Retention and limits">
      {!mayWrite && <p className="muted">Changing them needs the right "settings.write", which your role does not have.</p>}
      <Loaded query={query} what="Settings">
        {({ items }) => (
          <div className="table-wrap"><table className="table"><thead><tr><th>Setting</th><th>What it does</th><th>Value</th><th>From</th></tr></thead>
            <tbody>{items.map((setting) => <Row key={`${setting.key} ${setting.value}`} setting={setting} mayWrite={mayWrite} />)}</tbody></table></div>
        )}
      </Loaded>
    </section>
  );
}

function Row({ setting, mayWrite }: { setting: Setting; mayWrite: boolean }) {
  const { busy, change } = useChange(["settings"]);
  const [text, setText] = useState(setting.value);
  const before = setting.value;
  const save = () => { void change(setting.key, `${setting.key} is changed`, () => api.put(`/settings/${encodeURIComponent(setting.key)}`, { value: text })); };
  return (
    <tr><td className="mono">{setting.key}</td><td>{setting.help}</td>
      <td style={{ width: 320 }}>{setting.editable && mayWrite
        ? <form className="row" onSubmit={(event) => { event.preventDefault(); save(); }}><TextInput size="xs" className="grow" aria-label={setting.key} value={text} onChange={(event) => setText(event.currentTarget.value)} /><Button size="xs" type="submit" variant="default" loading={busy} disabled={text === before}>Save</Button></form>
        : <span className="mono">{before}</span>}</td>
      <td>{origins[setting.origin]}{!setting.editable && <div className="muted">not changed here</div>}</td></tr>
  );
}
