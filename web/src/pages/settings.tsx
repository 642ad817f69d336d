import { lazy, Suspense } from "react";
import { Link, Navigate, useParams } from "react-router-dom";
import { useSession } from "../api/session";
import { useScope } from "../lib/url_state";
import { Loading, Notice } from "../ui/states";

const parts = {
  account: { name: "Your account", right: "", page: lazy(() => import("../settings/account")) },
  tokens: { name: "API tokens", right: "", page: lazy(() => import("../settings/tokens")) },
  users: { name: "Users", right: "users.write", page: lazy(() => import("../settings/users")) },
  retention: { name: "Retention and limits", right: "settings.read", page: lazy(() => import("../settings/values")) },
  notifications: { name: "Notifications", right: "findings.read", page: lazy(() => import("../settings/notifications")) },
  certificates: { name: "Certificates", right: "settings.read", page: lazy(() => import("../settings/certificates")) },
  audit: { name: "Audit trail", right: "audit.read", page: lazy(() => import("../settings/audit")) },
  health: { name: "Health and losses", right: "health.read", page: lazy(() => import("../settings/health")) },
} as const;

export default function Settings() {
  const { tab } = useParams();
  const scope = useScope();
  const { may } = useSession();
  if (!tab || !(tab in parts)) return <Navigate to={`/settings/account${scope.query}`} replace />;
  const part = parts[tab as keyof typeof parts];
  const Page = part.page;
  return (
    <div className="page">
      <div className="page-head"><h1>Settings</h1></div>
      <nav className="tabs" aria-label="Parts of the settings">
        {Object.entries(parts).filter(([, { right }]) => !right || may(right)).map(([key, { name }]) => (
          <Link key={key} to={`/settings/${key}${scope.query}`} className={key === tab ? "tab active" : "tab"} aria-current={key === tab ? "page" : undefined}>{name}</Link>
        ))}
      </nav>
      {part.right && !may(part.right) ? <Notice kind="info">This page needs the right "{part.right}", which your role does not have.</Notice>
        : <Suspense fallback={<Loading what={part.name.toLowerCase()} />}><Page /></Suspense>}
    </div>
  );
}
