// Short messages about what was just done, in the corner, read out by screen readers.
import { useSyncExternalStore } from "react";
import { Icon } from "./icons";
import { problemText } from "./states";

interface Toast { id: number; text: string; bad: boolean }
const kShownMs = 6_000;
let toasts: Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function change(next: Toast[]): void {
  toasts = next;
  listeners.forEach((listener) => listener());
}
const drop = (id: number) => change(toasts.filter((toast) => toast.id !== id));

export function say(text: string, bad = false): void {
  const id = nextId++;
  change([...toasts.slice(-3), { id, text, bad }]);
  window.setTimeout(() => drop(id), bad ? 2 * kShownMs : kShownMs);
}
export function sayFailed(what: string, error: unknown): void { say(`${what}: ${problemText(error)}`, true); }

export function Toasts() {
  const shown = useSyncExternalStore((listener) => { listeners.add(listener); return () => listeners.delete(listener); }, () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={toast.bad ? "toast toast-bad" : "toast"}>
          <Icon name={toast.bad ? "warning" : "ok"} />
          <span>{toast.text}</span>
          <button className="plain" aria-label="Dismiss" onClick={() => drop(toast.id)}><Icon name="close" size={12} /></button>
        </div>
      ))}
    </div>
  );
}

export async function copyText(text: string, what = "Copied"): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(what);
  } catch {
    say("The browser did not allow copying", true);
  }
}
