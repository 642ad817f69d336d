// A table of any length: only the rows in sight exist. Rows are of one height; columns come from TanStack Table.
//
// Scrolling near the end asks for more (`onEnd`). The selected row is kept in sight. Screen readers get a grid with the
// true number of rows. With the keyboard on it: arrows, Home, End and Enter, unless the page moves its selection itself
// (`pageKeys`).
import { flexRender, getCoreRowModel, useReactTable, type ColumnDef, type Row, type RowData, type VisibilityState } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> { width?: string; numeric?: boolean; mono?: boolean }
}

// Columns of values of different types: TanStack's own name for that is any.
export type Columns<T> = ColumnDef<T, any>[];
export interface Sort { column: string; descending: boolean }

interface Props<T> {
  label: string;
  rows: T[];
  columns: Columns<T>;
  rowKey: (row: T) => string;
  visibility?: VisibilityState;
  total?: number;
  selected?: string | null;
  marked?: Set<string>;
  onOpen?: (row: T, index: number) => void;
  onEnd?: () => void;
  sort?: Sort;
  onSort?: (column: string) => void;
  sortable?: string[];
  rowHeight?: number;
  rowClass?: (row: T) => string;
  footer?: ReactNode;
  pageKeys?: boolean;
}

const kOverscanRows = 8, kAskAheadRows = 200;

interface RowProps {
  id: string; row: Row<unknown>; columns: Columns<unknown>; index: number; start: number; height: number; template: string; selected: boolean; className: string; open: (index: number) => void;
}

// Drawn again only where something of it changed: while scrolling most rows in sight stay as they are.
const TableRow = memo(function TableRow({ id, row, index, start, height, template, selected, className, open }: RowProps) {
  return (
    <div id={id} role="row" aria-rowindex={index + 2} aria-selected={selected} data-key={row.id} className={className}
         style={{ gridTemplateColumns: template, height, transform: `translateY(${start}px)` }} onClick={() => open(index)}>
      {row.getVisibleCells().map((cell) => {
        const meta = cell.column.columnDef.meta;
        return (
          <div key={cell.id} role="gridcell" className={`vt-cell${meta?.numeric ? " num" : ""}${meta?.mono ? " mono" : ""}`}>
            {flexRender(cell.column.columnDef.cell, cell.getContext())}
          </div>
        );
      })}
    </div>
  );
}, (a, b) => a.row.original === b.row.original && a.columns === b.columns && a.start === b.start && a.height === b.height && a.template === b.template && a.className === b.className && a.index === b.index);

export function VirtualTable<T>(props: Props<T>) {
  const { rows, columns, rowKey, selected, marked, onOpen, onEnd, rowHeight = 30, visibility } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: kOverscanRows,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0, last = items[items.length - 1]?.index ?? 0;
  // The table is made of the rows in sight only: to make it of all would take longer with each page that is loaded.
  const data = useMemo(() => rows.slice(first, last + 1), [rows, first, last]);
  const table = useReactTable({
    data, columns, getCoreRowModel: getCoreRowModel(), getRowId: rowKey,
    ...(visibility ? { state: { columnVisibility: visibility } } : {}),
  });
  const model = table.getRowModel().rows;

  useEffect(() => {
    if (onEnd && rows.length > 0 && last >= rows.length - kAskAheadRows) onEnd();
  }, [last, rows.length, onEnd]);

  const selectedIndex = useMemo(() => (selected ? rows.findIndex((row) => rowKey(row) === selected) : -1), [selected, rows, rowKey]);
  useEffect(() => {
    if (selectedIndex >= 0) virtual.scrollToIndex(selectedIndex, { align: "auto" });
  }, [selectedIndex, virtual]);

  const leaves = table.getVisibleLeafColumns();
  const template = leaves.map((column) => column.columnDef.meta?.width ?? "minmax(120px, 1fr)").join(" ");
  const minWidth = leaves.reduce((sum, column) => sum + Number(/(\d+)px/.exec(column.columnDef.meta?.width ?? "")?.[1] ?? 120), 0);
  const headers = table.getHeaderGroups()[0]?.headers ?? [];

  const gridId = useId();
  const latest = useRef({ rows, onOpen });
  latest.current = { rows, onOpen };
  const open = useCallback((index: number) => {
    const row = latest.current.rows[index];
    setActive(null);
    if (row !== undefined) latest.current.onOpen?.(row, index);
  }, []);
  const [active, setActive] = useState<number | null>(null);
  const current = active ?? (selectedIndex >= 0 ? selectedIndex : null);
  const goTo = (index: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== scroller.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = current === null ? undefined : rows[current];
    if (event.key === "Home") goTo(0);
    else if (event.key === "End") goTo(rows.length - 1);
    else if (props.pageKeys) return;
    else if (event.key === "ArrowDown") goTo(current === null ? first : current + 1);
    else if (event.key === "ArrowUp") goTo((current ?? 0) - 1);
    else if (event.key === "Enter" && row && onOpen) onOpen(row, current ?? 0);
    else return;
    event.preventDefault();
  };

  return (
    <div className="vt">
      <div ref={scroller} className="vt-scroll" role="grid" aria-label={props.label} aria-rowcount={(props.total ?? rows.length) + 1}
           aria-readonly tabIndex={0} onKeyDown={onKeyDown} onBlur={() => setActive(null)}
           aria-activedescendant={current !== null && current >= first && current <= last ? `${gridId}-${current}` : undefined}>
        <div role="rowgroup" className="vt-head" style={{ minWidth }}>
          <div role="row" aria-rowindex={1} className="vt-row" style={{ gridTemplateColumns: template }}>
            {headers.map((header) => {
              const id = header.column.id;
              const sorted = props.sort?.column === id;
              const text = flexRender(header.column.columnDef.header, header.getContext());
              const canSort = props.onSort && props.sortable?.includes(id);
              return (
                <div key={header.id} role="columnheader" className={header.column.columnDef.meta?.numeric ? "vt-cell num" : "vt-cell"}
                     aria-sort={sorted ? (props.sort?.descending ? "descending" : "ascending") : undefined}>
                  {canSort
                    ? <button className="plain vt-sort" onClick={() => props.onSort?.(id)}>{text}<span aria-hidden>{sorted ? (props.sort?.descending ? " ↓" : " ↑") : ""}</span></button>
                    : text}
                </div>
              );
            })}
          </div>
        </div>
        <div role="rowgroup" className="vt-body" style={{ height: virtual.getTotalSize(), minWidth }}>
          {items.map((item) => {
            const row = model[item.index - first];
            if (!row) return null;
            const isSelected = row.id === selected;
            const names = ["vt-row", onOpen ? "vt-open" : "", isSelected ? "vt-selected" : "", item.index === active ? "vt-active" : "", marked?.has(row.id) ? "vt-marked" : "", props.rowClass?.(row.original) ?? ""];
            return <TableRow key={row.id} id={`${gridId}-${item.index}`} row={row as Row<unknown>} columns={columns as Columns<unknown>} index={item.index} start={item.start} height={rowHeight}
                             template={template} selected={isSelected} className={names.join(" ")} open={open} />;
          })}
        </div>
      </div>
      {props.footer && <div className="vt-foot">{props.footer}</div>}
    </div>
  );
}
