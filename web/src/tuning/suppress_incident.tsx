// After an incident was closed as benign or false: of which of its rules is to be silenced what it saw?
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import { levelOf, type IncidentFinding, type IncidentFindingPage } from "../api/types";
import { formatCount } from "../lib/format";
import { Dialog } from "../ui/dialog";
import { Severity } from "../ui/severity";
import { Loaded } from "../ui/states";
import SuppressDialog from "./suppress_dialog";

const kMaxFindings = 500;

export default function SuppressIncident({ number, reason, close }: { number: number; reason: string; close: () => void }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const query = useQuery({ queryKey: ["incident", number, "findings", "rules"], queryFn: ({ signal }) => api.get<IncidentFindingPage>(`/incidents/${number}/findings`, { limit: kMaxFindings }, signal) });
  const rules = new Map<string, { first: IncidentFinding; count: number }>();
  for (const finding of query.data?.items ?? []) {
    const rule = rules.get(finding.rule_id);
    rules.set(finding.rule_id, { first: rule?.first ?? finding, count: (rule?.count ?? 0) + 1 });
  }
  const only = rules.size === 1 ? [...rules.values()][0]?.first.id : undefined;
  const finding = chosen ?? only;
  if (finding) return <SuppressDialog finding={finding} reason={reason} close={close} />;
  return (
    <Dialog opened onClose={close} title="Suppress which rule?">
      <Loaded query={query} what="Its findings">
        {() => rules.size === 0 ? <p className="muted">It has no finding, so there is nothing to suppress.</p> : (
          <div className="stack" style={{ gap: 6 }}><p>INC-{number} has findings of {rules.size} rules. Each is suppressed by itself.</p>
            {[...rules.values()].map(({ first, count }) => <Button key={first.rule_id} variant="default" size="compact-sm" justify="flex-start" onClick={() => setChosen(first.id)}><span className="row"><Severity level={levelOf(first.severity_id)} />{first.rule_title} <span className="muted">{formatCount(count)} finding{count === 1 ? "" : "s"}</span></span></Button>)}
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}
