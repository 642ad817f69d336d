// Every page, light and dark: no console error, no request elsewhere, no violation that axe finds, and a picture of it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertClean, onlyFixture, openBrowser, openPage, openServer, realUrl, screenshots, signIn, unable } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// Name, path, what to wait for, and whether it needs the data of the stand-in.
const pages = [
  ["overview", "/", "Findings over time"], ["findings", "/findings", "Severity"], ["findings-list", "/findings?view=list", "Severity"],
  ["finding", "/findings?view=list&id=f-3", "Why it fired", true], ["search", "/search", "Columns"], ["search-error", "/search?q=hots:web01", "There is no field", true], ["sql", "/search?tab=sql", "Ctrl+Enter"],
  ["sources", "/sources", "Last hour"], ["source", "/sources?id=proxy", "Silent since", true], ["rules", "/rules", "Log source"], ["rule", "/rules/0793a79f-978c-43a5-b0ae-fa44502c3959", "Test against stored events", true],
  ["new-rule", "/rules/new", "Test against stored events"], ["refused", "/rules/refused", "Refused rules"], ["attack", "/rules/attack", "Reconnaissance"], ["account", "/settings/account", "What you may do"], ["tokens", "/settings/tokens", "New token"],
  ["users", "/settings/users", "Second factor"], ["retention", "/settings/retention", "retention.days"], ["certificates", "/settings/certificates", "SHA-256"], ["audit", "/settings/audit", "Verify the chain"], ["health", "/settings/health", "Losses, limits"],
  ["incidents", "/incidents", "loaded"], ["incident", "/incidents/1", "Stages along", true], ["incident-findings", "/incidents/1?tab=findings", "Why it is here", true], ["incident-finding", "/incidents/1?tab=findings&id=f-1", "Why it fired", true], ["incident-timeline", "/incidents/1?tab=timeline", "entries", true],
  ["incident-processes", "/incidents/1?tab=processes", "After its parent", true], ["incident-graph", "/incidents/1?tab=graph", "Relations", true], ["incident-tasks", "/incidents/1?tab=tasks", "Isolate", true], ["incident-comments", "/incidents/1?tab=comments", "isolated", true], ["incident-activity", "/incidents/1?tab=activity", "Opened by", true],
  ["assets", "/assets", "Criticality"], ["entity", "/entities/host/dc01", "Peers", true], ["measures", "/measures", "Backlog"],
  ["suppressions", "/tuning/suppressions", "Backup agent", true], ["suppression", "/tuning/suppressions?id=1", "endswith", true], ["triage-rules", "/tuning/rules", "Close what the own scanner", true], ["reviews", "/reviews", "Your judgement", true], ["review-finding", "/reviews?id=f-1", "Why it fired", true],
  ["incident-evidence", "/incidents/1?tab=evidence", "invoice.docm", true], ["notifications", "/settings/notifications", "soc@corp", true], ["measures-analyst", "/measures?view=analyst", "New and nobody"], ["measures-engineer", "/measures?view=engineer", "Silent days", true], ["measures-executive", "/measures?view=executive", "Real attacks"],
  ["not-found", "/no/such/page", "There is no such page"],
];

let browser, server;
before(async () => { if (!unable) { browser = await openBrowser(); server = await openServer({}); } });
after(async () => { await browser?.close(); await server?.stop(); });

