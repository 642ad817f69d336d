// Loading, empty, partial and failed: each says what is missing and why.
import { Button, Loader } from "@mantine/core";
import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { Icon } from "./icons";

export function Loading({ what }: { what: string }) {
  return <div className="state" role="status"><Loader size="sm" aria-hidden /><p>Loading {what} …</p></div>;
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return <div className="state"><p className="state-title">{title}</p>{children && <div className="muted">{children}</div>}</div>;
}

export function problemText(error: unknown): string {
  if (error instanceof Problem) {
    if (error.status === 403) return error.right ? `You may not do this: it needs the right "${error.right}". An administrator can give you a role that has it.` : error.message;
    if (error.status === 429) return `Too many requests${error.retryAfterSeconds ? `; again in ${error.retryAfterSeconds} s` : ""}.`;
    return error.hint ? `${error.message} ${error.hint}` : error.message;
  }
  return error instanceof Error ? error.message : String(error);
}

export function Failed({ what, error, retry }: { what: string; error: unknown; retry?: (() => void) | undefined }) {
  return (
    <div className="state" role="alert">
      <Icon name="warning" size={20} className="bad" />
      <p className="state-title">{what} could not be loaded</p>
      <p className="muted">{problemText(error)}</p>
      {retry && <Button size="xs" variant="default" onClick={retry}>Try again</Button>}
    </div>
  );
}

export function Notice({ kind = "warning", children }: { kind?: "warning" | "info" | "error"; children: ReactNode }) {
  return <div className={`notice notice-${kind}`} role={kind === "error" ? "alert" : "note"}><Icon name={kind === "info" ? "help" : "warning"} /><div>{children}</div></div>;
}

interface QueryLike<T> { data: T | undefined; isPending: boolean; error: unknown; refetch: () => unknown; fetchStatus?: string }

// What a query gave, or the state it is in. Old data stays while newer is on the way or has failed, and says so.
export function Loaded<T>({ query, what, children }: { query: QueryLike<T>; what: string; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) {
    return (
      <>
        {query.error ? <Notice>This is not the newest: {problemText(query.error)}</Notice> : null}
        {children(query.data)}
      </>
    );
  }
  if (query.error) return <Failed what={what} error={query.error} retry={() => { void query.refetch(); }} />;
  return <Loading what={what.toLowerCase()} />;
}
