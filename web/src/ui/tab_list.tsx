import type { KeyboardEvent } from "react";

export function TabList<T extends string>({ label, tabs, value, onChange }: { label: string; tabs: Record<T, string>; value: T; onChange: (tab: T) => void }) {
  const names = Object.keys(tabs) as T[];
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = names[(names.indexOf(value) + step + names.length) % names.length];
    if (next === undefined) return;
    onChange(next);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {names.map((name) => (
        <button key={name} role="tab" className="tab" data-tab={name} aria-selected={name === value} tabIndex={name === value ? 0 : -1} onClick={() => onChange(name)}>{tabs[name]}</button>
      ))}
    </div>
  );
}
