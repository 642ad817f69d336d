// What people do with incidents, assets and measures, in a real browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { choose, dialog, onlyFixture, onPages, openBrowser, openServer } from "./support.mjs";

let browser, server;
before(async () => { if (!onlyFixture) { browser = await openBrowser(); server = await openServer({ events: 2000, findings: 300 }); } });
after(async () => { await browser?.close(); await server?.stop(); });

const on = onPages(() => ({ browser, server }));
const rows = (page) => page.locator(".vt-body .vt-row");
const incident = (number) => server.state.incidents.find((one) => one.number === number);

describe("the queue of incidents", { skip: onlyFixture }, () => {
  test("has the most urgent first, and a score says what it is the sum of", () => on("admin", async (page) => {
    await page.goto("/incidents");
    const scores = (await page.locator(".score").allInnerTexts()).map(Number);
    await rows(page).first().waitFor();
    assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
    await page.locator(".score").first().focus();
    await page.getByRole("tooltip").getByText("of 100").waitFor();
    await page.keyboard.press("Tab");
    await page.getByRole("row", { name: /INC-1 Credentials stolen/ }).locator(".score").hover();
    await page.getByText("DC01 has criticality 5").waitFor();
  }));

  test("filters are in the address and can be saved as a view", () => on("admin", async (page) => {
    await page.goto("/incidents");
    await page.getByRole("group", { name: "State" }).getByRole("button", { name: "Contained" }).click();
    await page.getByRole("group", { name: "Severity at least" }).getByRole("button", { name: "High" }).click();
    await page.waitForURL(/state=contained.*min_severity=4|min_severity=4.*state=contained/);
    const wanted = server.state.incidents.filter((one) => one.state === "contained" && one.severity_id >= 4).length;
    await page.locator(".page-head [role=status]", { hasText: new RegExp(`^${wanted} incident`) }).waitFor();
    await page.reload();
    await page.getByRole("group", { name: "Filters in use" }).getByText("Contained").waitFor();
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("menuitem", { name: /Save these filters/ }).click();
    await dialog(page).getByLabel("Name").fill("Contained and grave");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.getByText('"Contained and grave" saved').waitFor();
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("menuitem", { name: "Oldest first" }).click();
    await page.waitForURL((url) => url.search.includes("order=oldest") && !url.search.includes("state="));
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("menuitem", { name: /^Contained and grave/ }).first().click();
    await page.waitForURL(/state=contained/);
  }));

  test("a host in a cell becomes a filter", () => on("admin", async (page) => {
    await page.goto("/incidents");
    const host = page.getByRole("row", { name: /INC-1 Credentials stolen/ }).getByRole("button", { name: "wks-anna" });
    await host.click();
    await page.getByRole("menuitem", { name: "Only incidents with this host" }).click();
    await page.waitForURL(/entity=host%3Awks-anna/);
  }));

  test("keys move, acknowledge, escalate, mark, and close with a verdict", () => on("admin", async (page) => {
    await page.goto("/incidents?state=new&order=newest");
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.waitForURL(/at=/);
    const number = Number(new URL(page.url()).searchParams.get("at"));
    incident(number).priority = "p3";
    await page.reload();
    await rows(page).first().waitFor();
    await page.keyboard.press("e");
    await page.getByText(`INC-${number} is P2 now`).waitFor();
    assert.equal(incident(number).priority, "p2");
    await page.keyboard.press("a");
    await page.getByText(`INC-${number} acknowledged`).waitFor();
    assert.deepEqual([incident(number).state, incident(number).owner], ["acknowledged", "admin"]);
    await page.goto("/incidents?order=newest");
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.getByText("1 marked").waitFor();
    await page.keyboard.press("c");
    await dialog(page).getByText("Benign trigger").click();
    await dialog(page).getByLabel("Cause").fill("The yearly test of the red team");
    const marked = Number(await page.locator(".vt-marked").getAttribute("data-key"));
    await dialog(page).getByRole("button", { name: "Close the incident" }).click();
    await page.getByText("1 incident closed").waitFor();
    await dialog(page).waitFor({ state: "detached" });
    assert.deepEqual([incident(marked).state, incident(marked).verdict], ["closed", "benign"]);
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Words in title, hosts or users");
  }));

  test("a change of many is shown before it is done, and what failed after it", () => on("admin", async (page) => {
    Object.assign(incident(13), { state: "new", owner: "", tenant: "default" });
    await page.goto("/incidents?order=oldest&q=");
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.getByRole("button", { name: /^Mark all/ }).click();
    const count = server.state.incidents.filter((one) => one.state !== "closed" && !one.merged_into).length;
    await page.getByText(`${count} marked`).waitFor();
    await page.getByRole("button", { name: "Change …" }).click();
    await dialog(page).getByText("Nothing would change").waitFor();
    assert.ok(await dialog(page).getByRole("button", { name: /^Change 0/ }).isDisabled());
    await choose(page, "Owner", "me");
    await dialog(page).getByText(/^\d+ of \d+ would change/).waitFor();
    await dialog(page).getByText("owner nobody → admin").first().waitFor();
    await dialog(page).getByRole("button", { name: /^Change \d+/ }).click();
    await page.getByRole("dialog", { name: "1 incident could not be changed" }).getByText("Somebody changed it meanwhile").waitFor();
    assert.equal(server.state.incidents.filter((one) => one.state !== "closed" && one.owner !== "admin").length, 1);
  }));

  test("a row changes live where it stands, a new one is announced", () => on("admin", async (page) => {
    await page.goto("/incidents");
    await page.locator(".live-live").waitFor();
    await page.getByRole("row", { name: /INC-1 / }).waitFor();
    server.setIncident(1, { title: "Renamed by a colleague" });
    await page.getByRole("row", { name: /INC-1 Renamed by a colleague/ }).waitFor();
    server.setIncident(9001, { title: "Seen live", score: 99, state: "new", merged_into: null });
    await page.getByRole("button", { name: "1 new" }).click();
    await rows(page).first().getByText("Seen live").waitFor();
    server.setIncident(1, { title: "Credentials stolen on WKS-ANNA, then DC01 reached" });
  }));

  test("one is opened by hand", () => on("admin", async (page) => {
    await page.goto("/incidents");
    await page.getByRole("button", { name: "Open an incident" }).click();
    await dialog(page).getByLabel("Title").fill("A call about a lost laptop");
    await dialog(page).getByRole("button", { name: "Open it" }).click();
    await page.getByRole("heading", { name: /A call about a lost laptop/ }).waitFor();
    await page.getByRole("tab", { name: "Findings" }).click();
    await page.getByText("It was opened by hand").waitFor();
  }));

  test("a viewer looks, and is told what he may not do", () => on("viewer", async (page) => {
    await page.goto("/incidents");
    assert.equal(await page.getByRole("button", { name: "Open an incident" }).getAttribute("aria-disabled"), "true");
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.waitForURL(/at=/);
    await page.keyboard.press("a");
    await page.getByText(/needs the right "findings.write"/).first().waitFor();
    await page.goto("/incidents/1");
    assert.ok(await page.getByRole("list", { name: "State of the work" }).getByRole("button", { name: "Contained" }).isDisabled());
  }));
});

