// What the words of the API are called on the screen.
import type { IncidentState, Lane, Priority, Verdict } from "../api/types";

export const stateNames: Record<IncidentState, string> = {
  new: "New", acknowledged: "Acknowledged", investigating: "Investigating", contained: "Contained", eradicated: "Eradicated", recovered: "Recovered", closed: "Closed",
};
export const verdictNames: Record<Exclude<Verdict, "">, string> = {
  true_positive: "True positive", benign: "Benign trigger", false_positive: "False positive", duplicate: "Duplicate",
};
export const verdictHelp: Record<Exclude<Verdict, "">, string> = {
  true_positive: "An attack, or what an attacker could have done", benign: "The rule was right, but what it saw was allowed",
  false_positive: "The rule was wrong", duplicate: "Another incident is about the same",
};
export const priorities: readonly Priority[] = ["p1", "p2", "p3", "p4"];
export const priorityNames: Record<Priority, string> = { p1: "P1", p2: "P2", p3: "P3", p4: "P4" };
export const tlps = ["red", "amber+strict", "amber", "green", "clear"], paps = ["red", "amber", "green", "clear"];
export const laneNames: Record<Lane, string> = { host: "Host", user: "User", network: "Network", response: "Response", work: "Work" };
export const lanes = Object.keys(laneNames) as Lane[];
export const phaseNames: Record<string, string> = { investigate: "Investigate", contain: "Contain", eradicate: "Eradicate", recover: "Recover", learn: "Learn" };
export const kindNames: Record<string, string> = {
  host: "Host", user: "User", address: "Address", domain: "Domain", url: "URL", hash: "File hash", file: "File", process: "Process", session: "Session",
  service: "Service", cloud_resource: "Cloud resource",
};
export const kindName = (kind: string) => kindNames[kind] ?? kind;
export const roleNames: Record<string, string> = {
  affected: "affected", actor: "acts", target: "is the target", source: "is the source", destination: "is the destination", parent: "is the parent", related: "is related",
};
export const reasonNames: Record<string, string> = {
  first: "Opened it", process_tree: "Process tree", session: "Session", hash: "File hash", connection: "Connection", address: "Address", domain: "Domain",
  user: "User", host: "Host", by_hand: "By hand",
};
export const flagNames: Record<string, string> = {
  first_event: "First event", detected: "Detected", acknowledged: "Acknowledged", contained: "Contained", recovered: "Recovered", closed: "Closed",
};
export const measureNames = {
  detect: { short: "MTTD", long: "Time to detect", what: "from the first event to its finding" },
  acknowledge: { short: "MTTA", long: "Time to acknowledge", what: "until a person took it on" },
  contain: { short: "MTTC", long: "Time to contain", what: "until it was contained" },
  recover: { short: "MTTR", long: "Time to recover", what: "until all was as before" },
} as const;
export type MeasureName = keyof typeof measureNames;
export const measureList = Object.keys(measureNames) as MeasureName[];

// "45 s", "12 min", "3 h 20 min", "4 d 2 h".
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "-";
  const s = Math.abs(seconds), sign = seconds < 0 ? "-" : "";
  if (s < 1) return `${sign}${Math.round(s * 1000)} ms`;
  if (s < 120) return `${sign}${s < 10 ? Number(s.toFixed(1)) : Math.round(s)} s`;
  if (s < 7200) return `${sign}${Math.round(s / 60)} min`;
  const two = (big: number, bigUnit: string, small: number, smallUnit: string) => `${sign}${big} ${bigUnit}${small ? ` ${small} ${smallUnit}` : ""}`;
  if (s < 172_800) return two(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return two(Math.floor(s / 86_400), "d", Math.floor((s % 86_400) / 3600), "h");
}
export const numberOf = (id: string) => Number(id.replace(/^INC-/i, ""));
export const entityPath = (kind: string, key: string, query = "") => `/entities/${encodeURIComponent(kind)}/${encodeURIComponent(key)}${query}`;
