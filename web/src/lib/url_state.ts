// What is on the screen is in the address: links can be sent, and "back" works.
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router-dom";

export type Change = Record<string, string | null | undefined>;

export function useUrlState() {
  const [params, setParams] = useSearchParams();
  // Empty and null remove. `replace`: no new step for "back".
  const set = useCallback((change: Change, options?: { replace?: boolean }) => {
    setParams((before) => {
      const next = new URLSearchParams(before);
      for (const [key, value] of Object.entries(change)) {
        if (value) next.set(key, value);
        else next.delete(key);
      }
      return next;
    }, { replace: options?.replace ?? false });
  }, [setParams]);
  const get = useCallback((key: string, otherwise = "") => params.get(key) ?? otherwise, [params]);
  return useMemo(() => ({ get, set, params }), [get, set, params]);
}

export const defaultFrom = "now-24h";

// The parts of the address that go along from page to page.
export function useScope() {
  const { get, set } = useUrlState();
  const from = get("from", defaultFrom), to = get("to", "now"), tenant = get("tenant");
  return useMemo(() => ({
    from, to, tenant, set,
    tenants: tenant ? tenant.split(",") : undefined,
    query: scopeQuery(from, to, tenant),
  }), [from, to, tenant, set]);
}

export function scopeQuery(from: string, to: string, tenant: string): string {
  const params = new URLSearchParams();
  if (from !== defaultFrom) params.set("from", from);
  if (to !== "now") params.set("to", to);
  if (tenant) params.set("tenant", tenant);
  const text = params.toString();
  return text ? `?${text}` : "";
}

const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

// Milliseconds since 1970, or NaN.
export function resolveTime(text: string, now = Date.now()): number {
  if (text === "now") return now;
  const relative = /^now-(\d+)([smhdw])$/.exec(text);
  if (relative) return now - Number(relative[1]) * (units[relative[2] ?? ""] ?? NaN);
  return new Date(text).getTime();
}

const names: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

export function describeRange(from: string, to: string, format: (time: string) => string): string {
  const relative = /^now-(\d+)([smhdw])$/.exec(from);
  if (relative && to === "now") {
    const n = Number(relative[1]);
    return n === 1 ? `Last ${names[relative[2] ?? ""]}` : `Last ${n} ${names[relative[2] ?? ""]}s`;
  }
  return `${format(from)} – ${to === "now" ? "now" : format(to)}`;
}
