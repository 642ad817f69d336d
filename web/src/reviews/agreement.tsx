// How far first and second verdicts agree, and on which incidents they do not.
import { Link } from "react-router-dom";
import type { ReviewMeasure, ReviewPair } from "../api/types";
import { numberOf, verdictNames } from "../incidents/names";
import { formatCount } from "../lib/format";
import { useOptional } from "../lib/optional";
import { useScope } from "../lib/url_state";
import { Loaded, Notice } from "../ui/states";

const percent = (part: number) => `${Math.round(part * 100)} %`;

export function AgreementCard({ from, to, tenant, span }: { from: string; to: string; tenant: string; span: string }) {
  const scope = useScope();
  const query = useOptional<ReviewMeasure>(["reviews", "measure", from, to, tenant], "/reviews/measure", { from, to, tenant });
  if (query.data === null) return null;
  return (
    <section className={`card stack ${span}`} aria-label="Agreement" style={{ gap: 8 }}>
      <div className="card-head" style={{ marginBottom: 0 }}><h2>Agreement of verdicts</h2>{query.data && <span className="muted">{formatCount(query.data.reviewed)} of {formatCount(query.data.sampled)} sampled incidents reviewed, of {formatCount(query.data.closed)} closed</span>}</div>
      <Loaded query={query} what="The agreement">{(data) => data && <Figures data={data} query={scope.query} />}</Loaded>
    </section>
  );
}

function Figures({ data, query }: { data: ReviewMeasure; query: string }) {
  const { agreement, kappa, pairs } = data;
  return (
    <>
      {agreement === null || data.reviewed === 0 ? <p className="muted">None has been reviewed, so nothing can be said.</p> : (
        <div className="row wrap" style={{ gap: 14 }}><span className="figure">{percent(agreement.mean)}</span>
          <span>of the reviews agree ({formatCount(data.agreed)} of {formatCount(data.reviewed)}). The true share lies between <b>{percent(agreement.low)}</b> and <b>{percent(agreement.high)}</b>.{kappa !== null && kappa !== undefined && <> Kappa {kappa.toFixed(2)} <span className="muted">(1: always, 0: as by chance)</span></>}</span></div>
      )}
      {data.complete === false && <Notice>There are more closed incidents than were counted: a shorter range of time counts all.</Notice>}
      {pairs.length > 0 && <Pairs pairs={pairs} query={query} />}
    </>
  );
}

function Pairs({ pairs, query }: { pairs: ReviewPair[]; query: string }) {
  return (
    <div className="table-wrap" style={{ maxHeight: 260 }} tabIndex={0} role="region" aria-label="Reviewed incidents"><table className="table"><thead><tr><th>Incident</th><th>First</th><th>Second</th><th>Why</th></tr></thead>
      <tbody>{pairs.map((pair) => <tr key={`${pair.incident} ${pair.second_by}`}><td><Link to={`/incidents/${numberOf(pair.incident)}${query}`}>{pair.incident}</Link></td><td>{pair.first ? verdictNames[pair.first] : ""} <span className="muted">{pair.first_by}</span></td><td className={pair.first === pair.second ? "" : "warn"}>{pair.second ? verdictNames[pair.second] : ""}{pair.first !== pair.second && " (another)"} <span className="muted">{pair.second_by}</span></td><td>{pair.why}</td></tr>)}</tbody></table></div>
  );
}
