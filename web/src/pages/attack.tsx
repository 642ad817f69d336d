// The matrix of ATT&CK: which techniques rules look for, and which were seen.
import { Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useNavigate } from "react-router-dom";
import { api } from "../api/client";
import type { Attack, Technique } from "../api/types";
import { formatCount } from "../lib/format";
import { useUrlState } from "../lib/url_state";
import { Icon } from "../ui/icons";
import { Loaded } from "../ui/states";

export default function AttackMatrix() {
  const url = useUrlState();
  const words = url.get("q").toLowerCase();
  const covered = url.get("covered") === "1";
  const query = useQuery({ queryKey: ["attack"], queryFn: ({ signal }) => api.get<Attack>("/attack", undefined, signal) });
  return (
    <div className="page fixed">
      <div className="page-head">
        <Link to="/rules" aria-label="Back to the rules"><Icon name="back" /></Link><h1>ATT&amp;CK matrix</h1>
        {query.data && <span className="muted">enterprise {query.data.version}</span>}
        <div className="grow" />
        <span className="row muted"><span className="matrix-cell has" style={{ width: "auto" }}>rules on</span><span className="matrix-cell blind" style={{ width: "auto" }}>on, but no data</span><span className="matrix-cell draft" style={{ width: "auto" }}>only draft or off</span><span className="matrix-cell has hit" style={{ width: "auto" }}>hits in 24 h</span><span className="matrix-cell none" style={{ width: "auto" }}>no rule</span></span>
        <TextInput size="xs" w={180} aria-label="Find a technique" placeholder="Find a technique" value={url.get("q")} onChange={(event) => url.set({ q: event.currentTarget.value }, { replace: true })} />
        <Switch size="xs" label="Only with rules" checked={covered} onChange={(event) => url.set({ covered: event.currentTarget.checked ? "1" : null }, { replace: true })} />
      </div>
      <Loaded query={query} what="The matrix">{(attack) => <Matrix attack={attack} words={words} covered={covered} />}</Loaded>
    </div>
  );
}

function Matrix({ attack, words, covered }: { attack: Attack; words: string; covered: boolean }) {
  const columns = useMemo(() => attack.tactics.map((tactic) => ({
    ...tactic, withRules: tactic.techniques.filter((technique) => technique.rules > 0).length,
    shown: tactic.techniques.filter((technique) => (!covered || technique.rules > 0) && fits(technique, words)),
  })), [attack, words, covered]);
  return (
    <div className="matrix" tabIndex={0} role="region" aria-label="Tactics and techniques">
      {columns.map((tactic) => (
        <section key={tactic.shortname} className="matrix-column" aria-label={tactic.name}>
          <div className="matrix-head"><h2>{tactic.name}</h2><span className="muted">{tactic.withRules} of {tactic.techniques.length} with rules</span></div>
          {tactic.shown.map((technique) => <Cell key={technique.id} technique={technique} />)}
        </section>
      ))}
    </div>
  );
}

function fits(technique: Technique, words: string): boolean {
  return !words || `${technique.id} ${technique.name}`.toLowerCase().includes(words) || (technique.subtechniques ?? []).some((sub) => fits(sub, words));
}

function Cell({ technique }: { technique: Technique }) {
  const navigate = useNavigate();
  const subs = technique.subtechniques ?? [];
  const covered = subs.filter((sub) => sub.rules > 0).length;
  const kind = technique.rules_with_data > 0 ? "has" : technique.on > 0 ? "blind" : technique.rules > 0 ? "draft" : "none";
  return (
    <button className={`matrix-cell ${kind}${technique.hits_24h > 0 ? " hit" : ""}`} title={`${technique.id} ${technique.name}: ${technique.rules} rules, ${technique.on} on; ${technique.rules_with_data} on with data to look at; ${covered} of ${subs.length} sub-techniques with rules; hits: ${technique.hits_24h} in 24 hours, ${technique.hits_30d} in 30 days`}
            onClick={() => navigate(`/rules?technique=${technique.id}`)}>
      {technique.name}
      <span className="matrix-count"><span>{technique.id}</span><span>{technique.rules > 0 ? `${formatCount(technique.on)}/${formatCount(technique.rules)}` : "–"}</span></span>
    </button>
  );
}
