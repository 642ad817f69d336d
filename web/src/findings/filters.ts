// The filters of the findings, as they stand in the address and as the API wants them.
import { useMemo } from "react";
import type { FindingGroup } from "../api/types";
import { useScope, useUrlState } from "../lib/url_state";

export const facetFields = ["level", "rule", "host", "user", "source", "tactic", "technique"] as const;
export type FacetField = (typeof facetFields)[number];
export const facetNames: Record<FacetField, string> = {
  level: "Severity", rule: "Rule", host: "Host", user: "User", source: "Source", tactic: "Tactic", technique: "Technique",
};
export type GroupBy = "rule,source" | "rule,host" | "host" | "user" | "rule";
export const groupNames: Record<GroupBy, string> = {
  "rule,source": "Rule and source", "rule,host": "Rule and host", rule: "Rule", host: "Host", user: "User",
};
const groupFields = { rule_id: "rule", source: "source", host: "host", user: "user" } as const;

// The members of a group, in one word of the address: "rule=..&host=..".
export function groupText(group: FindingGroup): string {
  const params = new URLSearchParams();
  for (const [key, field] of Object.entries(groupFields)) {
    const value = group.key[key as keyof typeof groupFields];
    if (value !== undefined) params.set(field, value);
  }
  return params.toString();
}

export function useFindingFilters() {
  const url = useUrlState();
  const scope = useScope();
  const filters = useMemo(() => {
    const query: Record<string, string> = { from: scope.from, to: scope.to };
    if (scope.tenant) query["tenant"] = scope.tenant;
    for (const field of facetFields) {
      const values = (url.params.get(field) ?? "").split(",").filter(Boolean);
      if (values.length > 0) query[field] = values.join(",");
    }
    const q = url.params.get("q");
    if (q) query["q"] = q;
    return { query };
  }, [url.params, scope.from, scope.to, scope.tenant]);
  const members = url.get("members");
  // With the group that was opened: its values stand above those of the facets.
  const memberQuery = useMemo(() => ({ ...filters.query, ...Object.fromEntries(new URLSearchParams(members)) }), [filters, members]);

  const valuesOf = (field: FacetField) => url.get(field).split(",").filter(Boolean);
  const toggle = (field: FacetField, value: string) => {
    const before = valuesOf(field);
    const next = before.includes(value) ? before.filter((other) => other !== value) : [...before, value];
    url.set({ [field]: next.join(","), id: null });
  };
  const only = (field: FacetField, value: string) => url.set({ [field]: value, id: null });
  const clear = () => url.set(Object.fromEntries([...facetFields, "q", "members", "id"].map((key) => [key, null])));
  return { ...url, scope, query: filters.query, members, memberQuery, valuesOf, toggle, only, clear };
}
