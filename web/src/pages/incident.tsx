// One incident: what it is, why its findings belong together, what is being done about it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link, useParams } from "react-router-dom";
import { api, Problem } from "../api/client";
import { useLive } from "../api/live";
import { useSession } from "../api/session";
import type { IncidentDetail } from "../api/types";
import { FindingPanel } from "../findings/finding_panel";
import { MergeDialog, ReopenDialog } from "../incidents/change_dialogs";
import { CloseDialog } from "../incidents/close_dialog";
import { EvidenceTab } from "../incidents/evidence_tab";
import { FindingsTab } from "../incidents/findings_tab";
import { GraphTab } from "../incidents/graph_tab";
import { Head } from "../incidents/head";
import { OverviewTab } from "../incidents/overview_tab";
import { ProcessTab } from "../incidents/process_tab";
import { TimelineTab } from "../incidents/timeline_tab";
import { ActivityTab, CommentsTab, TasksTab } from "../incidents/work_tabs";
import { useChange } from "../lib/invalidate";
import { useKeys } from "../lib/keys";
import { useScope, useUrlState } from "../lib/url_state";
import { Empty, Failed, Loading, Notice, problemText } from "../ui/states";
import { TabList } from "../ui/tab_list";
import "../incidents/incidents.css";

const SuppressIncident = lazy(() => import("../tuning/suppress_incident"));
const tabs = { overview: "Overview", findings: "Findings", timeline: "Timeline", processes: "Process tree", graph: "Graph", tasks: "Tasks", evidence: "Evidence", comments: "Comments", activity: "Activity" } as const;
type Tab = keyof typeof tabs;
// A storm of findings becomes one question each so long.
const kRefreshMs = 1000;
// Of the parts of the address that belong to one tab.
const ofTabs = ["t0", "t1", "without", "host", "process", "find", "node"];

export default function IncidentPage() {
  const number = Number(useParams()["number"]);
  const url = useUrlState();
  const scope = useScope();
  const { user, may } = useSession();
  const client = useQueryClient();
  const { busy, change } = useChange(["incident", "incidents", "findings"]);
  const [asked, setAsked] = useState<"close" | "merge" | "reopen" | null>(null);
  const [suppressing, setSuppressing] = useState<string | null>(null);
  const query = useQuery({ queryKey: ["incident", number], enabled: number > 0, queryFn: ({ signal }) => api.get<IncidentDetail>(`/incidents/${number}`, undefined, signal) });
  const timer = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useLive("incident", (incident) => {
    if (incident.number !== number || timer.current) return;
    timer.current = window.setTimeout(() => { timer.current = 0; void client.invalidateQueries({ queryKey: ["incident", number] }); }, kRefreshMs);
  });
  const incident = query.data;
  const tab: Tab = url.get("tab") in tabs ? (url.get("tab") as Tab) : "overview";
  const finding = url.get("id") || null;
  const openFinding = (id: string | null) => url.set({ id });
  const writable = incident && may("findings.write") && !incident.merged_into;
  useKeys({
    a: () => { if (writable && incident.state === "new") void change("Acknowledging", `${incident.id} acknowledged`, () => api.patch(`/incidents/${number}`, { state: "acknowledged", ...(incident.owner ? {} : { owner: user.name }), version: incident.version })); },
    c: () => { if (writable && incident.state !== "closed") setAsked("close"); },
    Escape: () => { if (finding) openFinding(null); },
  });
  if (!(number > 0) || (query.error instanceof Problem && query.error.status === 404)) return <Empty title="There is no such incident">It may be of a tenant you may not see. <Link to={`/incidents${scope.query}`}>All incidents</Link></Empty>;
  if (query.error && !incident) return <Failed what="The incident" error={query.error} retry={() => { void query.refetch(); }} />;
  if (!incident) return <Loading what="the incident" />;
  const finish = (done: boolean) => { if (done) setAsked(null); };
  return (
    <div className="page fixed">
      <Head incident={incident} query={scope.query} busy={busy} change={change} ask={setAsked} />
      {query.error ? <Notice>This is not the newest: {problemText(query.error)}</Notice> : null}
      <TabList label="Parts of the incident" tabs={tabs} value={tab} onChange={(next) => url.set({ tab: next === "overview" ? null : next, id: null, ...Object.fromEntries(ofTabs.map((key) => [key, null])) })} />
      <div className="split">
        <div className="incident-body" role="tabpanel" aria-label={tabs[tab]} tabIndex={0}>
          {tab === "overview" ? <OverviewTab incident={incident} query={scope.query} />
            : tab === "findings" ? <FindingsTab incident={incident} query={scope.query} selected={finding} open={openFinding} busy={busy} change={change} />
            : tab === "timeline" ? <TimelineTab incident={incident} open={openFinding} busy={busy} change={change} />
            : tab === "processes" ? <ProcessTab incident={incident} open={openFinding} />
            : tab === "graph" ? <GraphTab incident={incident} query={scope.query} />
            : tab === "tasks" ? <TasksTab incident={incident} busy={busy} change={change} />
            : tab === "evidence" ? <EvidenceTab incident={incident} busy={busy} change={change} />
            : tab === "comments" ? <CommentsTab incident={incident} busy={busy} change={change} />
            : <ActivityTab incident={incident} busy={busy} change={change} />}
        </div>
        {finding && <FindingPanel key={finding} id={finding} close={() => openFinding(null)} actionsOf={() => []} />}
      </div>
      {asked === "close" && <CloseDialog title={`Close ${incident.id}`} count={1} busy={busy} close={() => setAsked(null)} run={(closing, thenSuppress) => { void change("Closing", `${incident.id} is closed`, () => api.post(`/incidents/${number}/close`, closing)).then((done) => { finish(done); if (done && thenSuppress) setSuppressing(closing.cause); }); }} />}
      {suppressing !== null && <Suspense fallback={null}><SuppressIncident number={number} reason={suppressing} close={() => setSuppressing(null)} /></Suspense>}
      {asked === "reopen" && <ReopenDialog incident={incident} busy={busy} close={() => setAsked(null)} run={(why) => { void change("Reopening", `${incident.id} is open again`, () => api.post(`/incidents/${number}/reopen`, { why })).then(finish); }} />}
      {asked === "merge" && <MergeDialog incident={incident} busy={busy} close={() => setAsked(null)} run={(from, why) => { void change("Merging", `${from.id} is part of ${incident.id} now`, () => api.post(`/incidents/${number}/merge`, { from: [from.number], why })).then(finish); }} />}
    </div>
  );
}
