// The state of a search in the address, and the questions asked for it.
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api, runSearch } from "../api/client";
import type { ColumnInfo, FieldInfo, Histogram, SearchCheck, SearchPage } from "../api/types";
import { excludeTerm, includeTerm } from "../lib/search_text";
import { useScope, useUrlState } from "../lib/url_state";
import type { ValueAction } from "../ui/value_menu";

const kPageRows = 1000;
const kCheckDelayMs = 180;
// `summary` is no field: the first of those that say what happened (pages/search.tsx).
export const defaultColumns = ["time", "host", "user", "source", "event_code", "summary"];

export function useSearchState() {
  const url = useUrlState();
  const scope = useScope();
  const query = url.get("q");
  const columns = useMemo(() => (url.params.get("columns") ?? "").split(",").filter(Boolean), [url.params]);
  const shown = columns.length > 0 ? columns : defaultColumns;
  const sort = url.get("sort", "-time");
  const set = url.set;
  const ask = useCallback((text: string) => set({ q: text, id: null }), [set]);
  const actionsOf = useCallback((field: string, value: string): ValueAction[] => [
    { label: "Include", run: () => ask(includeTerm(query, field, value)) },
    { label: "Exclude", run: () => ask(excludeTerm(query, field, value)) },
    { label: "Only this", run: () => ask(includeTerm("", field, value)) },
  ], [ask, query]);
  const toggleColumn = useCallback((name: string) => {
    const next = shown.includes(name) ? shown.filter((other) => other !== name) : [...shown, name];
    set({ columns: next.join(",") === defaultColumns.join(",") ? null : next.join(",") }, { replace: true });
  }, [shown, set]);
  const question = useMemo(() => ({ query, from: scope.from, to: scope.to, ...(scope.tenants ? { tenant: scope.tenants } : {}) }), [query, scope.from, scope.to, scope.tenants]);
  return { ...url, scope, query, shown, sort, ask, actionsOf, toggleColumn, question };
}

export type Question = ReturnType<typeof useSearchState>["question"];

// `run` counts how often the same question was asked.
export function useSearchAnswers(question: Question, sort: string, run: number) {
  const key = [question, run];
  const check = useQuery({ ...checkOptions(question.query, question), enabled: question.query !== "" });
  // A text that is wrong would fail three times; where the check itself fails the search may tell more.
  const enabled = question.query === "" || check.data?.ok === true || check.isError;
  const rows = useInfiniteQuery({
    queryKey: ["search", "rows", sort, ...key], enabled, initialPageParam: "", staleTime: Infinity, retry: false,
    queryFn: ({ pageParam, signal }) => runSearch<SearchPage>("/search", { ...question, sort, limit: kPageRows, ...(pageParam ? { cursor: pageParam } : {}) }, signal),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const histogram = useQuery({
    queryKey: ["search", "histogram", ...key], enabled, staleTime: Infinity, retry: false, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => runSearch<Histogram>("/search/histogram", { ...question, buckets: 90 }, signal),
  });
  const fields = useQuery({
    queryKey: ["search", "fields", ...key], enabled, staleTime: Infinity, retry: false, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => runSearch<{ items: FieldInfo[] }>("/search/fields", question, signal),
  });
  return { rows, histogram, fields, checking: check.isFetching, wrong: check.data?.ok === false ? check.data : null };
}

export function useColumns() {
  return useQuery({ queryKey: ["search", "columns"], staleTime: Infinity, queryFn: () => api.get<{ items: ColumnInfo[] }>("/search/columns") });
}

function checkOptions(text: string, question: Question) {
  return {
    queryKey: ["search", "check", text], staleTime: Infinity, retry: false,
    queryFn: ({ signal }: { signal: AbortSignal }) => api.post<SearchCheck>("/search/check", { ...question, query: text }, signal),
  };
}

// What the server says of the text while it is typed.
export function useCheck(text: string, question: Question): SearchCheck {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), kCheckDelayMs);
    return () => window.clearTimeout(timer);
  }, [text]);
  const check = useQuery({ ...checkOptions(settled, question), enabled: settled.trim() !== "" });
  return settled === text && settled.trim() !== "" && check.data ? check.data : { ok: true };
}
