import { SegmentedControl, Tooltip } from "@mantine/core";
import { useSession } from "../api/session";
import type { RuleMode } from "../api/types";
import { Icon, type IconName } from "../ui/icons";

export const modeNames: Record<RuleMode, string> = { on: "On", draft: "Draft", off: "Off" };
const icons: Record<RuleMode, IconName> = { on: "ok", draft: "clock", off: "off" };

export function ModeMark({ mode }: { mode: RuleMode }) {
  return <span className={`row ${{ on: "good", draft: "warn", off: "muted" }[mode]}`} style={{ gap: 5 }}><Icon name={icons[mode]} size={12} />{modeNames[mode]}</span>;
}

// Draft: hits are counted, no findings are made.
export function ModeSwitch({ mode, busy, change }: { mode: RuleMode; busy: boolean; change: (mode: RuleMode) => void }) {
  const { may } = useSession();
  const allowed = may("rules.write");
  const control = <SegmentedControl size="xs" aria-label="Mode of the rule" disabled={!allowed || busy} value={mode} data={(["on", "draft", "off"] as RuleMode[]).map((value) => ({ value, label: modeNames[value] }))} onChange={(next) => change(next as RuleMode)} />;
  return allowed ? control : <div className="row"><Tooltip label='Needs the right "rules.write"'><div>{control}</div></Tooltip><span className="muted">Your role may not change it.</span></div>;
}
