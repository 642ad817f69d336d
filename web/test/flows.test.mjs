// What people do with the console, in a real browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertClean, credentials, onlyFixture, openBrowser, openPage, openServer, signIn, unable } from "./support.mjs";

let browser, server;
before(async () => { if (!unable) { browser = await openBrowser(); server = await openServer({}); } });
after(async () => { await browser?.close(); await server?.stop(); });

async function on(options, run) {
  const { page, problems, context } = await openPage(browser, server, options);
  try {
    await run(page);
    assertClean(problems);
  } finally { await context.close(); }
}
const rows = (page) => page.locator(".vt-body .vt-row");
async function countOf(page) {
  const text = await page.locator(".page-head [role=status]", { hasText: /\d/ }).innerText();
  return Number(text.match(/[\d,]+/)[0].replaceAll(",", ""));
}

describe("set-up", { skip: onlyFixture }, () => {
  test("the link makes the first administrator and works once", async () => {
    const fresh = await openServer({ setup: true, events: 500, findings: 50 });
    const { page, problems, context } = await openPage(browser, fresh);
    try {
      await page.goto("/setup#setup-token");
      await page.getByLabel("Display name").fill("Ada");
      const passwords = page.locator("input[type=password]");
      await passwords.nth(0).fill("short");
      await passwords.nth(1).fill("short");
      await page.getByRole("button", { name: "Make the administrator" }).click();
      assert.ok(await page.getByText("At least 12 characters", { exact: true }).isVisible());
      await passwords.nth(0).fill("a quiet evening in march");
      await passwords.nth(1).fill("a quiet evening in march");
      await page.getByRole("button", { name: "Make the administrator" }).click();
      await page.getByRole("heading", { name: "Overview" }).waitFor();
      await page.goto("/setup#setup-token");
      await page.getByText("Tocsin is set up already").waitFor();
      assertClean(problems);
    } finally { await context.close(); await fresh.stop(); }
  });
});

describe("signing in", { skip: unable }, () => {
  test("a wrong password is told, the right one leads to where one wanted to go", () => on({}, async (page) => {
    await page.goto("/findings?view=list");
    await page.getByLabel("Name").fill(credentials.name);
    await page.locator("input[type=password]").fill("not this one at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Name or password is wrong").waitFor();
    await page.locator("input[type=password]").fill(credentials.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Findings" }).waitFor();
    assert.match(page.url(), /view=list/);
  }));

  test("signing out leads back to the sign-in", () => on({}, async (page) => {
    await signIn(page);
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  }));
});

describe("second factor", { skip: onlyFixture }, () => {
  test("a code is asked for in a second step", () => on({}, async (page) => {
    await page.goto("/login");
    await page.getByLabel("Name").fill("otto");
    await page.locator("input[type=password]").fill(credentials.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Code").fill("000000");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("The code is wrong").waitFor();
    await page.getByLabel("Code").fill("123456");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
  }));

  test("setting it up draws the QR code here and shows recovery codes once", () => on({}, async (page) => {
    await signIn(page, "hugo");
    await page.goto("/settings/account");
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByRole("img", { name: /QR code/ }).waitFor();
    await page.getByLabel("Code that the app shows").fill("123456");
    await page.getByRole("button", { name: "Switch it on" }).click();
    await page.getByText("abcd-1000").waitFor();
    await page.getByRole("button", { name: "I have them" }).click();
    await page.getByText("On: signing in asks for a code").waitFor();
  }));
});

describe("findings", { skip: onlyFixture }, () => {
  test("are grouped by rule and source, a click shows the members, another leads back", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/findings");
    const first = rows(page).first();
    const count = (await first.locator(".vt-cell").nth(1).innerText()).replaceAll(",", "");
    await first.locator(".vt-cell").nth(1).click();
    await page.getByRole("button", { name: "Back to the groups" }).waitFor();
    await page.getByText(`${Number(count).toLocaleString("en-US")} findings`).waitFor();
    await page.getByRole("button", { name: "Back to the groups" }).click();
    await page.getByRole("grid", { name: "Groups of findings" }).waitFor();
    await page.goBack();
    await page.getByRole("button", { name: "Back to the groups" }).waitFor();
  }));

  test("a new one is announced without moving the rows, and shown when asked for", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/findings?view=list");
    await rows(page).first().waitFor();
    await page.locator(".live-live").waitFor();
    const before = await countOf(page);
    server.addFinding({ rule_title: "Seen live", level: "critical", severity_id: 5 });
    await page.getByRole("button", { name: "1 new" }).click();
    await rows(page).first().getByText("Seen live", { exact: true }).waitFor();
    assert.equal(await countOf(page), before + 1);
    await page.getByText("Show new at once").click();
    server.addFinding({ rule_title: "Seen at once" });
    await rows(page).first().getByText("Seen at once", { exact: true }).waitFor();
  }));

  test("facets narrow the list and are in the address", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/findings?view=list");
    const all = await countOf(page);
    await page.getByRole("group", { name: "Severity" }).getByRole("button").first().click();
    await page.waitForURL(/level=critical/);
    await page.waitForFunction((before) => { const text = document.querySelector(".page-head [role=status]").textContent; return /\d/.test(text) && !text.startsWith(before); }, all.toLocaleString("en-US"));
    assert.ok((await countOf(page)) < all);
    await page.reload();
    await page.getByRole("group", { name: "Filters in use" }).getByText("Critical").waitFor();
  }));

  test("the panel says first why it fired, with each comparison and its value", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/findings?view=list&id=f-3");
    const panel = page.getByRole("complementary", { name: "Finding" });
    await panel.getByRole("heading", { name: "Why it fired" }).waitFor();
    const headings = await panel.getByRole("heading", { level: 2 }).allInnerTexts();
    assert.equal(headings[0], "Why it fired");
    await panel.locator("mark", { hasText: "comsvcs" }).waitFor();
    await panel.getByRole("tab", { name: "Related" }).click();
    await panel.getByText("Same host").waitFor();
    await panel.getByRole("tab", { name: "OCSF JSON" }).click();
    await panel.getByText('"class_uid": 2004').waitFor();
  }));

  test("keys move, open, mark, close and tell what they do", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/findings?view=list");
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.waitForURL(/id=/);
    const first = new URL(page.url()).searchParams.get("id");
    await page.keyboard.press("j");
    await page.waitForFunction((before) => new URL(location.href).searchParams.get("id") !== before, first);
    await page.keyboard.press("k");
    await page.waitForFunction((before) => new URL(location.href).searchParams.get("id") === before, first);
    await page.keyboard.press("x");
    await page.getByText("1 marked").waitFor();
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !new URL(location.href).searchParams.has("id"));
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "hidden" });
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Words in title, reason, host or user");
  }));

  test("dragging over the histogram sets the range of time", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/findings?view=list");
    await brush(page, page.getByRole("img", { name: /^Findings over time/ }));
    await page.waitForURL(/from=20.*to=20/);
  }));
});