describe("an incident", { skip: onlyFixture }, () => {
  test("says what it is, how far it got, whom it concerns and what it resembles", () => on("admin", async (page) => {
    await page.goto("/incidents/1");
    await page.getByText("21 minutes after the first event").waitFor();
    assert.equal(await page.locator(".stage").count(), 6);
    await page.getByRole("region", { name: "Affected things" }).getByRole("link", { name: "DC01" }).waitFor();
    await page.getByText("the same hash sha256:aa and two of the same rules").waitFor();
    await page.getByText("DC01 has criticality 5").first().waitFor();
  }));

  test("each finding is led by why it is there, and opens beside the list", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=findings");
    const second = rows(page).nth(1);
    await second.getByText("winword.exe 4312 started powershell.exe 5120").waitFor();
    assert.equal(await page.getByRole("columnheader").nth(1).innerText(), "Why it is here");
    await second.click();
    await page.getByRole("complementary", { name: "Finding" }).getByText("In incident INC-1").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("complementary", { name: "Finding" }).waitFor({ state: "detached" });
  }));

  test("a finding leads to its incident", () => on("admin", async (page) => {
    await page.goto("/findings?view=list&id=f-3");
    await page.getByRole("link", { name: "Open incident" }).click();
    await page.waitForURL(/\/incidents\/1/);
  }));

  test("the timeline is brushed to zoom, takes a note, and is a table too", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=timeline");
    const chart = page.getByRole("img", { name: /^Timeline from/ });
    await chart.waitFor();
    await page.getByRole("group", { name: "Times of the work" }).getByText("15 min").waitFor();
    const grid = page.getByRole("grid", { name: "Timeline" });
    await grid.getByText("Acknowledged.").waitFor();
    const all = await grid.locator(".vt-body .vt-row").count();
    const box = await chart.boundingBox();
    await page.mouse.move(box.x + 80, box.y + box.height - 30);
    await page.mouse.down();
    await page.mouse.move(box.x + 330, box.y + box.height - 30, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/t0=\d+/);
    await page.waitForFunction((before) => document.querySelectorAll("[aria-label=Timeline] .vt-body .vt-row").length < before, all);
    await page.getByRole("button", { name: "Whole time" }).click();
    await page.getByRole("button", { name: "Add a note" }).click();
    await dialog(page).getByLabel("What happened").fill("Host taken off the network");
    await dialog(page).getByRole("button", { name: "Add it" }).click();
    await grid.getByText("Host taken off the network").waitFor();
  }));

  test("list and tree of processes move together, with findings, times and command lines", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=processes");
    const list = page.getByRole("region", { name: "Processes as a list" });
    await list.getByRole("button", { name: /rundll32/ }).click();
    await page.getByRole("region", { name: "Command line" }).getByText("MiniDump 624").waitFor();
    assert.equal(await page.locator(".node-chosen text").first().textContent(), "rundll32.exe");
    await page.locator(".node", { hasText: "powershell.exe" }).click();
    await page.getByRole("region", { name: "The chosen process" }).getByText("20 s after its parent").waitFor();
    await page.getByRole("region", { name: "The chosen process" }).getByRole("button", { name: /PowerShell with an encoded/ }).click();
    await page.getByRole("complementary", { name: "Finding" }).waitFor();
  }));

  test("the graph says what is left out, and its tables have what it draws", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=graph");
    await page.getByText("12 more are left out").waitFor();
    assert.equal(await page.locator("[data-node]").count(), 45);
    assert.equal(await page.getByRole("region", { name: "Table of entities" }).locator("tbody tr").count(), 45);
    await page.locator("[data-node=h2] circle").click();
    await page.getByRole("region", { name: "The chosen entity" }).getByText("criticality 5").waitFor();
    await page.getByRole("link", { name: "Open its page" }).click();
    await page.getByRole("heading", { name: /DC01/ }).waitFor();
  }));

  test("tasks are made and done, a comment is written, and all of it is in the activity", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=tasks");
    await page.getByLabel("New task").first().waitFor();
    await page.getByRole("textbox", { name: "New task" }).fill("Change the password of anna");
    await page.getByRole("button", { name: "Add", exact: true }).last().click();
    await page.getByText("Change the password of anna").waitFor();
    await page.getByLabel("Isolate WKS-ANNA").click();
    await page.getByText("2 of 3 done").waitFor();
    await page.getByRole("tab", { name: "Comments" }).click();
    await page.getByLabel("Your comment").fill("It is isolated now.");
    await page.getByRole("button", { name: "Comment", exact: true }).click();
    await page.getByRole("article", { name: "Comment of admin" }).getByText("It is isolated now.").waitFor();
    await page.getByRole("tab", { name: "Activity" }).click();
    await page.getByText("Commented.").waitFor();
  }));

  test("its state is set by its steps; who works on what is old is told", () => on("admin", async (page) => {
    await page.goto("/incidents/1");
    await page.getByRole("list", { name: "State of the work" }).getByRole("button", { name: "Investigating" }).click();
    await page.getByText("INC-1 is investigating").waitFor();
    await page.locator(".live-live").waitFor();
    incident(1).version++;
    await page.getByRole("list", { name: "State of the work" }).getByRole("button", { name: "Contained" }).click();
    await page.getByText(/Somebody changed it meanwhile/).first().waitFor();
    assert.equal(incident(1).state, "investigating");
  }, /status of 409/));

  test("another is merged into it, and says where it went", () => on("admin", async (page) => {
    Object.assign(incident(20), { tenant: "default", state: "new" });
    await page.goto("/incidents/1");
    await page.getByRole("button", { name: "Merge …" }).click();
    await dialog(page).getByLabel(/Becomes part of/).fill("INC-20");
    await dialog(page).getByRole("button", { name: /^INC-20/ }).click();
    await dialog(page).getByLabel("Why").fill("The same sender");
    await dialog(page).getByRole("button", { name: "Merge", exact: true }).click();
    await page.getByText("INC-20 is part of INC-1 now").waitFor();
    await page.goto("/incidents/20");
    await page.getByText("This became part of").getByRole("link", { name: "INC-1" }).waitFor();
  }));

  test("findings are split off into one of their own", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=findings");
    await rows(page).nth(5).waitFor();
    assert.equal(await page.getByRole("button", { name: "Split off …" }).getAttribute("aria-disabled"), "true");
    await rows(page).nth(5).getByRole("checkbox").click();
    await page.getByRole("button", { name: "Split off …" }).click();
    await dialog(page).getByLabel("Why").fill("Another matter");
    await dialog(page).getByRole("button", { name: "Split", exact: true }).click();
    await page.getByRole("heading", { name: /Split off/ }).waitFor();
    assert.equal(server.state.incidentMembers.length, 5);
  }));

  test("closing it asks for verdict and cause, and reopening for the reason", () => on("admin", async (page) => {
    await page.goto("/incidents/1");
    await page.getByRole("button", { name: "Close …" }).click();
    const close = dialog(page).getByRole("button", { name: "Close the incident" });
    assert.ok(await close.isDisabled());
    await dialog(page).getByText("Duplicate", { exact: true }).click();
    await dialog(page).getByLabel("Cause").fill("The same as before");
    assert.ok(await close.isDisabled(), "of which?");
    await dialog(page).getByLabel("Duplicate of").fill("INC-7");
    await close.click();
    await page.getByText("INC-1 is closed").waitFor();
    await page.getByRole("button", { name: "Reopen …" }).click();
    await dialog(page).getByLabel("Why").fill("It came back");
    await dialog(page).getByRole("button", { name: "Reopen", exact: true }).click();
    await page.getByText("INC-1 is open again").waitFor();
  }));
});

