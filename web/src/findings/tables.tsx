import { createColumnHelper } from "@tanstack/react-table";
import { useMemo } from "react";
import type { Finding, FindingGroup } from "../api/types";
import { formatAgo, formatCount, formatShortTime, formatTime } from "../lib/format";
import { Severity } from "../ui/severity";
import { Value, type ValueAction } from "../ui/value_menu";
import { VirtualTable, type Columns } from "../ui/virtual_table";
import { groupText, type GroupBy } from "./filters";

type Actions = (field: string, value: string) => ValueAction[];

export function findingColumns(actionsOf: Actions): Columns<Finding> {
  const column = createColumnHelper<Finding>();
  const value = (field: "host" | "user" | "source" | "tenant", header: string, width: string) => column.accessor(field, {
    id: field, header, meta: { width }, cell: (cell) => <Value field={field} value={cell.getValue()} actions={actionsOf(field, cell.getValue())} inTable />,
  });
  return [
    column.accessor("time", { id: "time", header: "Time", meta: { width: "126px" }, cell: (cell) => <span title={formatTime(cell.getValue(), true)}>{formatShortTime(cell.getValue())}</span> }),
    column.accessor("level", { id: "severity", header: "Severity", meta: { width: "98px" }, cell: (cell) => <Severity level={cell.getValue()} /> }),
    column.accessor("rule_title", { id: "rule", header: "Rule", meta: { width: "minmax(210px, 2fr)" }, cell: (cell) => <Value field="rule" value={cell.row.original.rule_id} actions={actionsOf("rule", cell.row.original.rule_id)} inTable>{cell.getValue()}</Value> }),
    value("host", "Host", "minmax(100px, 0.7fr)"), value("user", "User", "minmax(90px, 0.6fr)"), value("source", "Source", "minmax(90px, 0.6fr)"),
    column.accessor("techniques", { id: "technique", header: "Technique", meta: { width: "104px" }, cell: (cell) => cell.getValue().join(", ") }),
    column.accessor("reason", { id: "reason", header: "Reason", meta: { width: "minmax(160px, 2fr)" }, cell: (cell) => <span className="muted" title={cell.getValue()}>{cell.getValue()}</span> }),
  ];
}

function listed(values: string[], count: number): string {
  return count > 2 ? `${values.slice(0, 2).join(", ")} +${formatCount(count - 2)}` : values.join(", ");
}

export function GroupTable({ groups, by, open, selected, actionsOf }: { groups: FindingGroup[]; by: GroupBy; open: (group: FindingGroup) => void; selected: string | null; actionsOf: Actions }) {
  const columns = useMemo(() => {
    const column = createColumnHelper<FindingGroup>();
    const key = (field: "source" | "host" | "user", header: string) => column.display({ id: `key.${field}`, header, meta: { width: "minmax(110px, 0.8fr)" }, cell: ({ row }) => <Value field={field} value={row.original.key[field] ?? ""} actions={actionsOf(field, row.original.key[field] ?? "")} inTable /> });
    const keys = by.split(",");
    return [
      column.accessor("level", { id: "severity", header: "Severity", meta: { width: "98px" }, cell: (cell) => <Severity level={cell.getValue()} /> }),
      column.accessor("count", { header: "Count", meta: { width: "70px", numeric: true }, cell: (cell) => <b>{formatCount(cell.getValue())}</b> }),
      ...(keys.includes("rule") ? [column.accessor("rule_title", { id: "rule", header: "Rule", meta: { width: "minmax(214px, 2.6fr)" }, cell: (cell) => <span title={cell.getValue()}>{cell.getValue()}</span> })] : []),
      ...(keys.includes("source") ? [key("source", "Source")] : []),
      ...(keys.includes("host") ? [key("host", "Host")] : []),
      ...(keys.includes("user") ? [key("user", "User")] : []),
      ...(keys.includes("rule") ? [] : [column.accessor("rule_title", { id: "rule", header: "Worst rule", meta: { width: "minmax(220px, 2fr)" }, cell: (cell) => <span title={cell.getValue()}>{cell.getValue()}</span> })]),
      ...(keys.includes("host") ? [] : [column.accessor("hosts", { header: "Hosts", meta: { width: "minmax(110px, 1fr)" }, cell: (cell) => <span title={cell.getValue().join(", ")}>{listed(cell.getValue(), cell.row.original.host_count)}</span> })]),
      ...(keys.includes("user") ? [] : [column.accessor("users", { header: "Users", meta: { width: "minmax(90px, 0.8fr)" }, cell: (cell) => listed(cell.getValue(), cell.getValue().length) })]),
      column.accessor("techniques", { header: "Techniques", meta: { width: "minmax(88px, 0.7fr)" }, cell: (cell) => listed(cell.getValue(), cell.getValue().length) }),
      column.accessor("first", { header: "First", meta: { width: "84px" }, cell: (cell) => <span title={formatTime(cell.getValue())}>{formatAgo(cell.getValue())}</span> }),
      column.accessor("last", { header: "Last", meta: { width: "126px" }, cell: (cell) => <span title={formatTime(cell.getValue(), true)}>{formatShortTime(cell.getValue())}</span> }),
    ];
  }, [by, actionsOf]);
  return <VirtualTable label="Groups of findings" pageKeys rows={groups} columns={columns} rowKey={groupText} selected={selected} onOpen={open} footer={<span>{formatCount(groups.length)} groups shown. Open one to see its findings.</span>} />;
}
