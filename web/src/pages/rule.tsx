import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { Link, useNavigate, useParams } from "react-router-dom";
import { api } from "../api/client";
import type { RuleDetail } from "../api/types";
import { Sparkline } from "../charts/sparkline";
import { formatAgo, formatCount, formatNanoseconds, formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { useScope } from "../lib/url_state";
import { ModeSwitch, modeNames } from "../rules/mode";
import { TestRule } from "../rules/rule_test";
import { AllowedButton } from "../ui/allowed";
import { Confirm } from "../ui/confirm";
import { Icon } from "../ui/icons";
import { Severity } from "../ui/severity";
import { Loaded, Loading, Notice } from "../ui/states";

const Editor = lazy(() => import("../ui/editor"));

export default function Rule() {
  const { id = "" } = useParams();
  const query = useQuery({ queryKey: ["rules", "one", id], queryFn: ({ signal }) => api.get<RuleDetail>(`/rules/${encodeURIComponent(id)}`, undefined, signal) });
  return <div className="page"><Loaded query={query} what="The rule">{(rule) => <RuleView rule={rule} />}</Loaded></div>;
}

function RuleView({ rule }: { rule: RuleDetail }) {
  const scope = useScope();
  const navigate = useNavigate();
  const { busy, change } = useChange(["rules", "overview", "attack"]);
  const [deleting, setDeleting] = useState(false);
  const path = `/rules/${encodeURIComponent(rule.id)}`;
  const params = new URLSearchParams(scope.query);
  params.set("rule", rule.id);
  params.set("view", "list");
  const facts: [string, ReactNode][] = [
    ["Kind", rule.kind], ["Status", rule.status], ["Log source", Object.values(rule.logsource).filter(Boolean).join(" / ") || "any"],
    ["Hits", `${formatCount(rule.hits)} in all, ${formatCount(rule.hits_24h)} in 24 hours`], ["Last hit", rule.last_hit_at ? `${formatTime(rule.last_hit_at)} (${formatAgo(rule.last_hit_at)})` : "never"],
    ["Cost", rule.cost_ns === null ? "not measured yet" : `${formatNanoseconds(rule.cost_ns)} each time it is evaluated (${formatCount(rule.cost_samples)} measured)`], ["Techniques", rule.techniques.join(", ")], ["Tactics", rule.tactics.join(", ")], ["Author", rule.author], ["Date", rule.date],
    ["File", <span key="path" className="mono">{rule.path}</span>], ["Id", <span key="id" className="mono">{rule.id}</span>], ["Changed", rule.changed_by ? `by ${rule.changed_by}, ${formatTime(rule.changed_at)}` : ""],
    ["False positives", rule.falsepositives.join("; ")],
  ];
  return (
    <>
      <div className="page-head">
        <Link to={`/rules${scope.query}`} aria-label="Back to the rules"><Icon name="back" /></Link>
        <Severity level={rule.level} />
        <h1>{rule.title}</h1>
        <div className="grow" />
        <ModeSwitch mode={rule.mode} busy={busy} change={(mode) => { void change("Changing the mode", `"${rule.title}": ${modeNames[mode].toLowerCase()}`, () => api.put(`${path}/mode`, { mode })); }} />
        <AllowedButton right="rules.write" also={rule.origin === "user" ? undefined : "Only rules of the user's folder can be deleted; switch it off"} size="xs" variant="default" onClick={() => setDeleting(true)}>Delete</AllowedButton>
      </div>
      {rule.blind && <Notice>Blind: {rule.blind}</Notice>}
      {rule.mode === "draft" && <Notice kind="info">Draft: hits are counted, findings are not made.</Notice>}
      <div className="cards">
        <section className="card span-7 stack" aria-label="Source text">
          <div className="card-head" style={{ marginBottom: 0 }}><h2>Source</h2><Link to={`/rules/new?copy=${encodeURIComponent(rule.id)}`}>Copy to a rule of your own</Link></div>
          <Suspense fallback={<Loading what="the text" />}><Editor language="yaml" label="Text of the rule" value={rule.text} readOnly /></Suspense>
        </section>
        <div className="span-5 stack">
          <section className="card stack" aria-label="About">
            {rule.description && <p>{rule.description}</p>}
            <div className="row"><Sparkline values={rule.rates} width={220} height={34} label={`Hits an hour in the last day, at most ${Math.max(0, ...rule.rates)}`} /><span className="muted">hits an hour, 24 hours</span></div>
            <Link to={`/findings?${params}`}>Its findings</Link>
            <dl className="facts">{facts.filter(([, value]) => value).map(([name, value]) => <div key={name} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
            {rule.references.length > 0 && <><h3>References</h3><ul className="prose" style={{ margin: 0, paddingLeft: 18 }}>{rule.references.map((reference) => <li key={reference} style={{ overflowWrap: "anywhere" }}>{/^https?:\/\//.test(reference) ? <a href={reference} target="_blank" rel="noreferrer noopener">{reference}</a> : reference}</li>)}</ul></>}
          </section>
          <section className="card stack" aria-label="Test"><h2>Test against stored events</h2><TestRule rule={{ id: rule.id }} /></section>
        </div>
      </div>
      <Confirm opened={deleting} title={`Delete "${rule.title}"?`} action="Delete" close={() => setDeleting(false)} busy={busy} run={() => { void change("Deleting", "Rule deleted", () => api.delete(path)).then((done) => { setDeleting(false); if (done) navigate("/rules"); }); }}>
        <p>Its file is removed. Its findings stay.</p>
      </Confirm>
    </>
  );
}