async function assertAccessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  assert.deepEqual(violations.map((violation) => `${name}: ${violation.id}: ${violation.help}: ${violation.nodes.slice(0, 3).map((node) => `${node.target} ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join(" | ")}`), []);
}

for (const colorScheme of ["light", "dark"]) {
  describe(`pages, ${colorScheme}`, { skip: unable }, () => {
    test("sign-in", async () => {
      const { page, problems, context } = await openPage(browser, server, { colorScheme });
      await page.goto("/login");
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await assertAccessible(page, "login");
      await page.screenshot({ path: join(screenshots, `login-${colorScheme}.png`) });
      assertClean(problems);
      await context.close();
    });

    test("set-up", { skip: onlyFixture }, async () => {
      const fresh = await openServer({ setup: true, events: 100, findings: 10 });
      const { page, problems, context } = await openPage(browser, fresh, { colorScheme });
      await page.goto("/setup#setup-token");
      await page.getByRole("button", { name: "Make the administrator" }).waitFor();
      await assertAccessible(page, "setup");
      await page.screenshot({ path: join(screenshots, `setup-${colorScheme}.png`) });
      assertClean(problems);
      await context.close();
      await fresh.stop();
    });

    test("all others", async (t) => {
      const { page, problems, context } = await openPage(browser, server, { colorScheme });
      await signIn(page);
      for (const [name, path, sign, needsFixture] of pages) {
        if (needsFixture && realUrl) continue;
        await t.test(name, async () => {
          problems.length = 0;
          await page.goto(path);
          await page.getByText(sign).first().waitFor();
          await page.waitForLoadState("load");
          await page.locator("text=/^Loading .* …$/").first().waitFor({ state: "detached" });
          await assertAccessible(page, name);
          await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}.png`) });
          assertClean(problems);
        });
      }
      await context.close();
    });

    test("dialogs and menus", { skip: onlyFixture }, async () => {
      const { page, problems, context } = await openPage(browser, server, { colorScheme });
      await signIn(page);
      const open = async (path, button, role, name) => {
        await page.goto(path);
        await page.getByRole("button", { name: button }).first().click();
        await page.getByRole(role).last().waitFor();
        await page.waitForTimeout(400);  // Its fading in would be measured as too little contrast.
        await assertAccessible(page, name);
      };
      await open("/sources", "New source", "dialog", "new source");
      await open("/settings/users", "New user", "dialog", "new user");
      await open("/settings/tokens", "New token", "dialog", "new token");
      await open("/search", "Saved", "menu", "saved searches");
      await open("/incidents", "Open an incident", "dialog", "open an incident");
      await open("/incidents", "Views", "menu", "views");
      await open("/incidents/1", "Close …", "dialog", "close");
      await open("/incidents/1", "Merge …", "dialog", "merge");
      await open("/incidents/1?tab=timeline", "Add a note", "dialog", "note");
      await open("/assets", "New asset", "dialog", "new asset");
      await open("/assets", "Import …", "dialog", "import");
      await open("/findings?view=list&id=f-3", "Suppress …", "dialog", "suppress");
      await page.getByText(/would have been silenced/).waitFor();
      await assertAccessible(page, "suppress, with its preview");
      await open("/tuning/rules", /^Dry run/, "dialog", "dry run");
      await open("/incidents/1?tab=activity", "Take back …", "dialog", "take back");
      await open("/settings/notifications", "New channel", "dialog", "new channel");
      await open("/settings/notifications", "Change", "dialog", "change a channel");
      await open("/incidents/1", "Export and report", "menu", "export and report");
      await open("/measures", "Report", "menu", "report");
      await open("/", /^Range of time/, "dialog", "range of time");
      assertClean(problems);
      await context.close();
    });
  });
}

describe("pictures for the README (tools/make_images.sh console)", { skip: onlyFixture }, () => {
  test("a finding with why it fired, and the overview", async () => {
    const { page, problems, context } = await openPage(browser, server);
    const rule = server.state.rules.find(({ title }) => /comsvcs/.test(title));
    const { id } = server.addFinding({
      rule_id: rule.id, rule_title: rule.title, level: "critical", severity_id: 5, tactics: rule.tactics, techniques: rule.techniques, host: "wks-anna", user: "anna",
      reason: "CommandLine contains 'comsvcs'; Image endswith '\\rundll32.exe'",
    });
    await signIn(page);
    await page.goto(`/findings?view=list&id=${id}`);
    await page.getByRole("complementary", { name: "Finding" }).locator("mark", { hasText: "comsvcs" }).waitFor();
    await page.getByRole("img", { name: /^Findings over time/ }).waitFor();
    await page.screenshot({ path: join(screenshots, "readme-console.png") });
    await page.goto("/");
    await page.getByRole("img", { name: /^Findings over time/ }).waitFor();
    await page.screenshot({ path: join(screenshots, "readme-overview.png") });
    assertClean(problems);
    await context.close();
  });
});

describe("speed", { skip: unable }, () => {
  test("the first load is at most 400 kB", { skip: onlyFixture }, () => {
    assert.match(execFileSync(process.execPath, [fileURLToPath(new URL("../scripts/check_size.mjs", import.meta.url))], { encoding: "utf8" }), /first load, gzip; at most 400000/);
  });

  test("the findings can be worked with within a second of opening them", async () => {
    const { page, context } = await openPage(browser, server);
    await signIn(page);
    const times = [];
    for (let i = 0; i < 3; ++i) {
      await page.goto("about:blank");
      const start = Date.now();
      await page.goto("/findings", { waitUntil: "commit" });
      await page.locator("[role=grid] .vt-body .vt-row, .state-title").first().waitFor();
      times.push(Date.now() - start);
    }
    assert.ok(Math.min(...times) < 1000, `it took ${times.join(", ")} ms`);
    await context.close();
  });
});
