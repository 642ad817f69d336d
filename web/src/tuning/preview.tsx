// What a suppression would have silenced of what is stored: how much of it was real, and which findings.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../api/client";
import type { SuppressionField, SuppressionPreview } from "../api/types";
import { verdictNames } from "../incidents/names";
import { formatCount, formatTime } from "../lib/format";
import { Failed, Loading, Notice } from "../ui/states";
import { undecided } from "./names";

const kTypingMs = 400;

export function useLater<T>(value: T, ms = kTypingMs): T {
  const [late, setLate] = useState(value);
  const text = JSON.stringify(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(JSON.parse(text) as T), ms);
    return () => window.clearTimeout(timer);
  }, [text, ms]);
  return late;
}

export function useSuppressionPreview(filter: { tenant: string; rule_id: string; fields: SuppressionField[]; days: number } | null) {
  const late = useLater(filter);
  return useQuery({
    queryKey: ["suppression-preview", late], enabled: late !== null && late.fields.length > 0, placeholderData: keepPreviousData, retry: false, staleTime: 30_000,
    queryFn: ({ signal }) => { const { tenant, ...rest } = late ?? { tenant: "" }; return api.post<SuppressionPreview>("/suppressions/preview", { ...rest, ...(tenant ? { tenant } : {}) }, signal); },
  });
}

const kinds = { true_positive: verdictNames.true_positive, benign: verdictNames.benign, false_positive: verdictNames.false_positive, undecided } as const;
const nameOf = (verdict: string) => kinds[verdict as keyof typeof kinds] ?? undecided;

export function PreviewPart({ query, fields, days }: { query: ReturnType<typeof useSuppressionPreview>; fields: number; days: number }) {
  if (fields === 0) return <Notice kind="info">Choose at least one field: without any, all of the rule would be silent.</Notice>;
  if (query.error) return <Failed what="The preview" error={query.error} retry={() => { void query.refetch(); }} />;
  if (!query.data) return <Loading what="what it would have silenced" />;
  const { looked_at, silenced, findings, complete, silences_anything } = query.data;
  return (
    <div className="stack" style={{ gap: 8 }} aria-busy={query.isFetching}>
      <p role="status"><b>{formatCount(silenced.total)}</b> of {formatCount(looked_at)} findings of the last {days} days would have been silenced{query.isFetching ? " (counting again …)" : ""}.</p>
      <dl className="row wrap" style={{ gap: 16, margin: 0 }}>{(Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => (
        <div key={kind} className="row" style={{ gap: 6 }}><dt className={kind === "true_positive" && silenced[kind] > 0 ? "bad" : "muted"}>{kinds[kind]}</dt><dd className={kind === "true_positive" && silenced[kind] > 0 ? "bad" : ""} style={{ margin: 0, fontWeight: 650 }}>{formatCount(silenced[kind])}</dd></div>
      ))}</dl>
      {silenced.true_positive > 0 && <Notice kind="error">It would have hidden {formatCount(silenced.true_positive)} true positive{silenced.true_positive === 1 ? "" : "s"}. Choose more fields, or closer values.</Notice>}
      {silences_anything && <Notice>It silences all of the rule, whatever an event says.</Notice>}
      {!complete && <Notice kind="info">Not all findings could be looked at, or not all are listed: there may be more.</Notice>}
      {findings.length > 0 && (
        <div className="table-wrap preview" tabIndex={0} role="region" aria-label="Findings it would have silenced"><table className="table">
          <thead><tr><th>Time</th><th>Host</th><th>User</th><th>Verdict</th><th>Incident</th></tr></thead>
          <tbody>{findings.map((one) => <tr key={one.id}><td style={{ whiteSpace: "nowrap" }}><a href={`/findings?view=list&from=now-${days}d&id=${encodeURIComponent(one.id)}`} target="_blank" rel="noreferrer">{formatTime(one.time)}</a></td><td>{one.host}</td><td>{one.user}</td><td className={one.verdict === "true_positive" ? "bad" : ""}>{nameOf(one.verdict)}</td><td>{one.incident ?? "-"}</td></tr>)}</tbody></table></div>
      )}
    </div>
  );
}
