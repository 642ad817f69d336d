// What people do with findings, suppressions, triage rules, notifications, evidence, reviews and measures, in a real browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { choose, dialog, onlyFixture, onPages, openBrowser, openServer } from "./support.mjs";

let browser, server;
before(async () => { if (!onlyFixture) { browser = await openBrowser(); server = await openServer({ events: 4000, findings: 300 }); } });
after(async () => { await browser?.close(); await server?.stop(); });

const on = onPages(() => ({ browser, server }));
const panel = (page) => page.getByRole("complementary", { name: "Finding" });

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

  test("so does closing one as benign in the queue", () => on("admin", async (page) => {
    Object.assign(server.state.incidents[0], { state: "new", tenant: "default" });
    await page.goto("/incidents?entity=host%3Awks-anna");
    await page.getByRole("row", { name: /INC-1 / }).getByRole("checkbox").click();
    await page.getByRole("button", { name: "Close … (c)" }).click();
    await dialog(page).getByText("Benign trigger", { exact: true }).click();
    await dialog(page).getByLabel("Cause").fill("A drill");
    await dialog(page).getByLabel("Then suppress what made it").check();
    await dialog(page).getByRole("button", { name: "Close the incident" }).click();
    await page.getByRole("dialog", { name: "Suppress which rule?" }).getByRole("button", { name: /Run key written/ }).waitFor();
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

describe("service levels and notifications", { skip: onlyFixture }, () => {
  test("the queue and the head of an incident say what is due and what is breached", () => on("admin", async (page) => {
    await page.goto("/incidents?order=newest");
    await page.getByRole("columnheader", { name: "Service level" }).waitFor();
    await page.locator(".vt-body .sla-late").first().waitFor();
    await page.goto("/incidents/1");
    const level = page.getByRole("list", { name: "Service level" });
    await level.getByText(/^Contain due in/).waitFor();
    assert.equal(await level.getByRole("listitem").count(), 3);
    // Done in time stays so, however long ago its time was.
    assert.match(await level.getByText(/^Acknowledge in time/).getAttribute("class"), /sla-met/);
  }));

  test("a channel is added, refused with the field that is wrong, tested, removed", () => on("admin", async (page) => {
    await page.goto("/settings/notifications");
    await page.getByRole("region", { name: "Table of channels" }).getByText("soc@corp.example").waitFor();
    await page.getByRole("button", { name: "New channel" }).click();
    await dialog(page).getByLabel("Name").fill("On call");
    await choose(page, "Kind", "Webhook");
    await dialog(page).getByLabel("Address").fill("https://hook.corp.example/in");
    await dialog(page).locator("input[type=password]").fill("a secret to sign with");
    await dialog(page).getByLabel("Quiet hours").check();
    await dialog(page).getByLabel("From", { exact: true }).fill("25:00");
    await dialog(page).getByText("As 22:00").waitFor();
    assert.ok(await dialog(page).getByRole("button", { name: "Save" }).isDisabled());
    await dialog(page).getByLabel("From", { exact: true }).fill("21:00");
    await dialog(page).getByLabel("Sun", { exact: true }).check();
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await dialog(page).getByText("There is a channel of this name").waitFor();
    await dialog(page).getByLabel("Name").fill("Ticket system");
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await page.getByText('"Ticket system" is saved').waitFor();
    const made = server.state.channels.find((channel) => channel.name === "Ticket system");
    assert.deepEqual([made.kind, made.target, made.has_secret, made.quiet.from, made.quiet.days], ["webhook", "https://hook.corp.example/in", true, "21:00", ["sun"]]);
    const row = page.getByRole("row", { name: /Ticket system/ });
    await row.getByRole("button", { name: "Test" }).click();
    await page.getByText(/"Ticket system" failed: the server answered 410 Gone/).waitFor();
    await row.getByRole("button", { name: "Change" }).click();
    await dialog(page).getByText("There is one; left empty, it stays").waitFor();
    await dialog(page).getByLabel("Switched on").uncheck();
    await dialog(page).getByRole("button", { name: "Save" }).click();
    await row.getByText("Off", { exact: true }).waitFor();
    await row.getByRole("button", { name: "Remove" }).click();
    await dialog(page).getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });
  }, /status of 400/));

  test("what was given up is tried again", () => on("admin", async (page) => {
    await page.goto("/settings/notifications?state=dead");
    const table = page.getByRole("region", { name: "Table of deliveries" });
    await table.getByText("the server answered 410 Gone").waitFor();
    await table.getByRole("button", { name: "Try again" }).click();
    await page.getByText("None is in this state").waitFor();
    assert.equal(server.state.deliveries[1].state, "pending");
  }));

  test("a viewer sees deliveries, not the channels", () => on("viewer", async (page) => {
    await page.goto("/settings/notifications");
    await page.getByRole("region", { name: "Table of deliveries" }).waitFor();
    assert.equal(await page.getByRole("region", { name: "Channels", exact: true }).count(), 0);
  }));
});

describe("evidence, reports and reviews", { skip: onlyFixture }, () => {
  test("files are kept by choosing and by dropping, with hash and custody", () => on("admin", async (page) => {
    await page.goto("/incidents/1?tab=evidence");
    await page.getByLabel("Note").fill("From the mail gateway");
    await page.locator("input[type=file]").setInputFiles([{ name: "mail.eml", mimeType: "message/rfc822", buffer: Buffer.from("Subject: invoice") }]);
    await page.getByText(/mail.eml is kept, SHA-256 /).waitFor();
    const kept = server.state.evidence.find((one) => one.name === "mail.eml");
    assert.deepEqual([kept.size, kept.note, kept.media_type], [16, "From the mail gateway", "message/rfc822"]);
    await page.getByRole("row", { name: /mail.eml/ }).getByText(kept.sha256).waitFor();
    await page.locator("input[type=file]").setInputFiles([{ name: "empty.bin", mimeType: "", buffer: Buffer.from("") }]);
    await page.getByText(/"empty.bin" is empty: nothing was taken/).waitFor();
    const files = await page.evaluateHandle(() => { const data = new DataTransfer(); data.items.add(new File(["MZ"], "up.exe")); return data; });
    await page.locator(".drop").dispatchEvent("drop", { dataTransfer: files });
    await page.getByRole("row", { name: /up.exe/ }).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("row", { name: /up.exe/ }).getByRole("button", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), "up.exe");
    await page.getByRole("row", { name: /up.exe/ }).getByRole("button", { name: "Custody" }).click();
    const custody = page.getByRole("table", { name: "Custody of up.exe" });
    await custody.getByText("Downloaded").waitFor();
    assert.equal(await custody.getByText("as added").count(), 2);
  }));

  test("the report of an incident is a download; where PDF cannot be made, it says what is missing", () => on("admin", async (page) => {
    await page.goto("/incidents/1");
    await page.getByRole("button", { name: "Export and report" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Report as HTML" }).click()]);
    assert.equal(download.suggestedFilename(), "INC-1.html");
    await page.getByRole("button", { name: "Export and report" }).click();
    await page.getByRole("menuitem", { name: "Report as PDF" }).click();
    await page.getByText(/install chromium on the server/).waitFor();
  }, /status of 409/));

  test("a review is blind: the first verdict comes after the second", () => on("admin", async (page) => {
    Object.assign(server.state.incidents[3], { state: "closed", verdict: "benign", cause: "A secret of the first" });
    await page.goto("/reviews");
    const mine = page.getByRole("region", { name: "Your judgement" });
    assert.equal(await mine.getByRole("button", { name: "Answer" }).getAttribute("aria-disabled"), "true");
    await page.getByRole("button", { name: "LSASS memory dumped" }).click();
    await panel(page).getByText("Why it fired").waitFor();
    assert.equal(await panel(page).getByText(/INC-/).count(), 0);
    await page.keyboard.press("Escape");
    await panel(page).waitFor({ state: "detached" });
    assert.equal(await page.getByText("A secret of the first").count(), 0);
    await mine.getByText("True positive", { exact: true }).click();
    await mine.getByLabel("Why").fill("The account was not one of ours");
    await mine.getByRole("button", { name: "Answer" }).click();
    await page.getByRole("status", { name: "Your last answer" }).getByText(/anna said benign trigger, you said true positive/).waitFor();
    await page.getByRole("heading", { name: /^INC-9 / }).waitFor();
    await mine.getByText("Benign trigger", { exact: true }).click();
    await mine.getByLabel("Why").fill("Maintenance");
    await mine.getByRole("button", { name: "Answer" }).click();
    await page.getByText("Nothing to review", { exact: true }).waitFor();
    await page.getByRole("region", { name: "Reviewed incidents" }).getByRole("link", { name: "INC-21" }).waitFor();
  }));
});

describe("dashboards", { skip: onlyFixture }, () => {
  for (const [view, name, sign] of [["", "SOC manager", "Work per owner"], ["analyst", "Analyst", "New and nobody's"], ["engineer", "Detection engineer", "Coverage"], ["executive", "Executive", "Real attacks"]]) {
    test(`that of the ${name} is in the address and says what it rests on`, () => on("admin", async (page) => {
      await page.goto("/measures?view=executive");
      await page.getByRole("tab", { name }).click();
      await page.waitForURL((url) => (url.searchParams.get("view") ?? "") === view);
      await page.getByRole("region", { name: sign, exact: true }).waitFor();
      await page.getByRole("region", { name: "What this rests on" }).getByText("1 source is silent").waitFor();
    }));
  }

  test("service levels and agreement are figures of their own, with where the true share lies", () => on("admin", async (page) => {
    await page.goto("/measures");
    await page.getByRole("region", { name: "Service levels" }).getByRole("img", { name: "87 % in time" }).waitFor();
    await page.getByRole("region", { name: "Agreement" }).getByText(/true share lies between/).waitFor();
  }));

  test("a figure of the coverage opens its rules; a source that misses the self-test says why", () => on("admin", async (page) => {
    await page.goto("/measures?view=executive");
    await page.getByRole("region", { name: "Detection that is proven" }).getByRole("link").click();
    await page.waitForURL(/view=engineer.*covered=proven/);
    const wanted = server.state.rules.filter((rule, i) => rule.mode === "on" && (rule.hits > 0 || i % 7 === 0)).length;
    await page.getByText(new RegExp(`^${wanted.toLocaleString("en-US")} of `)).waitFor();
    await page.getByRole("button", { name: /rules on$/ }).click();
    await page.waitForURL(/covered=on/);
    await page.getByRole("region", { name: "Table of self-tests" }).getByText(/did not come back within 60 s/).waitFor();
    await page.getByRole("button", { name: "Run it now" }).click();
    await page.getByText("The self-test is under way").waitFor();
  }));

  test("the list behind a figure of the analyst has as many rows as it says", () => on("admin", async (page) => {
    await page.goto("/measures?view=analyst");
    const figure = page.getByRole("region", { name: "New and nobody's" }).getByRole("link").first();
    const count = await figure.innerText();
    await figure.click();
    await page.waitForURL(/\/incidents\?.*owner=-/);
    await page.locator(".page-head [role=status]", { hasText: `${count} incident` }).waitFor();
  }));
});

describe("an older server", { skip: onlyFixture }, () => {
  test("shows nothing broken where it does not know a thing yet", async () => {
    for (const part of ["tuning", "notify", "work"]) server.state.without.add(part);
    try {
      await on("admin", async (page) => {
        for (const [path, sign] of [["/incidents", "loaded"], ["/incidents/1", "Stages along"], ["/measures", "Backlog"], ["/measures?view=engineer", "How often rules are right"], ["/measures?view=executive", "Real attacks"], ["/tuning/suppressions", "This server has no suppressions"], ["/tuning/rules", "This server has no triage rules"], ["/reviews", "This server has no reviews"], ["/settings/notifications", "This server sends no notifications"], ["/incidents/1?tab=evidence", "This server keeps no evidence"]]) {
          await page.goto(path);
          await page.getByText(sign).first().waitFor();
          await page.locator("text=/^Loading .* …$/").first().waitFor({ state: "detached" });
          assert.equal(await page.getByText("could not be loaded").count(), 0, path);
        }
        await page.goto("/incidents");
        assert.equal(await page.getByRole("columnheader", { name: "Service level" }).count(), 0);
      }, /status of 404/);
    } finally { server.state.without.clear(); }
  });
});
