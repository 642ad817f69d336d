// Full SQL, read-only. The query ends on the server when it is cancelled here.
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { lazy, Suspense, useMemo, useRef, useState } from "react";
import { runSearch } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { formatCount, formatMilliseconds } from "../lib/format";
import { useScope, useUrlState } from "../lib/url_state";
import { Icon } from "../ui/icons";
import { Empty, Loading, Notice, problemText } from "../ui/states";
import { VirtualTable } from "../ui/virtual_table";

const Editor = lazy(() => import("../ui/editor"));
const kLimitRows = 10_000;
const example = "SELECT host, count() AS events, uniq(user) AS users\nFROM events\nWHERE time > now() - INTERVAL 1 DAY\nGROUP BY host\nORDER BY events DESC\nLIMIT 100";

export function SqlTab() {
  const { get, set } = useUrlState();
  const scope = useScope();
  const [text, setText] = useState(get("sql") || example);
  const abort = useRef<AbortController | null>(null);
  const run = useMutation({
    mutationFn: (sql: string) => {
      abort.current?.abort();
      abort.current = new AbortController();
      return runSearch<SqlAnswer>("/search/sql", { sql, limit: kLimitRows, from: scope.from, to: scope.to, ...(scope.tenants ? { tenant: scope.tenants } : {}) }, abort.current.signal);
    },
  });
  const start = () => { set({ sql: text }, { replace: true }); run.mutate(text); };
  const cancelled = run.error instanceof DOMException;
  const answer = run.data;
  const rows = useMemo(() => (answer?.rows ?? []).map((values, index) => ({ index, values })), [answer]);
  const columns = useMemo(() => {
    const column = createColumnHelper<{ index: number; values: unknown[] }>();
    return (answer?.columns ?? []).map((info, at) => column.accessor((row) => row.values[at], {
      id: `${at} ${info.name}`, header: () => <span title={info.type}>{info.name}</span>, meta: { numeric: /Int|Float|Decimal/.test(info.type), mono: true, width: "minmax(120px, 1fr)" },
      cell: (cell) => { const value = cell.getValue(); return <span title={String(value)}>{typeof value === "object" ? JSON.stringify(value) : String(value)}</span>; },
    }));
  }, [answer]);
  return (
    <div className="stack grow" style={{ minHeight: 0 }}>
      <Suspense fallback={<Loading what="the editor" />}><Editor language="sql" label="SQL" value={text} onChange={setText} onRun={start} height="150px" /></Suspense>
      <div className="row">
        {run.isPending ? <Button variant="default" leftSection={<Icon name="stop" size={12} />} onClick={() => abort.current?.abort()}>Cancel</Button>
          : <Button leftSection={<Icon name="play" size={12} />} onClick={start}>Run</Button>}
        <span className="muted">Ctrl+Enter runs. Tables: events, findings, dead_letters; your tenants only, read-only, at most {formatCount(kLimitRows)} rows.</span>
        <div className="grow" />
        {answer && <span className="muted" role="status">{formatCount(answer.rows.length)} rows in {formatMilliseconds(answer.elapsed_ms)}</span>}
      </div>
      {run.error ? <Notice kind={cancelled ? "info" : "error"}>{cancelled ? "Cancelled." : problemText(run.error)}</Notice> : null}
      {answer?.truncated && <Notice>There are more rows: these are the first {formatCount(answer.rows.length)}.</Notice>}
      {run.isPending ? <Loading what="the answer" /> : answer && (answer.rows.length === 0 ? <Empty title="The query gave no rows" /> : <VirtualTable label="Result" rows={rows} columns={columns} rowKey={(row) => String(row.index)} />)}
    </div>
  );
}
