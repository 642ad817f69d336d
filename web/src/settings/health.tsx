// The state of the parts, and everything that was lost, refused or cut, counted.
import { useQuery } from "@tanstack/react-query";
import { api } from "../api/client";
import type { Health } from "../api/types";
import { formatBytes, formatCount } from "../lib/format";
import { Icon } from "../ui/icons";
import { Loaded, Notice } from "../ui/states";

const kRefreshMs = 5_000;

export default function HealthPage() {
  const query = useQuery({ queryKey: ["health"], refetchInterval: kRefreshMs, queryFn: ({ signal }) => api.get<Health>("/health", undefined, signal) });
  return (
    <Loaded query={query} what="Health">
      {(health) => (
        <div className="stack">
          {!health.ok && <Notice>Not everything is well: {health.parts.filter((part) => !part.ok).map((part) => part.name).join(", ")}.</Notice>}
          <div className="cards">
            {health.parts.map((part) => (
              <section key={part.name} className="card span-4" aria-label={part.name}>
                <div className="card-head"><h2>{part.name}</h2><span className={`row ${part.ok ? "good" : "bad"}`} style={{ gap: 5 }}><Icon name={part.ok ? "ok" : "warning"} size={13} />{part.ok ? "good" : "problem"}</span></div>
                {part.problem && <p className="bad">{part.problem}</p>}
                <dl className="facts">{Object.entries(part.facts).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name.replace(/_/g, " ")}</dt><dd>{shown(name, value)}</dd></div>)}</dl>
              </section>
            ))}
          </div>
          <section className="card" aria-label="Losses"><div className="card-head"><h2>Losses, limits and blind spots</h2></div>
            {health.losses.length === 0 ? <p className="good"><Icon name="ok" size={13} /> Nothing was lost, and no limit was reached.</p> : (
              <table className="table"><thead><tr><th>What</th><th className="num">Count</th></tr></thead>
                <tbody>{health.losses.map((loss) => <tr key={loss.what}><td>{loss.what}</td><td className={`num ${loss.count > 0 ? "bad" : "muted"}`}>{formatCount(loss.count)}</td></tr>)}</tbody></table>
            )}
          </section>
        </div>
      )}
    </Loaded>
  );
}

function shown(name: string, value: unknown): string {
  if (typeof value === "string" && /^\d+$/.test(value)) return shown(name, Number(value));
  if (typeof value !== "number") return typeof value === "object" ? JSON.stringify(value) : String(value);
  if (/bytes/.test(name)) return formatBytes(value);
  if (/share/.test(name)) return `${(value * 100).toFixed(1)} %`;
  return formatCount(value);
}
