import { Button, Checkbox, Menu, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { SavedSearch } from "../api/types";
import { Icon } from "../ui/icons";
import { problemText } from "../ui/states";
import { say, sayFailed } from "../ui/toast";
import { Dialog } from "../ui/dialog";

// `current` is what is saved: parts of the address.
export function SavedSearches({ current, open }: { current: Record<string, string>; open: (query: Record<string, string>) => void }) {
  const client = useQueryClient();
  const { user } = useSession();
  const [saving, setSaving] = useState(false);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const saved = useQuery({ queryKey: ["searches"], queryFn: () => api.get<{ items: SavedSearch[] }>("/searches") });
  const change = async (what: string, done: string, action: () => Promise<unknown>) => {
    try {
      await action();
      say(done);
      await client.invalidateQueries({ queryKey: ["searches"] });
    } catch (error) { sayFailed(what, error); }
  };
  const items = (saved.data?.items ?? []).filter((item) => !item.query["page"]);  // Others are views of other pages.
  return (
    <>
      <Menu position="bottom-end" width={320}>
        <Menu.Target><Button variant="default" h={34} leftSection={<Icon name="star" size={13} />}>Saved</Button></Menu.Target>
        <Menu.Dropdown mah={400} style={{ overflowY: "auto" }}>
          <Menu.Item leftSection={<Icon name="plus" size={12} />} onClick={() => setSaving(true)}>Save this search …</Menu.Item>
          <Menu.Divider />
          {saved.error ? <Menu.Label>{problemText(saved.error)}</Menu.Label> : null}
          {items.length === 0 && !saved.error && <Menu.Label>No search is saved yet.</Menu.Label>}
          {items.map((item) => (
            <Menu.Item key={item.id} onClick={() => open(Object.fromEntries(Object.entries(item.query).map(([key, value]) => [key, String(value)])))}
                       rightSection={item.owner === user.name ? <span className="muted">yours</span> : <span className="muted">{item.owner}</span>}>{item.name}</Menu.Item>
          ))}
          {items.some((item) => item.owner === user.name) && <><Menu.Divider /><Menu.Label>Remove</Menu.Label></>}
          {items.filter((item) => item.owner === user.name).map((item) => (
            <Menu.Item key={`remove ${item.id}`} leftSection={<Icon name="close" size={11} />} onClick={() => { void change("Removing", `"${item.name}" removed`, () => api.delete(`/searches/${encodeURIComponent(item.id)}`)); }}>{item.name}</Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Dialog opened={saving} onClose={() => setSaving(false)} title="Save this search">
        <form className="stack" onSubmit={(event) => {
          event.preventDefault();
          setSaving(false);
          void change("Saving", `"${name}" saved`, () => api.post("/searches", { name, shared, query: current }));
        }}>
          <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} required data-autofocus />
          <Checkbox label="Others may use it" checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />
          <p className="muted">The text, range of time and columns are saved.</p>
          <Button type="submit" disabled={!name}>Save</Button>
        </form>
      </Dialog>
    </>
  );
}
