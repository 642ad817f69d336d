// What people do with findings, suppressions, triage rules, notifications, evidence, reviews and measures, in a real browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertClean, onlyFixture, openBrowser, openPage, openServer, signIn } from "./support.mjs";

let browser, server;
before(async () => { if (!onlyFixture) { browser = await openBrowser(); server = await openServer({ events: 4000, findings: 300 }); } });
after(async () => { await browser?.close(); await server?.stop(); });

// What is answered with 404 or 409 is written down by Chromium too: `expected` are such lines.
async function on(user, run, expected = /$^/) {
  const { page, problems, context } = await openPage(browser, server);
  try {
    await signIn(page, user);
    await run(page);
    assertClean(problems.filter((problem) => !expected.test(problem)));
  } finally { await context.close(); }
}
const dialog = (page) => page.getByRole("dialog");
const panel = (page) => page.getByRole("complementary", { name: "Finding" });
async function choose(page, label, option) {
  await page.getByRole("textbox", { name: label, exact: true }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

describe("the finding panel", { skip: onlyFixture }, () => {
  test("leads with why it fired, then its incident, how common it is, what is near, what to do, the raw event", () => on("admin", async (page) => {
    await page.goto("/findings?view=list&id=f-1");
    await panel(page).getByText("In incident INC-1").waitFor();
    await panel(page).getByRole("region", { name: "Table of matched values" }).waitFor();
    await panel(page).getByRole("heading", { name: "Raw event" }).waitFor();
    const heads = await panel(page).getByRole("heading", { level: 2 }).allInnerTexts();
    const at = (start) => heads.findIndex((head) => head.startsWith(start));
    const order = ["Why it fired", "Incident", "How common it is", "On ", "What to do next", "Raw event"].map(at);
    assert.deepEqual(order, [...order].sort((a, b) => a - b));
    assert.equal(order[0], 0);
    await panel(page).getByRole("region", { name: "Incident", exact: true }).getByRole("link", { name: /Credentials stolen/ }).click();
    await page.waitForURL(/\/incidents\/1$/);
  }));

  test("counts each matched value on the host, in the fleet, and says when it was first seen", () => on("admin", async (page) => {
    const { host, tenant } = server.state.findings.find((one) => one.id === "f-1");
    await page.goto("/findings?view=list&id=f-1");
    const row = panel(page).getByRole("region", { name: "Table of matched values" }).getByRole("row", { name: /^Image/ });
    const fleet = server.state.events.filter((event) => event.tenant === tenant && /rundll32/.test(event.process_name));
    await row.getByText(`on ${new Set(fleet.map((event) => event.host)).size} hosts`).waitFor();
    const cells = await row.getByRole("cell").allInnerTexts();
    assert.equal(Number(cells[1].replace(/,/g, "")), fleet.filter((event) => event.host === host).length);
    assert.equal(Number(cells[2].replace(/,/g, "").split(" ")[0]), fleet.length);
    assert.match(cells[3], /ago$/);
  }));

  test("shows what fired on the same host within an hour, and the notes of the rule", () => on("admin", async (page) => {
    server.addFinding({ id: "f-near", host: "host-near", rule_title: "What came before", tenant: "default" });
    server.addFinding({ id: "f-here", host: "host-near", tenant: "default" });
    await page.goto("/findings?view=list&id=f-here");
    await panel(page).getByRole("region", { name: "Near it on the same host" }).getByRole("button", { name: "What came before" }).waitFor();
    await panel(page).getByRole("region", { name: "What to do next" }).getByText("Rare administrative work").waitFor();
    await panel(page).getByRole("button", { name: "What came before" }).click();
    await page.waitForURL(/id=f-near/);
  }));

  test("a suppression is drafted, edited, shown on the past and saved with reason and end: two clicks to the preview", () => on("admin", async (page) => {
    await page.goto("/findings?view=list&id=f-1");
    await panel(page).getByRole("button", { name: "Suppress …" }).click();
    await dialog(page).getByText(/findings of the last 30 days would have been silenced/).waitFor();
    const save = dialog(page).getByRole("button", { name: "Suppress", exact: true });
    assert.equal(await save.getAttribute("aria-disabled"), "true");
    await dialog(page).getByLabel("Fit Computer").uncheck();
    await dialog(page).getByText(/It would have hidden 1 true positive/).waitFor();
    await dialog(page).getByLabel("I accept that it hides what was real").waitFor();
    await dialog(page).getByLabel("Fit Computer").check();
    await dialog(page).getByText(/It would have hidden/).waitFor({ state: "detached" });
    await dialog(page).getByLabel("Value of Image").fill("\\agent.exe");
    await dialog(page).getByLabel("Title").fill("Agent of the network team");
    await dialog(page).getByLabel("Reason").fill("It does this each night");
    await dialog(page).getByLabel("Ends after").fill("2001-01-01");
    await dialog(page).getByText("That day is over").waitFor();
    const end = new Date(Date.now() + 14 * 86_400_000).toISOString().slice(0, 10);
    await dialog(page).getByLabel("Ends after").fill(end);
    await save.click();
    await page.getByText('"Agent of the network team" is in force').waitFor();
    const made = server.state.suppressions[0];
    assert.deepEqual([made.reason, made.expires_at, made.fields.length, made.fields[0].value], ["It does this each night", `${end}T23:59:59Z`, 2, "\\agent.exe"]);
  }));

  test("a viewer cannot suppress", () => on("viewer", async (page) => {
    await page.goto("/findings?view=list&id=f-1");
    assert.equal(await panel(page).getByRole("button", { name: "Suppress …" }).getAttribute("aria-disabled"), "true");
  }));
});

describe("tuning", { skip: onlyFixture }, () => {
  test("closing as a false positive leads to suppressing what made it", () => on("admin", async (page) => {
    await page.goto("/incidents/1");
    await page.getByRole("button", { name: "Close …" }).click();
    await dialog(page).getByText("True positive", { exact: true }).click();
    assert.equal(await dialog(page).getByLabel("Then suppress what made it").count(), 0);
    await dialog(page).getByText("False positive", { exact: true }).click();
    await dialog(page).getByLabel("Cause").fill("Test of the new agent");
    await dialog(page).getByLabel("Then suppress what made it").check();
    await dialog(page).getByRole("button", { name: "Close the incident" }).click();
    await page.getByRole("dialog", { name: "Suppress which rule?" }).getByRole("button", { name: /LSASS memory dumped/ }).click();
    await page.getByRole("dialog", { name: "Suppress findings like this one" }).getByText(/would have been silenced/).waitFor();
    assert.equal(await dialog(page).getByLabel("Reason").inputValue(), "Test of the new agent");
    server.setIncident(1, { state: "acknowledged", verdict: "", closed_at: null, cause: "" });
  }));

  test("suppressions are listed with state and end, switched off, ended", () => on("admin", async (page) => {
    await page.goto("/tuning/suppressions");
    const row = (title) => page.getByRole("row", { name: new RegExp(title) });
    await row("Backup agent 1").getByText("Active").waitFor();
    await row("Move of the data centre").getByText("Expired").waitFor();
    await page.getByRole("button", { name: "Switch off: Backup agent 1" }).click();
    await row("Backup agent 1").getByText("Off").waitFor();
    await page.getByRole("button", { name: "End Backup agent 1" }).click();
    await dialog(page).getByRole("button", { name: "End it" }).click();
    await row("Backup agent 1").getByText("ended by admin").waitFor();
    await choose(page, "State", "Expired");
    await page.waitForURL(/state=expired/);
    await row("Backup agent 1").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Move of the data centre", exact: true }).click();
    await dialog(page).getByText("Image|endswith").waitFor();
    assert.match(page.url(), /id=2/);
  }));

  test("a triage rule is tried on the past and switched on", () => on("admin", async (page) => {
    await page.goto("/tuning/rules");
    await page.getByRole("button", { name: /Dry run of Raise what reaches/ }).click();
    await dialog(page).getByText(/6 of \d+ incidents would have been decided/).waitFor();
    await dialog(page).getByRole("button", { name: "Close" }).last().click();
    await page.getByRole("switch", { name: /Raise what reaches/ }).focus();
    await page.keyboard.press("Space");
    await page.getByText('"Raise what reaches a domain controller" is on').waitFor();
    assert.equal(server.state.triageRules[1].enabled, true);
  }));

  test("a decision of a rule is taken back from the activity", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=activity");
    await page.getByRole("row", { name: /Priority set to P1/ }).getByRole("button", { name: "Take back …" }).click();
    await dialog(page).getByRole("button", { name: "Take it back" }).click();
    await page.getByRole("row", { name: /Taken back: Priority set/ }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Take back …" }).count(), 0);
  }));
});
