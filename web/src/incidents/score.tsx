// A score, and what it is the sum of: seen on hover and on focus, and in full on the page of the incident.
import { Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client";
import type { IncidentDetail, ScorePart } from "../api/types";
import { problemText } from "../ui/states";

const partNames: Record<string, string> = {
  level: "Level", precision: "Precision of the rules", rarity: "Rarity", asset: "Asset", exposure: "Exposure", progress: "Progress of the attack", independent: "Independent sources",
  intelligence: "Intelligence", vulnerability: "Vulnerability",
};
export const partName = (name: string) => partNames[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replace(/_/g, " ");
export const scoreClass = (score: number) => (score >= 80 ? "critical" : score >= 60 ? "high" : score >= 40 ? "medium" : score >= 20 ? "low" : "informational");
const signed = (points: number) => `${points < 0 ? "−" : "+"}${Number(Math.abs(points).toFixed(1))}`;

export function ScoreParts({ parts, score, plain }: { parts: ScorePart[]; score: number; plain?: boolean }) {
  if (parts.length === 0) return <p className={plain ? undefined : "muted"}>The summands of this score were not stored.</p>;
  return (
    <table className="table score-parts">
      <caption className="visually-hidden">What the score is the sum of</caption>
      <tbody>
        {parts.map((part, i) => <tr key={i}><th scope="row">{partName(part.name)}</th><td className="num">{signed(part.points)}</td><td>{part.why}</td></tr>)}
        <tr><th scope="row">Score</th><td className="num"><b>{Math.round(score)}</b></td><td>of 100</td></tr>
      </tbody>
    </table>
  );
}

export function ScoreBadge({ number, score, parts }: { number: number; score: number; parts?: ScorePart[] }) {
  const [wanted, setWanted] = useState(false);
  const query = useQuery({
    queryKey: ["incident", number], enabled: wanted && !parts, staleTime: 60_000,
    queryFn: ({ signal }) => api.get<IncidentDetail>(`/incidents/${number}`, undefined, signal),
  });
  const shown = parts ?? query.data?.score_parts;
  const label = shown ? <ScoreParts parts={shown} score={score} plain /> : query.error ? problemText(query.error) : "Loading the summands …";
  return (
    <Tooltip label={label} events={{ hover: true, focus: true, touch: true }} multiline position="right-start" openDelay={120} classNames={{ tooltip: "score-tip" }}>
      <button className={`plain score score-${scoreClass(score)}`} aria-label={`Score ${Math.round(score)} of 100`} onMouseEnter={() => setWanted(true)} onFocus={() => setWanted(true)} onClick={(event) => event.stopPropagation()}>
        <span className="score-bar" aria-hidden><span style={{ width: `${Math.max(4, Math.min(100, score))}%` }} /></span>{Math.round(score)}
      </button>
    </Tooltip>
  );
}
