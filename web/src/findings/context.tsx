// What stands beside a finding: its incident, how common its values are, what happened near it, what to do next.
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { FindingDetail, FindingPage, Incident, RuleDetail } from "../api/types";
import { numberOf, stateNames, verdictNames } from "../incidents/names";
import { formatAgo, formatCount, formatTime } from "../lib/format";
import { useOptional } from "../lib/optional";
import { useScope, useUrlState } from "../lib/url_state";
import { Icon } from "../ui/icons";
import { Loaded, problemText } from "../ui/states";
import { Value } from "../ui/value_menu";
import { countValue, kLookBackDays, kMaxValues, matchedValues, type Common } from "./prevalence";
import { RelatedList } from "./related_list";

const kNearMs = 3_600_000, kNearRows = 10;

export function InIncident({ id }: { id: string | null }) {
  const scope = useScope();
  const number = id ? numberOf(id) : 0;
  const { data: incident } = useOptional<Incident>(["incident", number], `/incidents/${number}`, undefined, { enabled: number > 0, staleTime: 10_000 });
  return (
    <section className="stack" style={{ gap: 6 }} aria-label="Incident">
      <h2>Incident</h2>
      {id === null ? <p className="muted">It is in no incident.</p> : (
        <div className="row wrap"><span className="chip">In incident <b>{id}</b></span>
          {incident && <><Link to={`/incidents/${number}${scope.query}`} style={{ textDecoration: "underline" }}>{incident.title}</Link><span className="muted">{stateNames[incident.state]}{incident.verdict ? `, ${verdictNames[incident.verdict].toLowerCase()}` : ""} · {incident.owner || "nobody's"} · {formatCount(incident.finding_count)} finding{incident.finding_count === 1 ? "" : "s"}</span></>}
        </div>
      )}
    </section>
  );
}

export function Prevalence({ finding }: { finding: FindingDetail }) {
  const { may } = useSession();
  const all = matchedValues(finding.why?.predicates ?? finding.why?.matches ?? []);
  const values = all.slice(0, kMaxValues);
  const query = useQuery({
    queryKey: ["prevalence", finding.id], enabled: values.length > 0 && may("search.run"), staleTime: 300_000, retry: false,
    queryFn: async ({ signal }) => {
      const counted: Common[] = [];
      for (const { field, value } of values) {
        counted.push(await countValue(finding, field, value, signal).catch((error: unknown) => {
          if (signal.aborted) throw error;
          return { field, value, fleet: 0, hosts: 0, here: 0, first: null, problem: problemText(error) };
        }));
      }
      return counted;
    },
  });
  if (values.length === 0) return null;
  return (
    <section className="stack" style={{ gap: 6 }} aria-label="How common it is">
      <h2>How common it is</h2>
      {!may("search.run") ? <p className="muted">This needs the right "search.run", which your role does not have.</p> : (
        <Loaded query={query} what="How common it is">
          {(counted) => (
            <>
              <div className="table-wrap" tabIndex={0} role="region" aria-label="Table of matched values"><table className="table">
                <thead><tr><th>Value</th><th className="num">On {finding.host || "this host"}</th><th className="num">In the fleet</th><th>First seen</th></tr></thead>
                <tbody>{counted.map((one) => (
                  <tr key={`${one.field} ${one.value}`}>
                    <td style={{ overflowWrap: "anywhere", whiteSpace: "normal" }}><span className="muted mono">{one.field}</span> <Value field={one.field} value={one.value}><span className="mono" style={{ overflowWrap: "anywhere", whiteSpace: "normal", textAlign: "left" }}>{one.value.length > 90 ? `${one.value.slice(0, 90)}…` : one.value}</span></Value></td>
                    {one.problem ? <td colSpan={3} className="bad">{one.problem}</td>
                      : one.fleet === 0 ? <td colSpan={3} className="muted">No stored event has exactly this value</td>
                      : <><td className="num">{finding.host ? formatCount(one.here) : "-"}</td><td className="num">{formatCount(one.fleet)} <span className="muted">on {formatCount(one.hosts)} host{one.hosts === 1 ? "" : "s"}</span></td>
                        <td style={{ whiteSpace: "nowrap" }} title={formatTime(one.first)}>{formatAgo(one.first)}</td></>}
                  </tr>
                ))}</tbody></table></div>
              <p className="muted">Events of the {kLookBackDays} days before it and the day after{all.length > values.length ? `; the first ${values.length} of ${all.length} values` : ""}.</p>
            </>
          )}
        </Loaded>
      )}
    </section>
  );
}