describe("assets, entities and measures", { skip: onlyFixture }, () => {
  test("an asset is changed, others are imported from CSV", () => on("admin", async (page) => {
    await page.goto("/assets");
    await page.getByRole("row", { name: /WKS-BEN/ }).getByRole("button", { name: "Change WKS-BEN" }).click();
    await choose(page, "Criticality", "5, most");
    await dialog(page).getByLabel("Owner").fill("Ben");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.getByText("WKS-BEN is saved").waitFor();
    assert.deepEqual([server.state.assets[2].criticality, server.state.assets[2].owner], [5, "Ben"]);
    await page.getByRole("button", { name: "Import …" }).click();
    await dialog(page).locator("input[type=file]").setInputFiles({ name: "hosts.csv", mimeType: "text/csv", buffer: Buffer.from("kind,key\nhost,srv-new\nhost,srv-other\n") });
    await dialog(page).getByRole("button", { name: "Import CSV, 2 lines" }).click();
    await page.getByText("2 assets taken").waitFor();
    await page.getByRole("row", { name: /srv-new/ }).waitFor();
    await page.getByRole("button", { name: "Export" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "CSV" }).click()]);
    assert.equal(download.suggestedFilename(), "assets.csv");
  }));

  test("an entity shows facts, findings over days, incidents, rules and peers", () => on("admin", async (page) => {
    await page.goto("/entities/host/dc01");
    await page.getByRole("img", { name: /^Findings over days/ }).waitFor();
    for (const name of ["Facts", "Incidents", "Rules", "Peers", "Newest findings"]) await page.getByRole("region", { name, exact: true }).waitFor();
    await page.getByRole("region", { name: "Peers" }).getByRole("link", { name: "WEB01" }).click();
    await page.getByRole("heading", { name: /WEB01/ }).waitFor();
    await page.goto("/entities/host/nobody");
    await page.getByText("Nothing is known of host nobody").waitFor();
  }, /status of 404/));

  test("each measure says what it rests on and leads to what it counts", () => on("admin", async (page) => {
    await page.goto("/measures");
    await page.getByText("1 source is silent").waitFor();
    await page.getByRole("img", { name: /^Between \d+ % and \d+ %, from \d+ decisions/ }).first().waitFor();
    await page.getByRole("region", { name: "Incidents" }).getByRole("link").first().click();
    await page.waitForURL(/\/incidents\?.*from=now-30d.*ranged=1/);
    await page.getByRole("grid", { name: "Incidents" }).waitFor();
  }));
});
