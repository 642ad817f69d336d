// One stream of server-sent events for the whole console; parts of it subscribe by topic.
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { Finding, Incident, Rates, SourceStatus } from "./types";

export interface LiveEvents { finding: Finding; rates: Rates; sources: Partial<SourceStatus> & { name: string }; health: unknown; incident: Incident }
type Topic = keyof LiveEvents;
type Handler = (data: never) => void;
export type LiveState = "connecting" | "live" | "broken";

interface Live { state: LiveState; on: (topic: Topic, handler: Handler) => () => void }
const LiveContext = createContext<Live | null>(null);
const topics: Topic[] = ["finding", "rates", "sources", "health", "incident"];
const kFirstRetryMs = 1_000, kLastRetryMs = 30_000;

export function LiveProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<LiveState>("connecting");
  const handlers = useRef(new Map<Topic, Set<Handler>>());

  useEffect(() => {
    let source: EventSource | null = null;
    let timer = 0;
    let wait = kFirstRetryMs;
    const open = () => {
      source = new EventSource("/api/v1/live?topics=findings,rates,sources,health,incidents");
      source.onopen = () => { wait = kFirstRetryMs; setState("live"); };
      source.onerror = () => {
        setState("broken");
        // The browser tries again by itself unless the server answered with an error.
        if (source?.readyState === EventSource.CLOSED) {
          timer = window.setTimeout(open, wait);
          wait = Math.min(wait * 2, kLastRetryMs);
        }
      };
      for (const topic of topics) {
        source.addEventListener(topic, (event) => {
          const data = JSON.parse((event as MessageEvent<string>).data) as never;
          handlers.current.get(topic)?.forEach((handler) => handler(data));
        });
      }
    };
    open();
    return () => { window.clearTimeout(timer); source?.close(); };
  }, []);

  const live = useMemo<Live>(() => ({
    state,
    on: (topic, handler) => {
      const set = handlers.current.get(topic) ?? new Set();
      handlers.current.set(topic, set.add(handler));
      return () => { set.delete(handler); };
    },
  }), [state]);
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

export function useLiveState(): LiveState { return useContext(LiveContext)?.state ?? "connecting"; }

export function useLive<T extends Topic>(topic: T, handler: (data: LiveEvents[T]) => void): void {
  const on = useContext(LiveContext)?.on;
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => on?.(topic, ((data: LiveEvents[T]) => latest.current(data)) as Handler), [on, topic]);
}
