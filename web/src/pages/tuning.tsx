// What is silenced, and what is decided without a person: both can be looked through, tried and switched off.
import { lazy, Suspense } from "react";
import { Link, Navigate, useParams } from "react-router-dom";
import { useScope } from "../lib/url_state";
import { Loading } from "../ui/states";
import "../incidents/incidents.css";

const parts = {
  suppressions: { name: "Suppressions", page: lazy(() => import("../tuning/suppressions")) },
  rules: { name: "Triage rules", page: lazy(() => import("../tuning/triage_rules")) },
} as const;

export default function Tuning() {
  const { tab } = useParams();
  const scope = useScope();
  if (!tab || !(tab in parts)) return <Navigate to={`/tuning/suppressions${scope.query}`} replace />;
  const part = parts[tab as keyof typeof parts];
  const Page = part.page;
  return (
    <div className="page">
      <div className="page-head"><h1>Tuning</h1></div>
      <nav className="tabs" aria-label="Parts of tuning">
        {Object.entries(parts).map(([key, { name }]) => <Link key={key} to={`/tuning/${key}${scope.query}`} className={key === tab ? "tab active" : "tab"} aria-current={key === tab ? "page" : undefined}>{name}</Link>)}
      </nav>
      <Suspense fallback={<Loading what={part.name.toLowerCase()} />}><Page /></Suspense>
    </div>
  );
}
