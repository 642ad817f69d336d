// The filters of the queue, as they stand in the address and as the API wants them.
import { useMemo } from "react";
import { useScope, useUrlState } from "../lib/url_state";

export const filterKeys = ["state", "owner", "q", "min_severity", "tag", "entity", "closed", "ranged", "order"] as const;

export function useIncidentFilters() {
  const url = useUrlState();
  const scope = useScope();
  const query = useMemo(() => {
    const result: Record<string, string> = { order: url.params.get("order") ?? "score" };
    for (const key of ["state", "owner", "q", "min_severity", "tag", "entity"]) {
      const value = url.params.get(key);
      if (value) result[key] = value;
    }
    if (url.params.get("closed") === "1") result["with_closed"] = "1";
    // Open work does not go away because it is old: the range of time counts only where one asks for it.
    if (url.params.get("ranged") === "1") Object.assign(result, { from: scope.from, to: scope.to });
    if (scope.tenant) result["tenant"] = scope.tenant;
    return result;
  }, [url.params, scope.from, scope.to, scope.tenant]);
  const saved = useMemo(() => Object.fromEntries(filterKeys.flatMap((key) => { const value = url.params.get(key); return value ? [[key, value]] : []; })), [url.params]);
  const clear = () => url.set(Object.fromEntries([...filterKeys, "at"].map((key) => [key, null])));
  const valuesOf = (key: string) => url.get(key).split(",").filter(Boolean);
  const toggle = (key: string, value: string) => {
    const before = valuesOf(key);
    url.set({ [key]: (before.includes(value) ? before.filter((other) => other !== value) : [...before, value]).join(","), at: null });
  };
  return { ...url, scope, query, saved, clear, valuesOf, toggle };
}
export type IncidentFilters = ReturnType<typeof useIncidentFilters>;
