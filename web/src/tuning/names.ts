import type { Suppression, SuppressionOp } from "../api/types";

export const opNames: Record<SuppressionOp, string> = {
  equals: "is", contains: "contains", startswith: "starts with", endswith: "ends with", cidr: "is in network", re: "matches (RE2)",
};
export const suppressionStates: Record<Suppression["state"], string> = { active: "Active", expired: "Expired", off: "Off" };
export const undecided = "Undecided";

// A day as a field of type date wants it, and back: the end of that day, in UTC.
export const dayOf = (time: string) => time.slice(0, 10);
export const endOfDay = (day: string) => `${day}T23:59:59Z`;