export function Near({ finding }: { finding: FindingDetail }) {
  const { set } = useUrlState();
  const scope = useScope();
  const at = new Date(finding.time).getTime();
  const range = { from: new Date(at - kNearMs).toISOString(), to: new Date(at + kNearMs).toISOString() };
  const query = useQuery({
    queryKey: ["findings", "near", finding.id], enabled: finding.host !== "", staleTime: 60_000,
    queryFn: ({ signal }) => api.get<FindingPage>("/findings", { ...range, host: finding.host, tenant: finding.tenant, sort: "time", limit: kNearRows + 1 }, signal),
  });
  if (!finding.host) return null;
  const params = new URLSearchParams({ ...range, ...(scope.tenant ? { tenant: scope.tenant } : {}), host: finding.host, view: "list" });
  return (
    <section className="stack" style={{ gap: 6 }} aria-label="Near it on the same host">
      <h2>On {finding.host} within an hour</h2>
      <Loaded query={query} what="Findings near it">
        {({ items, total }) => {
          const others = items.filter((item) => item.id !== finding.id).slice(0, kNearRows);
          if (others.length === 0) return <p className="muted">Nothing else fired there.</p>;
          return <><RelatedList label="Findings near it" items={others} open={(id) => set({ id })} />{total > kNearRows + 1 && <p><Link to={`/findings?${params}`}>All {formatCount(total)}</Link></p>}</>;
        }}
      </Loaded>
    </section>
  );
}

export function WhatNext({ finding, blind }: { finding: FindingDetail; blind: boolean }) {
  const { may } = useSession();
  const query = useOptional<RuleDetail>(["rules", "one", finding.rule_id], `/rules/${encodeURIComponent(finding.rule_id)}`, undefined, { enabled: may("rules.read"), staleTime: 300_000 });
  const rule = query.data;
  const notes = (rule?.falsepositives ?? []).filter(Boolean), references = rule?.references ?? [];
  return (
    <section className="stack" style={{ gap: 6 }} aria-label="What to do next">
      <h2>What to do next</h2>
      {query.error ? <p className="muted">{problemText(query.error)}</p> : null}
      {rule === null && <p className="muted">Its rule is not there any more, and so are its notes.</p>}
      {notes.length > 0 && <><h3>Rule out first</h3><ul className="prose" style={{ margin: 0, paddingLeft: 18 }}>{notes.map((note) => <li key={note}>{note}</li>)}</ul></>}
      {references.length > 0 && <><h3>Read on</h3><ul className="prose" style={{ margin: 0, paddingLeft: 18 }}>{references.map((reference) => <li key={reference} style={{ overflowWrap: "anywhere" }}>{/^https?:\/\//.test(reference) ? <a href={reference} target="_blank" rel="noreferrer noopener">{reference}</a> : reference}</li>)}</ul></>}
      {rule && notes.length === 0 && references.length === 0 && <p className="muted">Its rule has neither notes on false positives nor references.</p>}
      {!blind && <ol className="prose" style={{ margin: 0, paddingLeft: 18 }}>
        <li>{finding.host ? <>See what else is known of <Link to={`/entities/host/${encodeURIComponent(finding.host.toLowerCase())}`}>{finding.host}</Link>{finding.user && <> and <Link to={`/entities/user/${encodeURIComponent(finding.user.toLowerCase())}`}>{finding.user}</Link></>}.</> : "See the raw event below."}</li>
        <li>{finding.incident ? <>Work on it in {finding.incident}: it holds what belongs to it.</> : "Where it is one of an attack, open an incident."}</li>
        <li><Icon name="silent" size={12} /> Where it is expected, suppress it: what that would have silenced is shown first.</li>
      </ol>}
    </section>
  );
}
