// Providers and routes. Pages are loaded when they are first opened.
import { createTheme, MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { createBrowserRouter, Navigate, Outlet, RouterProvider, useLocation } from "react-router-dom";
import { Problem } from "./api/client";
import { LiveProvider } from "./api/live";
import { SessionProvider, useMe } from "./api/session";
import { Login } from "./pages/login";
import { Setup } from "./pages/setup";
import { Shell } from "./ui/shell";
import { ErrorBoundary } from "./ui/error_boundary";
import { Failed, Loading } from "./ui/states";
import { Toasts } from "./ui/toast";
import { ValueMenuProvider } from "./ui/value_menu";

const Overview = lazy(() => import("./pages/overview"));
const Findings = lazy(() => import("./pages/findings"));
const Incidents = lazy(() => import("./pages/incidents"));
const IncidentPage = lazy(() => import("./pages/incident"));
const Assets = lazy(() => import("./pages/assets"));
const EntityPage = lazy(() => import("./pages/entity"));
const MeasuresPage = lazy(() => import("./pages/measures"));
const Search = lazy(() => import("./pages/search"));
const Sources = lazy(() => import("./pages/sources"));
const Rules = lazy(() => import("./pages/rules"));
const RulePage = lazy(() => import("./pages/rule"));
const NewRule = lazy(() => import("./pages/new_rule"));
const RefusedRules = lazy(() => import("./pages/refused_rules"));
const AttackMatrix = lazy(() => import("./pages/attack"));
const Tuning = lazy(() => import("./pages/tuning"));
const Reviews = lazy(() => import("./pages/reviews"));
const Settings = lazy(() => import("./pages/settings"));
const NotFound = lazy(() => import("./pages/not_found"));

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000, refetchOnWindowFocus: false,
      retry: (count, error) => count < 1 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
});
// The rest of the theme is in ui/style.css: a Content-Security-Policy without inline styles leaves no other place.
// Menus are put into <main>, so that screen readers find them within a landmark.
const theme = createTheme({
  cursorType: "pointer", respectReducedMotion: true, components: { Menu: { defaultProps: { portalProps: { target: "#main" }, withInitialFocusPlaceholder: false } } },
});

function Guarded() {
  const me = useMe();
  const location = useLocation();
  if (me.isPending) return <div className="gate"><Loading what="your session" /></div>;
  if (me.error) return <div className="gate"><Failed what="Your session" error={me.error} retry={() => { void me.refetch(); }} /></div>;
  if (!me.data) return <Navigate to="/login" replace state={{ from: location.pathname + location.search }} />;
  return (
    <SessionProvider me={me.data}>
      <LiveProvider>
        <ValueMenuProvider>
          <Shell>
            <ErrorBoundary key={location.pathname}>
              <Suspense fallback={<Loading what="the page" />}><Outlet /></Suspense>
            </ErrorBoundary>
          </Shell>
        </ValueMenuProvider>
      </LiveProvider>
    </SessionProvider>
  );
}

const router = createBrowserRouter([
  { path: "/setup", element: <Setup /> },
  { path: "/login", element: <Login /> },
  {
    path: "/", element: <Guarded />, children: [
      { index: true, element: <Overview /> },
      { path: "findings", element: <Findings /> },
      { path: "incidents", element: <Incidents /> },
      { path: "incidents/:number", element: <IncidentPage /> },
      { path: "assets", element: <Assets /> },
      { path: "entities/:kind/:key", element: <EntityPage /> },
      { path: "measures", element: <MeasuresPage /> },
      { path: "search", element: <Search /> },
      { path: "sources", element: <Sources /> },
      { path: "rules", element: <Rules /> },
      { path: "rules/new", element: <NewRule /> },
      { path: "rules/refused", element: <RefusedRules /> },
      { path: "rules/attack", element: <AttackMatrix /> },
      { path: "rules/:id", element: <RulePage /> },
      { path: "tuning/:tab?", element: <Tuning /> },
      { path: "reviews", element: <Reviews /> },
      { path: "settings/:tab?", element: <Settings /> },
      { path: "*", element: <NotFound /> },
    ],
  },
]);

export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
        <Toasts />
      </QueryClientProvider>
    </MantineProvider>
  );
}
