// The same data, four ways: for whom leads the work, does it, writes the rules, answers for it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { api } from "../api/client";
import { useSession } from "../api/session";
import type { IncidentPage, Measures, ReviewMeasure } from "../api/types";
import { IncidentRows } from "../incidents/columns";
import { formatDuration, measureNames, type MeasureName } from "../incidents/names";
import { AgreementCard } from "../reviews/agreement";
import { formatCount } from "../lib/format";
import { useOptional } from "../lib/optional";
import { useScope } from "../lib/url_state";
import { Loaded } from "../ui/states";
import { BacklogCard, Card, IncidentsCard, OwnersCard, percent, RestsOn, Rules, SlaCard, slaShare, Times, VerdictsCard, type LinkTo } from "./cards";
import { CoverageCard, forbidden, useCoverage } from "./coverage";
import { latestOf, SelfTestCard, useSelfTest } from "./self_test";

export interface Props { data: Measures; before: Measures | undefined; to: LinkTo; from: string; until: string }
const kShownWaiting = 8;

const TimesCard = ({ data, to }: Props) => <Card title="Times" span="span-12" about="From event times and recorded changes of state"><Times data={data} to={to} /></Card>;
const RulesCard = ({ data, to, span }: Props & { span: string }) => <Card title="How often rules are right" span={span} about="The bar is where the true share lies with 90 % certainty"><Rules rules={data.rules} to={to} /></Card>;
const RestsCard = ({ data, to, span }: Props & { span: string }) => <Card title="What this rests on" span={span}><RestsOn data={data} to={to} /></Card>;

export function ManagerView(props: Props) {
  const scope = useScope();
  return (
    <div className="cards">
      <IncidentsCard {...props} /><BacklogCard {...props} /><VerdictsCard {...props} />
      <TimesCard {...props} />
      <RulesCard {...props} span="span-8" />
      <div className="span-4 stack"><SlaCard {...props} span="" /><OwnersCard {...props} /><RestsCard {...props} span="" /></div>
      <AgreementCard from={props.from} to={props.until} tenant={scope.tenant} span="span-12" />
    </div>
  );
}

// A count of incidents that is asked for by itself, and opens as the list of exactly those.
function Waiting({ title, about, filters }: { title: string; about: string; filters: Record<string, string> }) {
  const scope = useScope();
  const { user } = useSession();
  const asked: Record<string, string | number> = { ...filters, ...(scope.tenant ? { tenant: scope.tenant } : {}), order: "score", limit: kShownWaiting };
  if (asked["owner"] === "me") asked["owner"] = user.name;
  const query = useQuery({ queryKey: ["incidents", "waiting", asked], queryFn: ({ signal }) => api.get<IncidentPage>("/incidents", asked, signal) });
  const params = new URLSearchParams({ ...filters, ...(scope.tenant ? { tenant: scope.tenant } : {}) });
  return (
    <Card title={title} span="span-12" about={about}>
      <Loaded query={query} what={title}>
        {({ items, total }) => <div className="stack" style={{ gap: 8 }}><p><Link className="figure figure-link" to={`/incidents?${params}`}>{formatCount(total)}</Link> <span className="muted">{total > items.length ? `the first ${items.length} are below` : ""}</span></p>{items.length > 0 && <IncidentRows items={items} query={scope.query} label={title} />}</div>}
      </Loaded>
    </Card>
  );
}

export function AnalystView(props: Props) {
  return (
    <div className="cards">
      <Waiting title="Yours, open" about="Most urgent first" filters={{ owner: "me" }} />
      <Waiting title="New and nobody's" about="Most urgent first" filters={{ state: "new", owner: "-" }} />
      <VerdictsCard {...props} /><SlaCard {...props} span="span-6" />
      <TimesCard {...props} />
      <RestsCard {...props} span="span-12" />
    </div>
  );
}

export function EngineerView(props: Props) {
  return (
    <div className="cards">
      <CoverageCard />
      <RulesCard {...props} span="span-12" />
      <SelfTestCard span="span-8" />
      <RestsCard {...props} span="span-4" />
    </div>
  );
}

