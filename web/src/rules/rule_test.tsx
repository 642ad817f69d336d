// A rule over the stored events of the last hours: what it would have found.
import { Button, Select } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { RuleTest } from "../api/types";
import { WhyItFired } from "../findings/why";
import { formatCount, formatMilliseconds, formatTime } from "../lib/format";
import { Icon } from "../ui/icons";
import { Loading, Notice, problemText } from "../ui/states";

const kShown = 50;
const ranges = [["now-1h", "Last hour"], ["now-4h", "Last 4 hours"], ["now-24h", "Last 24 hours"], ["now-7d", "Last 7 days"]] as const;

export function TestRule({ rule }: { rule: { id: string } | { text: string } }) {
  const { may } = useSession();
  const [from, setFrom] = useState("now-24h");
  const abort = useRef<AbortController | null>(null);
  const run = useMutation({ mutationFn: () => { abort.current = new AbortController(); return api.post<RuleTest>("/rules/test", { ...rule, from, to: "now", limit: kShown }, abort.current.signal); } });
  if (!may("rules.write")) return <p className="muted">Testing needs the right "rules.write", which your role does not have.</p>;
  const cancelled = run.error instanceof DOMException;
  return (
    <div className="stack">
      <div className="row">
        <Select size="xs" w={150} aria-label="Test against" allowDeselect={false} data={ranges.map(([value, label]) => ({ value, label }))} value={from} onChange={(value) => setFrom(value ?? "now-24h")} />
        {run.isPending ? <Button size="xs" variant="default" leftSection={<Icon name="stop" size={11} />} onClick={() => abort.current?.abort()}>Cancel</Button> : <Button size="xs" leftSection={<Icon name="play" size={11} />} onClick={() => run.mutate()}>Test</Button>}
        {run.data && <span role="status"><b>{formatCount(run.data.matches)}</b> of {formatCount(run.data.events_read)} events match <span className="muted">({formatMilliseconds(run.data.elapsed_ms)})</span></span>}
      </div>
      {run.isPending && <Loading what="events and trying the rule on them" />}
      {run.error ? <Notice kind={cancelled ? "info" : "error"}>{cancelled ? "Cancelled." : problemText(run.error)}</Notice> : null}
      {run.data && !run.data.complete && <Notice>Not all events of the range were read: the limits of time or rows came first. The count is of those read.</Notice>}
      {run.data?.problems.map((problem, i) => <Notice key={i} kind="error">{problem}</Notice>)}
      {run.data?.items.map(({ event, why }) => (
        <details key={event.id} className="card" style={{ padding: "8px 12px" }}>
          <summary>{formatTime(event.time)} · {[event["host"], event["user"], event["process_name"] ?? event["message"]].filter(Boolean).join(" · ")}</summary>
          <div style={{ paddingTop: 8 }}><WhyItFired why={why} /></div>
        </details>
      ))}
    </div>
  );
}
