// How well the work goes: times, verdicts, service levels, what can be seen at all - and what each figure rests on.
import { Menu, Button, Select, TextInput } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { levelOf, type Measures } from "../api/types";
import { AnalystView, EngineerView, ExecutiveView, ManagerView } from "../measures/views";
import type { LinkTo } from "../measures/cards";
import { saveFile } from "../lib/download";
import { formatTime } from "../lib/format";
import { useChange } from "../lib/invalidate";
import { describeRange, resolveTime, useScope, useUrlState } from "../lib/url_state";
import { Icon } from "../ui/icons";
import { levelNames } from "../ui/severity";
import { Loaded } from "../ui/states";
import { TabList } from "../ui/tab_list";
import "../incidents/incidents.css";

const views = { manager: "SOC manager", analyst: "Analyst", engineer: "Detection engineer", executive: "Executive" } as const;
type View = keyof typeof views;
const shown = { manager: ManagerView, analyst: AnalystView, engineer: EngineerView, executive: ExecutiveView };

export default function MeasuresPage() {
  const url = useUrlState();
  const scope = useScope();
  const [owner, setOwner] = useState(url.get("owner"));
  const view: View = url.get("view") in views ? (url.get("view") as View) : "manager";
  const from = url.get("from") ? scope.from : "now-30d";
  const filters = { from, to: scope.to, tenant: scope.tenant, severity: url.get("severity"), owner: url.get("owner"), rule: url.get("rule") };
  const query = useQuery({ queryKey: ["measures", filters], placeholderData: keepPreviousData, queryFn: ({ signal }) => api.get<Measures>("/measures", filters, signal) });
  // Of the same length, just before: only where it is shown.
  const before = useQuery({
    queryKey: ["measures", "before", filters], enabled: view === "executive", staleTime: 60_000, retry: false,
    queryFn: ({ signal }) => {
      const start = resolveTime(from), length = resolveTime(scope.to) - start;
      return api.get<Measures>("/measures", { ...filters, from: new Date(start - length).toISOString(), to: new Date(start).toISOString() }, signal);
    },
  });
  const to: LinkTo = (page, more) => {
    const params = new URLSearchParams({ from, ...(scope.to === "now" ? {} : { to: scope.to }), ...(scope.tenant ? { tenant: scope.tenant } : {}), ...(page === "/incidents" ? { ranged: "1", closed: "1", ...(filters.severity ? { min_severity: filters.severity } : {}), ...(filters.owner ? { owner: filters.owner } : {}) } : {}), ...more });
    for (const [key, value] of [...params]) if (value === "") params.delete(key);
    return `${page}?${params}`;
  };
  const Shown = shown[view];
  return (
    <div className="page">
      <div className="page-head">
        <h1>Measures</h1><span className="muted">{describeRange(from, scope.to, formatTime)}</span><div className="grow" />
        <Select size="xs" w={150} aria-label="Severity" allowDeselect={false} value={filters.severity} data={[{ value: "", label: "Any severity" }, ...[5, 4, 3, 2, 1].map((id) => ({ value: String(id), label: levelNames[levelOf(id)] }))]} onChange={(severity) => url.set({ severity })} />
        <form onSubmit={(event) => { event.preventDefault(); url.set({ owner }); }}><TextInput size="xs" w={140} aria-label="Owner" placeholder="Any owner" value={owner} onChange={(event) => setOwner(event.currentTarget.value)} onBlur={() => { if (owner !== url.get("owner")) url.set({ owner }); }} /></form>
        <ReportMenu from={from} to={scope.to} tenant={scope.tenant} />
      </div>
      <TabList label="For whom" tabs={views} value={view} onChange={(next) => url.set({ view: next === "manager" ? null : next, covered: null })} />
      {filters.rule && <div className="chips"><span className="chip">Rule: <b className="mono">{filters.rule}</b><button className="plain" aria-label="Remove the rule" onClick={() => url.set({ rule: null })}>×</button></span></div>}
      <div role="tabpanel" aria-label={views[view]} className="stack">
        <Loaded query={query} what="The measures">{(data) => <Shown data={data} before={before.data} to={to} from={from} until={scope.to} />}</Loaded>
      </div>
    </div>
  );
}

function ReportMenu({ from, to, tenant }: { from: string; to: string; tenant: string }) {
  const { busy, change } = useChange(["reports"]);
  const load = (format: string) => { void change("The report", "", async () => saveFile(await api.file("/reports/period", { from, to, tenant, format }), `tocsin-report.${format}`)); };
  return (
    <Menu position="bottom-end">
      <Menu.Target><Button size="xs" variant="default" loading={busy} leftSection={<Icon name="download" size={13} />}>Report</Button></Menu.Target>
      <Menu.Dropdown><Menu.Item onClick={() => load("html")}>Report as HTML</Menu.Item><Menu.Item onClick={() => load("pdf")}>Report as PDF</Menu.Item></Menu.Dropdown>
    </Menu>
  );
}
