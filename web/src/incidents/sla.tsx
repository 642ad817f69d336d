// Until when an incident is to be acknowledged, contained and closed: told by word and shape, not by colour alone.
import { useEffect, useState } from "react";
import type { Incident, SlaClock, SlaName } from "../api/types";
import { formatTime } from "../lib/format";
import { useOptional } from "../lib/optional";
import { Icon } from "../ui/icons";
import { formatDuration } from "./names";

export const slaNames: Record<SlaName, string> = { acknowledge: "Acknowledge", contain: "Contain", close: "Close" };
const kTickMs = 30_000;
// The last quarter of an hour before it is due is said louder.
const kSoonMs = 900_000;

function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), kTickMs);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}

// "57 min", "42 h", "8 d": the tooltip has the time itself.
const coarse = (seconds: number) => (seconds < 7200 ? `${Math.max(1, Math.round(seconds / 60))} min` : seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`);

function Chip({ due, breached, done, text }: { due: string; breached: boolean; done?: boolean; text?: string }) {
  const now = useNow();
  const left = new Date(due).getTime() - now, late = breached || (!done && left < 0);
  const words = done ? (breached ? "too late" : "in time") : late ? (left < 0 ? `breached ${coarse(-left / 1000)} ago` : "breached") : `due in ${coarse(left / 1000)}`;
  return (
    <span className={`chip sla ${late ? "sla-late" : done ? "sla-met" : left < kSoonMs ? "sla-soon" : ""}`} title={`Due ${formatTime(due)}`}>
      <Icon name={late ? "warning" : done ? "ok" : "clock"} size={11} />{text && <b>{text}</b>} {words}
    </span>
  );
}

// In the queue: the next clock only.
export function SlaCell({ incident }: { incident: Pick<Incident, "sla_due" | "sla_breached" | "state"> }) {
  if (!incident.sla_due) return <span className={incident.sla_breached ? "bad" : "muted"}>{incident.sla_breached ? "breached" : "-"}</span>;
  return <Chip due={incident.sla_due} breached={incident.sla_breached === true} />;
}

export function SlaChips({ number }: { number: number }) {
  const { data } = useOptional<{ items: SlaClock[] }>(["incident", number, "sla"], `/incidents/${number}/sla`);
  if (!data || data.items.length === 0) return null;
  return (
    <div className="fact"><span>Service level</span>
      <ul className="row wrap plain-list" style={{ gap: 5 }} aria-label="Service level">{data.items.map((clock) => <li key={clock.name} title={`${formatDuration(clock.target_s)}, ${clock.calendar}`}><Chip due={clock.due} breached={clock.state === "breached"} done={clock.done_at !== null} text={slaNames[clock.name] ?? clock.name} /></li>)}</ul></div>
  );
}
