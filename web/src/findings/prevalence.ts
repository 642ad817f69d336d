// How common the values are that made a rule fire: counted in the stored events, each asked for by its own name.
//
// Three questions a value: in the fleet and on how many hosts, on this host, and the first event that has it. They look at
// kLookBackDays before the finding, at most kMaxValues of them, one after another: the store is others' too.
import { runSearch } from "../api/client";
import type { FindingDetail, Predicate, SearchPage, TopAnswer } from "../api/types";
import { searchTerm } from "../lib/search_text";

export const kLookBackDays = 30;
export const kMaxValues = 6;
// Longer ones may have been cut where the explanation was stored; then nothing would be found.
const kMaxValueChars = 1000;
const kDayMs = 86_400_000;

export interface Common { field: string; value: string; fleet: number; hosts: number; here: number; first: string | null; problem: string }

export function matchedValues(predicates: Predicate[]): { field: string; value: string }[] {
  const seen = new Set<string>();
  return predicates.flatMap((predicate) => {
    const field = predicate.field || predicate.event_field || "", value = predicate.value, key = `${field}\n${value}`;
    if (!field || !value || value.length > kMaxValueChars || seen.has(key)) return [];
    seen.add(key);
    return [{ field, value }];
  });
}

export async function countValue(finding: FindingDetail, field: string, value: string, signal: AbortSignal): Promise<Common> {
  const at = new Date(finding.time).getTime(), term = searchTerm(field, value);
  const scope = { from: new Date(at - kLookBackDays * kDayMs).toISOString(), to: new Date(at + kDayMs).toISOString(), tenant: [finding.tenant] };
  const fleet = await runSearch<TopAnswer>("/search/top", { ...scope, query: term, fields: ["host"], limit: 50 }, signal);
  const hosts = fleet.fields["host"];
  let here = hosts?.values.find((one) => one.value === finding.host)?.count ?? 0;
  if (here === 0 && finding.host && hosts && hosts.distinct > hosts.values.length) {
    here = (await runSearch<TopAnswer>("/search/top", { ...scope, query: `${term} AND ${searchTerm("host", finding.host)}`, fields: ["host"], limit: 1 }, signal)).total;
  }
  const first = fleet.total > 0 ? (await runSearch<SearchPage>("/search", { ...scope, query: term, columns: ["time", "host"], sort: "time", limit: 1 }, signal)).items[0] : undefined;
  return { field, value, fleet: fleet.total, hosts: hosts?.distinct ?? 0, here, first: first?.time ?? null, problem: "" };
}
