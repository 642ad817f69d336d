// Which rules can fire at all: on, fed with events, proven by a hit or a test - and which are silent.
import { Select } from "@mantine/core";
import { createColumnHelper } from "@tanstack/react-table";
import { useMemo } from "react";
import { Link } from "react-router-dom";
import { Problem } from "../api/client";
import type { Coverage, CoveredRule } from "../api/types";
import { formatAgo, formatCount, formatTime } from "../lib/format";
import { useOptional } from "../lib/optional";
import { useScope, useUrlState } from "../lib/url_state";
import { Icon } from "../ui/icons";
import { Severity } from "../ui/severity";
import { Loaded } from "../ui/states";
import { VirtualTable, type Columns } from "../ui/virtual_table";
import { Card } from "./cards";

export const forbidden = (error: unknown) => error instanceof Problem && error.status === 403;
export const useCoverage = (enabled = true) => useOptional<Coverage>(["coverage"], "/coverage", undefined, { enabled, staleTime: 60_000 });
const stateNames = { on: "On", draft: "Draft", off: "Off" } as const;
const provenNames = { hit: "by a hit", test: "by a test", "": "no" } as const;
const kDays = 30;
const kinds: Record<string, { name: string; has: (rule: CoveredRule, days: number) => boolean }> = {
  on: { name: "On", has: (rule) => rule.state === "on" }, data: { name: "On, with data", has: (rule) => rule.state === "on" && rule.has_data },
  proven: { name: "On and proven", has: (rule) => rule.state === "on" && rule.proven !== "" }, silent: { name: "On, silent", has: (rule, days) => rule.state === "on" && rule.has_data && (rule.silent_days === null || rule.silent_days >= days) },
  blind: { name: "On, without data", has: (rule) => rule.state === "on" && !rule.has_data },
};

export function CoverageCard() {
  const url = useUrlState();
  const scope = useScope();
  const query = useCoverage();
  const columns = useMemo(() => coverageColumns(scope.query), [scope.query]);
  const kind = url.get("covered");
  if (query.data === null || forbidden(query.error)) return null;
  return (
    <Card title="Coverage" span="span-12" about="A rule is proven where it fired on real events or in a test">
      <Loaded query={query} what="The coverage">
        {(data) => {
          if (!data) return null;
          const days = data.days ?? kDays, chosen = kinds[kind];
          const rows = chosen ? data.items.filter((rule) => chosen.has(rule, days)) : data.items;
          const figure = (key: string, label: string, count: number) => <button key={key} className="plain figure-button" aria-pressed={kind === key} onClick={() => url.set({ covered: kind === key ? null : key })}><span className="figure">{formatCount(count)}</span> <span className="muted">{label}</span></button>;
          return (
            <div className="stack" style={{ gap: 8 }}>
              <div className="row wrap" style={{ gap: 22 }} role="group" aria-label="Which rules are listed">{figure("on", "rules on", data.summary.on)}{figure("data", "with data", data.summary.with_data)}{figure("proven", "proven", data.summary.proven)}{figure("silent", `with data, but no hit in ${days} days`, data.summary.silent)}<div className="grow" />
                <Select size="xs" w={170} aria-label="Rules" allowDeselect={false} value={kinds[kind] ? kind : ""} data={[{ value: "", label: "All rules" }, ...Object.entries(kinds).map(([value, { name }]) => ({ value, label: name }))]} onChange={(value) => url.set({ covered: value })} /></div>
              {rows.length === 0 ? <p className="muted">No rule is like that.</p> : <div className="boxed-table"><VirtualTable label="Coverage of rules" rows={rows} columns={columns} rowKey={(row: CoveredRule) => row.rule_id} footer={<span>{formatCount(rows.length)} of {formatCount(data.items.length)} rules</span>} /></div>}
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

function coverageColumns(query: string): Columns<CoveredRule> {
  const column = createColumnHelper<CoveredRule>();
  return [
    column.accessor("level", { header: "Level", meta: { width: "98px" }, cell: (cell) => <Severity level={cell.getValue()} /> }),
    column.accessor("title", { header: "Rule", meta: { width: "minmax(220px, 3fr)" }, cell: ({ row }) => <Link to={`/rules/${encodeURIComponent(row.original.rule_id)}${query}`} tabIndex={-1} title={row.original.title}>{row.original.title}</Link> }),
    column.accessor("state", { header: "State", meta: { width: "70px" }, cell: (cell) => stateNames[cell.getValue() as keyof typeof stateNames] ?? cell.getValue() }),
    column.accessor("has_data", { header: "Data", meta: { width: "92px" }, cell: (cell) => cell.getValue() ? <span className="good"><Icon name="ok" size={12} /> yes</span> : <span className="warn"><Icon name="warning" size={12} /> none</span> }),
    column.accessor("proven", { header: "Proven", meta: { width: "96px" }, cell: (cell) => <span className={cell.getValue() ? "good" : "muted"}>{provenNames[cell.getValue() as keyof typeof provenNames] ?? cell.getValue()}</span> }),
    column.accessor("last_hit", { header: "Last hit", meta: { width: "96px" }, cell: (cell) => <span title={formatTime(cell.getValue())}>{formatAgo(cell.getValue())}</span> }),
    column.accessor("silent_days", { header: "Silent days", meta: { width: "92px", numeric: true }, cell: (cell) => formatCount(cell.getValue()) }),
    column.accessor("techniques", { header: "Techniques", meta: { width: "minmax(110px, 1fr)", mono: true }, cell: (cell) => <span title={cell.getValue().join(", ")}>{cell.getValue().join(" ")}</span> }),
  ];
}
