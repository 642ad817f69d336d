// The range of time of a page: presets that move along with now, or two fixed ends.
import { Button, Popover, TextInput } from "@mantine/core";
import { useState } from "react";
import { formatTime, useZone } from "../lib/format";
import { describeRange, resolveTime, useScope } from "../lib/url_state";
import { Icon } from "./icons";

const presets = ["now-15m", "now-1h", "now-4h", "now-24h", "now-7d", "now-30d"];

export function TimeRange() {
  const { from, to, set } = useScope();
  const zone = useZone();
  const [open, setOpen] = useState(false);
  const [own, setOwn] = useState({ from: "", to: "" });
  const [error, setError] = useState("");
  const pick = (nextFrom: string, nextTo: string) => {
    setOpen(false);
    set({ from: nextFrom === "now-24h" ? null : nextFrom, to: nextTo === "now" ? null : nextTo, id: null });
  };
  const apply = () => {
    const read = (text: string) => (/^now/.test(text.trim()) ? text.trim() : toIso(text, zone === "utc"));
    const [a, b] = [read(own.from), read(own.to)];
    const [start, end] = [resolveTime(a), resolveTime(b)];
    if (Number.isNaN(start) || Number.isNaN(end)) setError("Write 2026-11-24 10:00, or now-4h");
    else if (start >= end) setError("The range ends before it begins");
    else { setError(""); pick(a, b); }
  };
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" width={300} trapFocus returnFocus>
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<Icon name="clock" size={13} />} rightSection={<Icon name="down" size={9} />} aria-label={`Range of time: ${describeRange(from, to, formatTime)}`}
                onClick={() => { setOwn({ from: /^now/.test(from) ? from : formatTime(from), to: to === "now" ? to : formatTime(to) }); setOpen(!open); }}>
          {describeRange(from, to, formatTime)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Range of time">
        <div className="chips">
          {presets.map((preset) => (
            <Button key={preset} size="compact-xs" variant={preset === from && to === "now" ? "filled" : "default"} onClick={() => pick(preset, "now")}>
              {describeRange(preset, "now", formatTime)}
            </Button>
          ))}
        </div>
        <form className="stack" style={{ marginTop: 12 }} onSubmit={(event) => { event.preventDefault(); apply(); }}>
          <TextInput size="xs" label={`From (${zone === "utc" ? "UTC" : "local"})`} value={own.from} onChange={(event) => setOwn({ ...own, from: event.currentTarget.value })} error={error || undefined} />
          <TextInput size="xs" label="To" value={own.to} onChange={(event) => setOwn({ ...own, to: event.currentTarget.value })} />
          <Button size="xs" type="submit">Use this range</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function toIso(text: string, utc: boolean): string {
  const trimmed = text.trim().replace(" ", "T");
  const date = new Date(utc && !/Z$|[+-]\d\d:?\d\d$/.test(trimmed) ? `${trimmed}${trimmed.includes("T") ? "" : "T00:00"}Z` : trimmed);
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}
