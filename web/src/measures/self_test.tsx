// Made events, sent through each source: do they come back as findings, and how soon?
import { Link } from "react-router-dom";
import { api } from "../api/client";
import type { SelfTest } from "../api/types";
import { formatDuration } from "../incidents/names";
import { formatAgo, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { useOptional } from "../lib/optional";
import { useScope } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Icon } from "../ui/icons";
import { Loaded } from "../ui/states";
import { Card } from "./cards";
import { forbidden } from "./coverage";

export const kSelfTestRight = "settings.write";
const kRefreshMs = 10_000;
const states = { ok: ["ok", "good", "Came back"], missed: ["warning", "bad", "Missed"], running: ["clock", "muted", "Running"] } as const;

const kShownRuns = 60;

// Runs come newest first: of each source the last one that has ended.
export function latestOf(items: SelfTest["items"]): SelfTest["items"] {
  const seen = new Set<string>();
  return items.filter((item) => { const key = `${item.source} ${item.kind}`; if (item.state === "running" || seen.has(key)) return false; seen.add(key); return true; });
}

export const useSelfTest = () => useOptional<SelfTest>(["self-test"], "/self-test", undefined, { refetchInterval: kRefreshMs });

export function SelfTestCard({ span }: { span: string }) {
  const scope = useScope();
  const query = useSelfTest();
  const { busy, change } = useChange(["self-test"]);
  if (query.data === null || forbidden(query.error)) return null;
  return (
    <Card title="Self-test" span={span} about={query.data && (query.data.every_s > 0 ? `each ${formatDuration(query.data.every_s)}, through every source` : "only when asked for")}>
      <Loaded query={query} what="The self-test">
        {(data) => data && (
          <div className="stack" style={{ gap: 8 }}>
            {data.items.length === 0 ? <p className="muted">No source can be tested.</p> : (
              <div className="table-wrap" tabIndex={0} role="region" aria-label="Table of self-tests"><table className="table"><thead><tr><th>Source</th><th>State</th><th className="num">Detected after</th><th>Last</th><th>Problem</th></tr></thead>
                <tbody>{data.items.slice(0, kShownRuns).map((item, i) => {
                  const [icon, className, name] = states[item.state] ?? states.missed;
                  return <tr key={i}><td><Link to={`/sources${scope.query ? `${scope.query}&` : "?"}id=${encodeURIComponent(item.source)}`}>{item.source}</Link> <span className="muted">{item.kind}</span></td><td className={className} style={{ whiteSpace: "nowrap" }}><Icon name={icon} size={12} /> {name}</td><td className="num">{formatDuration(item.detect_s)}</td><td title={formatTime(item.at)}>{formatAgo(item.at)}</td><td style={{ whiteSpace: "normal" }}>{item.problem}</td></tr>;
                })}</tbody></table></div>
            )}
            <div className="row"><AllowedButton right={kSelfTestRight} size="compact-xs" variant="default" loading={busy} onClick={() => { void change("The self-test", "The self-test is under way", () => api.post("/self-test/run")); }}>Run it now</AllowedButton></div>
          </div>
        )}
      </Loaded>
    </Card>
  );
}
