// Filters of the queue under a name, for oneself or for all.
import { Button, Checkbox, Menu, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { SavedSearch } from "../api/types";
import { useChange } from "../lib/invalidate";
import { Dialog } from "../ui/dialog";
import { Icon } from "../ui/icons";
import { problemText } from "../ui/states";

const page = "incidents";
const built: { name: string; query: Record<string, string> }[] = [
  { name: "All open, by score", query: {} }, { name: "New and nobody's", query: { state: "new", owner: "-" } }, { name: "Mine", query: { owner: "me" } },
  { name: "Critical and high", query: { min_severity: "4" } }, { name: "Oldest first", query: { order: "oldest" } },
];

export function Views({ current, open }: { current: Record<string, string>; open: (query: Record<string, string>) => void }) {
  const { user } = useSession();
  const { busy, change } = useChange(["searches"]);
  const [saving, setSaving] = useState(false);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const query = useQuery({ queryKey: ["searches"], queryFn: () => api.get<{ items: SavedSearch[] }>("/searches"), staleTime: 60_000 });
  const items = (query.data?.items ?? []).filter((item) => item.query["page"] === page);
  const own = items.filter((item) => item.owner === user.name);
  const filtersOf = (item: SavedSearch) => Object.fromEntries(Object.entries(item.query).filter(([key]) => key !== "page").map(([key, value]) => [key, String(value)]));
  return (
    <>
      <Menu position="bottom-end" width={280}>
        <Menu.Target><Button size="xs" variant="default" leftSection={<Icon name="star" size={12} />}>Views</Button></Menu.Target>
        <Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
          {built.map((view) => <Menu.Item key={view.name} onClick={() => open(view.query)}>{view.name}</Menu.Item>)}
          <Menu.Divider />
          {query.error ? <Menu.Label>{problemText(query.error)}</Menu.Label> : null}
          {items.map((item) => <Menu.Item key={item.id} onClick={() => open(filtersOf(item))} rightSection={<span className="muted">{item.owner === user.name ? "yours" : item.owner}</span>}>{item.name}</Menu.Item>)}
          <Menu.Item leftSection={<Icon name="plus" size={12} />} onClick={() => setSaving(true)}>Save these filters …</Menu.Item>
          {own.length > 0 && <><Menu.Divider /><Menu.Label>Remove</Menu.Label></>}
          {own.map((item) => <Menu.Item key={`remove ${item.id}`} leftSection={<Icon name="close" size={11} />} onClick={() => { void change("Removing", `"${item.name}" removed`, () => api.delete(`/searches/${encodeURIComponent(item.id)}`)); }}>{item.name}</Menu.Item>)}
        </Menu.Dropdown>
      </Menu>
      <Dialog opened={saving} onClose={() => setSaving(false)} title="Save these filters">
        <form className="stack" onSubmit={(event) => { event.preventDefault(); void change("Saving", `"${name}" saved`, () => api.post("/searches", { name, shared, query: { ...current, page } })).then((done) => { if (done) setSaving(false); }); }}>
          <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} required data-autofocus />
          <Checkbox label="Others may use it" checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />
          <Button type="submit" disabled={!name} loading={busy}>Save</Button>
        </form>
      </Dialog>
    </>
  );
}
