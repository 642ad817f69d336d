// The filters at the left of the queue.
import { Switch, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { useSession } from "../api/session";
import { levelOf } from "../api/types";
import { levelNames, SeverityShape } from "../ui/severity";
import type { IncidentFilters } from "./filters";
import { stateNames } from "./names";

function Group({ name, children }: { name: string; children: ReactNode }) {
  return <div className="rail-group" role="group" aria-label={name}><h2 className="small-head">{name}</h2>{children}</div>;
}
function Choice({ on, run, children }: { on: boolean; run: () => void; children: ReactNode }) {
  return <button className="facet" aria-pressed={on} onClick={run}>{children}</button>;
}

export function Rail({ f }: { f: IncidentFilters }) {
  const { user } = useSession();
  const [tag, setTag] = useState("");
  const owner = f.get("owner");
  const least = f.get("min_severity");
  const setOwner = (value: string) => f.set({ owner: owner === value ? null : value, at: null });
  return (
    <aside className="rail" aria-label="Filters">
      <Group name="State">
        {Object.entries(stateNames).map(([value, name]) => <Choice key={value} on={f.valuesOf("state").includes(value)} run={() => f.toggle("state", value)}>{name}</Choice>)}
        <Switch size="xs" mt={6} label="Also closed ones" checked={f.get("closed") === "1"} onChange={(event) => f.set({ closed: event.currentTarget.checked ? "1" : null })} />
      </Group>
      <Group name="Owner">
        <Choice on={owner === user.name || owner === "me"} run={() => setOwner(owner === "me" ? "me" : user.name)}>Me</Choice>
        <Choice on={owner === "-"} run={() => setOwner("-")}>Nobody</Choice>
        {owner && owner !== "-" && owner !== user.name && owner !== "me" && <Choice on run={() => setOwner(owner)}>{owner}</Choice>}
      </Group>
      <Group name="Severity at least">
        {[5, 4, 3, 2].map((id) => (
          <Choice key={id} on={least === String(id)} run={() => f.set({ min_severity: least === String(id) ? null : String(id), at: null })}>
            <span className={`sev sev-${levelOf(id)}`}><SeverityShape level={levelOf(id)} />{levelNames[levelOf(id)]}</span>
          </Choice>
        ))}
      </Group>
      <Group name="Tag">
        <form onSubmit={(event) => { event.preventDefault(); f.set({ tag: tag.trim() || null, at: null }); }}>
          <TextInput size="xs" aria-label="Tag" placeholder={f.get("tag") || "A tag"} value={tag} onChange={(event) => setTag(event.currentTarget.value)} />
        </form>
      </Group>
      <Group name="Time">
        <Switch size="xs" label="Only with events in the range of time" checked={f.get("ranged") === "1"} onChange={(event) => f.set({ ranged: event.currentTarget.checked ? "1" : null, at: null })} />
      </Group>
    </aside>
  );
}
