import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import { levels, type Facets, type Level } from "../api/types";
import { formatCount } from "../lib/format";
import { Severity } from "../ui/severity";
import { Failed } from "../ui/states";
import { tacticName } from "./attack_names";
import { facetFields, facetNames, type FacetField } from "./filters";

export function FacetRail({ query, valuesOf, toggle }: { query: Record<string, string>; valuesOf: (field: FacetField) => string[]; toggle: (field: FacetField, value: string) => void }) {
  const facets = useQuery({
    queryKey: ["facets", query], placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api.get<Facets>("/findings/facets", { ...query, fields: facetFields.join(",") }, signal),
  });
  return (
    <aside className="rail" aria-label="Filters" tabIndex={0}>
      {facets.error && !facets.data ? <Failed what="Filters" error={facets.error} retry={() => { void facets.refetch(); }} /> : null}
      {facetFields.map((field) => {
        const chosen = valuesOf(field);
        let values = facets.data?.facets[field] ?? [];
        if (field === "level") values = [...values].sort((a, b) => levels.indexOf(a.value as Level) - levels.indexOf(b.value as Level));
        // A chosen value stays, with nothing to count, so that it can be taken back.
        const all = [...values, ...chosen.filter((value) => !values.some((other) => other.value === value)).map((value) => ({ value, count: 0, label: undefined }))];
        return (
          <div key={field} className="rail-group" role="group" aria-label={facetNames[field]}>
            <h2 className="small-head">{facetNames[field]}</h2>
            {all.length === 0 && <span className="muted">none</span>}
            {all.slice(0, field === "level" ? 5 : 8).map(({ value, count, label }) => (
              <button key={value} className="facet" aria-pressed={chosen.includes(value)} title={label ?? value} onClick={() => toggle(field, value)}>
                <span className="clip">{field === "level" ? <Severity level={value as Level} /> : field === "tactic" ? tacticName(value) : label ?? (value || "(none)")}</span>
                <span className="count">{formatCount(count)}</span>
              </button>
            ))}
          </div>
        );
      })}
    </aside>
  );
}
