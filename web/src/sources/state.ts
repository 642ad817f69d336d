import type { SourceState } from "../api/types";
import type { IconName } from "../ui/icons";

export const stateNames: Record<SourceState, string> = { ok: "Good", waiting: "Waiting", silent: "Silent", problem: "Problem", off: "Off" };
export const stateIcons: Record<SourceState, IconName> = { ok: "ok", waiting: "clock", silent: "silent", problem: "warning", off: "off" };
