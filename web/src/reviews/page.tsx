// Blind reviews: a closed incident is judged again by another person, who does not see what the first one said.
import { Button, Radio, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import { levelOf, type Review, type ReviewPair, type ReviewedIncident, type Verdict } from "../api/types";
import { FindingPanel } from "../findings/finding_panel";
import { tacticName } from "../findings/attack_names";
import { kindName, numberOf, reasonNames, roleNames, verdictHelp, verdictNames } from "../incidents/names";
import { formatCount, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { orNull } from "../lib/optional";
import { useKeys } from "../lib/keys";
import { useScope, useUrlState } from "../lib/url_state";
import { AllowedButton } from "../ui/allowed";
import { Severity } from "../ui/severity";
import { Empty, Loaded, Notice } from "../ui/states";
import { AgreementCard } from "./agreement";
import "../incidents/incidents.css";

const judged = ["true_positive", "benign", "false_positive"] as const;
const kShownFindings = 100;

export default function Reviews() {
  const { may } = useSession();
  const scope = useScope();
  const url = useUrlState();
  const shown = url.get("id");
  const [last, setLast] = useState<ReviewPair | null>(null);
  useKeys({ Escape: () => { if (shown) url.set({ id: null }); } });
  const query = useQuery({ queryKey: ["reviews", "next"], enabled: may("findings.write"), staleTime: Infinity, queryFn: ({ signal }) => orNull(api.get<{ review: Review | null }>("/reviews/next", undefined, signal)) });
  return (
    <div className="page">
      <div className="page-head"><h1>Reviews</h1><span className="muted">Closed incidents, judged again by somebody else, who is not told how they were closed</span></div>
      {last && <section className="card row wrap" aria-label="Your last answer" role="status"><b>{last.first === last.second ? "You agree" : "You disagree"}</b><span><Link to={`/incidents/${numberOf(last.incident)}${scope.query}`} style={{ textDecoration: "underline" }}>{last.incident}</Link>: {last.first_by} said {nameOf(last.first)}, you said {nameOf(last.second)}.</span></section>}
      {!may("findings.write") ? <Notice kind="info">Reviewing needs the right "findings.write", which your role does not have.</Notice> : (
        <Loaded query={query} what="A review">
          {(data) => data === null ? <Empty title="This server has no reviews">A newer one is needed for them.</Empty>
            : data.review === null ? <section className="card" aria-label="Nothing to review"><Empty title="Nothing to review">A part of the closed incidents is sampled; those you closed or worked on yourself are given to others.</Empty></section>
            : (
              <div className="split" style={{ flex: "none" }}>
                <div className="grow"><OneReview key={data.review.id} review={data.review} done={(pair) => { setLast(pair); url.set({ id: null }); }} open={(id) => url.set({ id })} narrow={shown !== ""} /></div>
                {shown && <FindingPanel key={shown} id={shown} close={() => url.set({ id: null })} actionsOf={() => []} blind />}
              </div>
            )}
        </Loaded>
      )}
      <AgreementCard from="now-30d" to="now" tenant={scope.tenant} span="" />
    </div>
  );
}

const nameOf = (verdict: Verdict) => (verdict ? verdictNames[verdict].toLowerCase() : "nothing");

function OneReview({ review, done, open, narrow }: { review: Review; done: (pair: ReviewPair) => void; open: (finding: string) => void; narrow: boolean }) {
  const { busy, change } = useChange(["reviews"]);
  const [verdict, setVerdict] = useState<Verdict>("");
  const [why, setWhy] = useState("");
  const { incident } = review;
  const missing = !verdict ? "Say what it was" : !why.trim() ? "Say why" : undefined;
  const send = () => {
    if (missing) return;
    void change("The review", "", async () => { done(await api.post<ReviewPair>(`/reviews/${review.id}`, { verdict, why: why.trim() })); });
  };
  return (
    <div className="cards">
      <section className={`card stack ${narrow ? "span-12" : "span-8"}`} aria-label={`What ${incident.id} was`}>
        <div className="row wrap"><Severity level={levelOf(incident.severity_id)} /><h2>{incident.id} {incident.title}</h2></div>
        {incident.summary && <p className="summary">{incident.summary}</p>}
        <Facts incident={incident} />
        {(incident.findings?.length ?? 0) > 0 && (
          <div className="table-wrap" style={{ maxHeight: 340 }} tabIndex={0} role="region" aria-label="Its findings"><table className="table"><thead><tr><th>Time</th><th>Severity</th><th>Rule</th><th>Host</th><th>User</th><th>Why it is here</th></tr></thead>
            <tbody>{incident.findings?.slice(0, kShownFindings).map((finding) => <tr key={finding.id}><td style={{ whiteSpace: "nowrap" }}>{formatTime(finding.time)}</td><td><Severity level={levelOf(finding.severity_id)} /></td><td><Button variant="transparent" size="compact-xs" className="link-button" onClick={() => open(finding.id)}>{finding.rule_title}</Button></td><td>{finding.host}</td><td>{finding.user}</td><td>{finding.reasons[0]?.text || reasonNames[finding.reasons[0]?.kind ?? ""] || ""}</td></tr>)}</tbody></table></div>
        )}
        {(incident.history?.length ?? 0) > 0 && <details><summary>What happened until it was closed</summary><table className="table"><tbody>{incident.history?.map((entry, i) => <tr key={i}><td style={{ whiteSpace: "nowrap" }}>{formatTime(entry.at)}</td><td>{entry.text}</td></tr>)}</tbody></table></details>}
      </section>
      <section className={`card stack ${narrow ? "span-12" : "span-4"}`} aria-label="Your judgement">
        <h2>Your judgement</h2>
        <form className="stack" onSubmit={(event) => { event.preventDefault(); send(); }}>
          <Radio.Group label="What was it?" value={verdict} onChange={(value) => setVerdict(value as Verdict)} withAsterisk>
            <div className="stack" style={{ gap: 7, marginTop: 6 }}>{judged.map((value) => <Radio key={value} size="xs" value={value} label={verdictNames[value]} description={verdictHelp[value]} />)}</div>
          </Radio.Group>
          <Textarea label="Why" rows={3} required value={why} onChange={(event) => setWhy(event.currentTarget.value)} />
          <p className="muted">The first verdict is shown after yours. Neither is changed by it.</p>
          <AllowedButton right="findings.write" type="submit" loading={busy} also={missing} onClick={() => undefined}>Answer</AllowedButton>
        </form>
      </section>
    </div>
  );
}

function Facts({ incident }: { incident: ReviewedIncident }) {
  return (
    <dl className="facts">
      <dt>Events</dt><dd>{formatTime(incident.first_event)} – {formatTime(incident.last_event)}</dd>
      <dt>Size</dt><dd>{formatCount(incident.finding_count)} findings of {formatCount(incident.rule_count)} rules on {formatCount(incident.host_count)} hosts, {formatCount(incident.user_count)} users</dd>
      {(incident.tactics?.length ?? 0) > 0 && <><dt>Tactics</dt><dd>{incident.tactics?.map(tacticName).join(", ")}</dd></>}
      {incident.entities?.slice(0, 12).map((entity) => <div key={`${entity.kind} ${entity.key} ${entity.role}`} style={{ display: "contents" }}><dt>{kindName(entity.kind)}</dt><dd>{entity.label || entity.key} <span className="muted">{roleNames[entity.role] ?? entity.role}</span></dd></div>)}
    </dl>
  );
}

