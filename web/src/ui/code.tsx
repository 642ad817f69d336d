import { ActionIcon, Tooltip } from "@mantine/core";
import { Icon } from "./icons";
import { copyText } from "./toast";

export function json(value: unknown): string { return JSON.stringify(value, null, 2); }

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div style={{ position: "relative" }}>
      <pre className="code" tabIndex={0} aria-label={label} role="region">{text}</pre>
      <Tooltip label="Copy"><ActionIcon variant="default" size="sm" className="icon-button code-copy" aria-label={`Copy: ${label}`} onClick={() => { void copyText(text); }}><Icon name="copy" size={12} /></ActionIcon></Tooltip>
    </div>
  );
}
