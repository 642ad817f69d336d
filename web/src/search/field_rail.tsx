// The fields that the result has; opening one shows its most frequent values.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { runSearch } from "../api/client";
import type { FieldInfo, FieldStats, TopAnswer } from "../api/types";
import { formatCount } from "../lib/format";
import { Icon } from "../ui/icons";
import { Failed, problemText } from "../ui/states";
import { Value, type ValueAction } from "../ui/value_menu";
import type { Question } from "./use_search";

interface Props {
  fields: FieldInfo[] | undefined; error: unknown; question: Question; run: number; shown: string[]; toggleColumn: (name: string) => void;
  actionsOf: (field: string, value: string) => ValueAction[];
}

export function FieldRail({ fields, error, question, run, shown, toggleColumn, actionsOf }: Props) {
  const [open, setOpen] = useState<string | null>(null);
  const [filter, setFilter] = useState("");
  const wanted = (fields ?? []).filter((field) => field.name.toLowerCase().includes(filter.toLowerCase()));
  const columns = wanted.filter((field) => field.column), others = wanted.filter((field) => !field.column);
  const part = (title: string, items: FieldInfo[]) => items.length > 0 && (
    <div className="rail-group" role="group" aria-label={title}>
      <h2 className="small-head">{title}</h2>
      {items.slice(0, 200).map((field) => (
        <div key={field.name}>
          <div className="row" style={{ gap: 2 }}>
            <button className="facet" aria-expanded={open === field.name} onClick={() => setOpen(open === field.name ? null : field.name)} title={`${field.name}: ${field.type}`}>
              <Icon name={open === field.name ? "down" : "right"} size={9} /><span className="clip">{field.name}</span><span className="count">{formatCount(field.count)}</span>
            </button>
            <button className="plain" aria-pressed={shown.includes(field.name)} aria-label={`${shown.includes(field.name) ? "Hide" : "Show"} column ${field.name}`} title="In the table" onClick={() => toggleColumn(field.name)}>
              <Icon name={shown.includes(field.name) ? "minus" : "plus"} size={11} />
            </button>
          </div>
          {open === field.name && <TopValues field={field} question={question} run={run} actionsOf={actionsOf} />}
        </div>
      ))}
    </div>
  );
  return (
    <aside className="rail" aria-label="Fields" style={{ width: 240 }} tabIndex={0}>
      <div style={{ padding: "0 10px 8px" }}><input className="query-input" style={{ height: 28, fontSize: 12 }} aria-label="Find a field" placeholder="Find a field" value={filter} onChange={(event) => setFilter(event.currentTarget.value)} /></div>
      {error && !fields ? <Failed what="Fields" error={error} /> : null}
      {part("Columns", columns)}
      {part("Other fields", others)}
    </aside>
  );
}

function TopValues({ field, question, run, actionsOf }: { field: FieldInfo; question: Question; run: number; actionsOf: Props["actionsOf"] }) {
  const name = field.column ? field.name : `attr.${field.name}`;
  const numeric = /int|float|number|time/i.test(field.type);
  const top = useQuery({ queryKey: ["search", "top", name, question, run], staleTime: Infinity, retry: false, queryFn: ({ signal }) => runSearch<TopAnswer>("/search/top", { ...question, fields: [name], limit: 10 }, signal) });
  const stats = useQuery({ queryKey: ["search", "stats", name, question, run], enabled: numeric, staleTime: Infinity, retry: false, queryFn: ({ signal }) => runSearch<FieldStats>("/search/stats", { ...question, field: name }, signal) });
  if (top.error) return <p className="bad" style={{ padding: "2px 16px" }}>{problemText(top.error)}</p>;
  const answer = top.data?.fields[name];
  if (!answer) return <p className="muted" style={{ padding: "2px 16px" }}>counting …</p>;
  const total = Math.max(1, top.data?.total ?? 1);
  return (
    <div style={{ padding: "2px 4px 8px 16px" }}>
      {answer.values.map(({ value, count }) => (
        <div key={value} style={{ marginBottom: 3 }}>
          <div className="row" style={{ gap: 6 }}><span className="clip grow"><Value field={field.name} value={value} actions={actionsOf(field.name, value)} /></span><span className="muted">{Math.round((count / total) * 100)} %</span></div>
          <div className="meter"><div style={{ width: `${(count / total) * 100}%` }} /></div>
        </div>
      ))}
      <p className="muted">{formatCount(answer.distinct)} different; without: {formatCount(answer.empty)}</p>
      {stats.data && <p className="muted">{String(stats.data.min)} to {String(stats.data.max)}{stats.data.mean === undefined || stats.data.mean === null ? "" : `, mean ${stats.data.mean.toFixed(1)}`}</p>}
    </div>
  );
}
