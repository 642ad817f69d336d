// The frame around every page: where to go, which tenant, which range of time, whether it is live, who you are.
import { ActionIcon, Menu, Select, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useIsFetching } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Link, NavLink, useLocation, useNavigate } from "react-router-dom";
import { useLive, useLiveState } from "../api/live";
import { useSession } from "../api/session";
import type { Rates } from "../api/types";
import { formatMilliseconds, formatShort, setZone, useZone } from "../lib/format";
import { scopeQuery, useScope } from "../lib/url_state";
import { Icon, type IconName } from "./icons";
import { TimeRange } from "./time_range";

const pages: { to: string; name: string; icon: IconName; right: string }[] = [
  { to: "/", name: "Overview", icon: "overview", right: "findings.read" },
  { to: "/incidents", name: "Incidents", icon: "incidents", right: "findings.read" },
  { to: "/findings", name: "Findings", icon: "findings", right: "findings.read" },
  { to: "/search", name: "Search", icon: "search", right: "search.run" },
  { to: "/assets", name: "Assets", icon: "assets", right: "findings.read" },
  { to: "/sources", name: "Sources", icon: "sources", right: "sources.read" },
  { to: "/rules", name: "Rules", icon: "rules", right: "rules.read" },
  { to: "/tuning", name: "Tuning", icon: "tuning", right: "findings.read" },
  { to: "/reviews", name: "Reviews", icon: "reviews", right: "findings.write" },
  { to: "/measures", name: "Measures", icon: "measures", right: "findings.read" },
  { to: "/settings", name: "Settings", icon: "settings", right: "" },
];

// Something was asked for and is on its way; what is asked again in the background does not count.
function Progress() {
  const waiting = useIsFetching({ predicate: (query) => query.state.data === undefined });
  return <div className={waiting > 0 ? "progress progress-on" : "progress"} aria-hidden />;
}

export function Shell({ children }: { children: ReactNode }) {
  const session = useSession();
  const scope = useScope();
  const zone = useZone();
  return (
    <div className="shell">
      <a className="skip" href="#main">To the content</a>
      <nav className="side" aria-label="Pages">
        <Link to={`/${scope.query}`} className="brand" aria-label="Tocsin, overview"><img src="/icon.svg" alt="" width={22} height={22} /><span>Tocsin</span></Link>
        {pages.filter((page) => !page.right || session.may(page.right)).map((page) => (
          <NavLink key={page.to} to={page.to + scope.query} end={page.to === "/"} className="nav" aria-label={page.name}>
            <Icon name={page.icon} /><span>{page.name}</span>
          </NavLink>
        ))}
        <div className="side-foot">Tocsin {session.version}<br /><a href="/licenses.txt" target="_blank" rel="noreferrer">Licences</a></div>
      </nav>
      <header className="top">
        <TenantSwitch />
        <TimeRange />
        <div className="grow" />
        <LiveMark />
        <ZoneSwitch />
        <SchemeSwitch />
        <UserMenu />
        <Progress />
      </header>
      {/* Another zone: all times are written anew. */}
      <main className="main" id="main" tabIndex={-1} key={zone}>{children}</main>
    </div>
  );
}

// A switch drops filters and selections: nothing of one tenant stays on the screen for another.
function TenantSwitch() {
  const { tenants } = useSession();
  const scope = useScope();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const page = `/${pathname.split("/")[1] ?? ""}`;
  if (tenants.length === 1) return <span className="chip" title="The only tenant you may see">Tenant: {tenants[0]}</span>;
  return (
    <Select size="xs" w={170} aria-label="Tenant" allowDeselect={false} value={scope.tenant}
            data={[{ value: "", label: "All tenants" }, ...tenants.map((tenant) => ({ value: tenant, label: `Tenant: ${tenant}` }))]}
            onChange={(tenant) => navigate(page + scopeQuery(scope.from, scope.to, tenant ?? ""))} />
  );
}

const liveNames = { live: "Live", connecting: "Connecting", broken: "Not live: connection lost" } as const;

function LiveMark() {
  const state = useLiveState();
  const [rates, setRates] = useState<Rates | null>(null);
  useLive("rates", setRates);
  return (
    <span className={`live live-${state}`} role="status">
      <span className="live-dot" aria-hidden />
      {liveNames[state]}
      {state === "live" && rates && <span title="Events a second, and how long from arrival to detection">· {formatShort(rates.events_per_s)} events/s · lag {formatMilliseconds(rates.lag_ms)}</span>}
    </span>
  );
}

function ZoneSwitch() {
  const zone = useZone();
  return (
    <Tooltip label={zone === "utc" ? "Times are in UTC. Show those of this computer" : "Times are those of this computer. Show UTC"}>
      <button className="plain chip" onClick={() => setZone(zone === "utc" ? "local" : "utc")} aria-label={`Time zone: ${zone === "utc" ? "UTC" : "local"}`}>
        <Icon name="clock" size={13} />{zone === "utc" ? "UTC" : "Local"}
      </button>
    </Tooltip>
  );
}

export function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const label = scheme === "dark" ? "Light colours" : "Dark colours";
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} className="icon-button" onClick={() => setColorScheme(scheme === "dark" ? "light" : "dark")}>
        <Icon name={scheme === "dark" ? "sun" : "moon"} />
      </ActionIcon>
    </Tooltip>
  );
}

function UserMenu() {
  const { user, signOut } = useSession();
  const navigate = useNavigate();
  const scope = useScope();
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <button className="plain row" aria-label={`Account of ${user.display_name || user.name}`}><Icon name="user" /><span>{user.display_name || user.name}</span><Icon name="down" size={9} /></button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{user.name} · {user.role}</Menu.Label>
        <Menu.Item onClick={() => navigate(`/settings/account${scope.query}`)}>Password and second factor</Menu.Item>
        <Menu.Item onClick={() => navigate(`/settings/tokens${scope.query}`)}>API tokens</Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => { void signOut(); }}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
