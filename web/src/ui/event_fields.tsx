// All fields of an event; each value can be clicked.
import type { EventRecord } from "../api/types";
import { formatTime } from "../lib/format";
import { Value, type ValueAction } from "./value_menu";

const times = new Set(["time", "received_at"]);
const hidden = new Set(["raw", "attributes", "ocsf", "id"]);

export function eventValues(event: EventRecord): [string, string][] {
  const all: [string, string][] = [];
  for (const [name, value] of Object.entries(event)) {
    if (hidden.has(name) || value === null || value === undefined || value === "") continue;
    all.push([name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  }
  for (const [name, value] of Object.entries(event.attributes ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) all.push([name, one]);
  }
  return all;
}

export function EventFields({ event, actionsOf }: { event: EventRecord; actionsOf?: (field: string, value: string) => ValueAction[] }) {
  return (
    <dl className="facts">
      {eventValues(event).map(([name, value], i) => (
        <div key={`${name} ${i}`} style={{ display: "contents" }}>
          <dt className="mono">{name}</dt>
          <dd className="mono">{times.has(name) ? formatTime(value, true) : <Value field={name} value={value} actions={actionsOf?.(name, value) ?? []}><span style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{value}</span></Value>}</dd>
        </div>
      ))}
    </dl>
  );
}