async function brush(page, chart) {
  await chart.waitFor();
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + 150, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + 300, box.y + 40, { steps: 5 });
  await page.mouse.up();
}

describe("search", { skip: onlyFixture }, () => {
  const bar = (page) => page.getByLabel("Search events");
  test("a value can be included, excluded and looked at alone", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/search");
    const host = rows(page).first().locator(".vt-cell").nth(1).getByRole("button");
    const name = await host.innerText();
    await host.click();
    await page.getByRole("menuitem", { name: "Include" }).click();
    assert.equal(await bar(page).inputValue(), `host:${name}`);
    const user = rows(page).first().locator(".vt-cell").nth(2).getByRole("button");
    const userName = await user.innerText();
    await user.click();
    await page.getByRole("menuitem", { name: "Exclude" }).click();
    assert.equal(await bar(page).inputValue(), `host:${name} AND NOT user:${userName}`);
    await page.waitForFunction((excluded) => ![...document.querySelectorAll(".vt-body .vt-row")].some((row) => row.children[2]?.textContent === excluded) && document.querySelector(".vt-body .vt-row"), userName);
    await page.goBack();
    await page.waitForFunction((wanted) => document.querySelector(".query-input").value === wanted, `host:${name}`);
  }));

  test("an error is shown at its place with a hint while typing", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/search");
    await bar(page).fill('user:anna hots:web01');
    await page.getByText('At character 11: There is no field "hots".').waitFor();
    await page.getByText('Did you mean "host"?').waitFor();
    assert.equal(await bar(page).getAttribute("aria-invalid"), "true");
    await bar(page).fill("user:anna host:web01");
    await page.getByText("At character").waitFor({ state: "hidden" });
  }));

  test("the histogram can be brushed, a field opened, a column shown", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/search");
    await brush(page, page.getByRole("img", { name: /^Events over time/ }));
    await page.waitForURL(/from=20.*to=20/);
    const rail = page.getByRole("complementary", { name: "Fields" });
    await rail.getByRole("button", { name: /^IntegrityLevel/ }).click();
    await rail.getByRole("button", { name: "Medium" }).waitFor();
    await rail.getByRole("button", { name: "Show column IntegrityLevel" }).click();
    await page.getByRole("columnheader", { name: "IntegrityLevel" }).waitFor();
    assert.match(page.url(), /columns=.*IntegrityLevel/);
  }));

  test("a search can be saved and opened again, exported, and cancelled on the server", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/search?q=host%3Adb01");
    await page.getByRole("button", { name: "Saved" }).click();
    await page.getByRole("menuitem", { name: /Save this search/ }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Database host");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText('"Database host" saved').waitFor();
    await page.goto("/search");
    await page.getByRole("button", { name: "Saved" }).click();
    await page.getByRole("menuitem", { name: /^Database host/ }).first().click();
    await page.waitForURL(/host%3Adb01/);
    await page.getByRole("button", { name: "Export" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "CSV" }).click()]);
    assert.equal(download.suggestedFilename(), "events.csv");
    server.state.delayMs = 30_000;
    await bar(page).fill("host:dc01");
    await Promise.all([page.waitForRequest((request) => request.url().endsWith("/search/histogram")), page.getByRole("button", { name: "Search" }).click()]);
    await Promise.all([page.waitForRequest((request) => request.method() === "DELETE" && /\/search\/[^/]+$/.test(request.url())), page.getByRole("button", { name: "Cancel" }).click()]);
    server.state.delayMs = 0;
    await page.getByText("Cancelled. What had arrived is shown").waitFor();
  }));

  test("SQL runs and its errors are shown", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/search?tab=sql");
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByRole("grid", { name: "Result" }).waitFor();
    assert.equal(await page.getByRole("columnheader").count(), 3);
  }));
});