// Against the range of time before, of the same length: better or worse, in words as well.
function Change({ now, before, good, text }: { now: number | null; before: number | null | undefined; good: "less" | "more" | "neither"; text: (value: number) => string }) {
  if (now === null || before === null || before === undefined) return <span className="muted">nothing to compare with</span>;
  const difference = now - before;
  if (Math.abs(difference) < 1e-9) return <span className="muted">as before</span>;
  const better = good === "neither" ? "" : (difference < 0) === (good === "less") ? "good" : "bad";
  return <span className={better || "muted"}>{difference < 0 ? "▼" : "▲"} {text(Math.abs(difference))} {difference < 0 ? "less" : "more"}{better === "good" ? ", better" : better === "bad" ? ", worse" : ""} <span className="muted">than before ({text(before)})</span></span>;
}

const headline: MeasureName[] = ["detect", "acknowledge", "contain", "recover"];

export function ExecutiveView(props: Props) {
  const { data, before, to } = props;
  const scope = useScope();
  const coverage = useCoverage();
  const selfTest = useSelfTest();
  const reviews = useOptional<ReviewMeasure>(["reviews", "measure", props.from, props.until, scope.tenant], "/reviews/measure", { from: props.from, to: props.until, tenant: scope.tenant });
  const sla = slaShare(data), slaBefore = before ? slaShare(before) : null;
  const share = (one: { met: number; all: number } | null) => (one && one.all > 0 ? one.met / one.all : null);
  const real = data.verdicts.true_positive ?? 0;
  const engineer = to("/measures", { view: "engineer" });
  const tests = latestOf(selfTest.data?.items ?? []);
  return (
    <div className="cards">
      <Card title="Incidents" span="span-3"><Link className="figure figure-link" to={to("/incidents", {})}>{formatCount(data.incidents)}</Link><p><Change now={data.incidents} before={before?.incidents} good="neither" text={formatCount} /></p></Card>
      <Card title="Real attacks" span="span-3" about="Closed as true positive"><Link className="figure figure-link" to={to("/incidents", { state: "closed" })}>{formatCount(real)}</Link><p><Change now={real} before={before ? before.verdicts.true_positive ?? 0 : null} good="neither" text={formatCount} /></p></Card>
      <Card title="Waiting now" span="span-3"><Link className="figure figure-link" to={to("/incidents", { ranged: "", closed: "", order: "oldest" })}>{formatCount(data.backlog.open)}</Link><p className="muted">{data.backlog.open > 0 && data.backlog.oldest_s !== null ? `the oldest for ${formatDuration(data.backlog.oldest_s)}` : "nothing waits"}</p></Card>
      {sla && <Card title="In time" span="span-3" about="Of all service levels"><Link className="figure figure-link" to={to("/measures", { view: "manager" })}>{sla.all > 0 ? percent(sla.met / sla.all) : "-"}</Link><p><Change now={share(sla)} before={share(slaBefore)} good="more" text={percent} /></p></Card>}
      {headline.map((name) => (
        <Card key={name} title={measureNames[name].long} span="span-3" about="half within"><Link className="figure figure-link" to={to("/incidents", {})}>{formatDuration(data[name].p50_s)}</Link><p><Change now={data[name].p50_s} before={before?.[name].p50_s} good="less" text={formatDuration} /></p><p className="muted">of {formatCount(data[name].count)} incidents</p></Card>
      ))}
      {coverage.data && !forbidden(coverage.error) && <Card title="Detection that is proven" span="span-4"><Link className="figure figure-link" to={`${engineer}&covered=proven`}>{coverage.data.summary.on > 0 ? percent(coverage.data.summary.proven / coverage.data.summary.on) : "-"}</Link><p className="muted">{formatCount(coverage.data.summary.proven)} of {formatCount(coverage.data.summary.on)} rules fired or were tested; {formatCount(coverage.data.summary.on - coverage.data.summary.with_data)} have no data</p></Card>}
      {tests.length > 0 && <Card title="Sources that pass the self-test" span="span-4"><Link className="figure figure-link" to={engineer}>{formatCount(tests.filter((item) => item.state === "ok").length)} of {formatCount(tests.length)}</Link><p className="muted">a made event came back as a finding</p></Card>}
      {reviews.data && <Card title="Verdicts confirmed" span="span-4"><Link className="figure figure-link" to={to("/measures", { view: "manager" })}>{reviews.data.agreement ? percent(reviews.data.agreement.mean) : "-"}</Link><p className="muted">{reviews.data.agreement ? `by a second person who did not know the first; between ${percent(reviews.data.agreement.low)} and ${percent(reviews.data.agreement.high)}, from ${formatCount(reviews.data.reviewed)} reviews` : "none was reviewed by a second person"}</p></Card>}
      <RestsCard {...props} span="span-12" />
    </div>
  );
}