describe("rules and sources", { skip: onlyFixture }, () => {
  test("the matrix shows every technique, or only those with rules", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/rules/attack");
    const cells = page.locator(".matrix .matrix-cell");
    await cells.first().waitFor();
    const all = await cells.count();
    assert.ok(await page.locator(".matrix .matrix-cell.none").count() > 0);
    await page.getByText("Only with rules").click();
    await page.waitForURL(/covered=1/);
    await page.locator(".matrix .matrix-cell.none").first().waitFor({ state: "detached" });
    assert.ok((await cells.count()) < all);
  }));

  test("a rule is switched to draft and that is seen in the list", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/rules?mode=on");
    const first = rows(page).first();
    const id = await first.getAttribute("data-key");
    await first.locator(".vt-cell").nth(3).click();
    await page.waitForURL(new RegExp(id));
    await page.getByRole("radiogroup", { name: "Mode of the rule" }).getByText("Draft").click();
    await page.getByText("Draft: hits are counted").waitFor();
    assert.equal(server.state.rules.find((rule) => rule.id === id).mode, "draft");
  }));

  test("a rule is tested against stored events, with why", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/rules/new");
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("37").first().waitFor();
    await page.locator("details").first().click();
    await page.getByText("comsvcs").first().waitFor();
  }));

  test("a source that falls silent is seen at once", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/sources");
    await page.locator(".live-live").waitFor();
    await page.getByRole("row", { name: /linux-syslog/ }).getByText("Good").waitFor();
    server.setSource("linux-syslog", { state: "silent", silent_since: new Date().toISOString() });
    await page.getByRole("row", { name: /linux-syslog/ }).getByText("Silent").waitFor();
    await page.getByRole("row", { name: /linux-syslog/ }).click();
    await page.getByText("401 rules that depend on it may see nothing").waitFor();
    server.setSource("linux-syslog", { state: "ok", silent_since: null });
    await page.getByRole("row", { name: /linux-syslog/ }).getByText("Good").waitFor();
  }));

  test("a table is used with the keyboard alone", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/sources");
    const grid = page.getByRole("grid", { name: "Sources" });
    await grid.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/id=linux-syslog/);
    await page.keyboard.press("Escape");
    await page.getByRole("complementary", { name: "Source" }).waitFor({ state: "detached" });
  }));

  test("a new source shows its token once", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/sources");
    await page.getByRole("button", { name: "New source" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("firewall");
    await page.getByRole("button", { name: "Make the source" }).click();
    await page.getByText("tsi_0123456789abcdef").waitFor();
    await page.getByRole("button", { name: "I have it" }).click();
    await page.getByRole("row", { name: /firewall/ }).first().waitFor();
  }));
});

describe("roles", { skip: onlyFixture }, () => {
  test("a viewer sees what he may not do switched off, with the reason", () => on({}, async (page) => {
    await signIn(page, "viewer");
    await page.goto("/sources");
    assert.equal(await page.getByRole("button", { name: "New source" }).getAttribute("aria-disabled"), "true");
    assert.match(await page.getByRole("button", { name: "New source" }).getAttribute("title"), /sources\.write/);
    await page.goto("/search?tab=sql");
    await page.getByText('SQL needs the right "search.sql"').waitFor();
    await page.goto("/rules/0793a79f-978c-43a5-b0ae-fa44502c3959");
    await page.getByText("Your role may not change it").waitFor();
    await page.goto("/settings/account");
    assert.equal(await page.getByRole("link", { name: "Users" }).count(), 0);
    await page.goto("/settings/users");
    await page.getByText('This page needs the right "users.write"').waitFor();
  }));

  test("a switch of tenant drops filters and selection", () => on({}, async (page) => {
    await signIn(page);
    await page.goto("/findings?view=list&level=high&id=f-3");
    await page.getByRole("textbox", { name: "Tenant" }).click();
    await page.getByRole("option", { name: "Tenant: branch" }).click();
    await page.waitForURL(/tenant=branch/);
    assert.doesNotMatch(page.url(), /level=|id=/);
  }));

  test("a user of one tenant sees which", () => on({}, async (page) => {
    await signIn(page, "anna");
    await page.getByText("Tenant: default").waitFor();
  }));
});
