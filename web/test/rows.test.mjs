// 100,000 rows: only those in sight exist, and scrolling stays smooth.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertClean, onlyFixture, openBrowser, openPage, openServer, signIn } from "./support.mjs";

const kRows = 100_000;

describe("100,000 rows", { skip: onlyFixture }, () => {
  let browser, server;
  before(async () => { browser = await openBrowser(); server = await openServer({ findings: kRows, events: kRows }); });
  after(async () => { await browser?.close(); await server?.stop(); });

  for (const [name, path] of [["findings", "/findings?view=list&from=now-7d"], ["events", "/search?from=now-7d"]]) {
    test(`of ${name} are scrolled through to the last`, { timeout: 180_000 }, async () => {
      const { page, problems, context } = await openPage(browser, server);
      await signIn(page);
      await page.goto(path);
      await page.locator(".vt-body .vt-row").first().waitFor();
      const grid = page.locator("[role=grid]").first();
      const loaded = () => page.locator(".vt-foot").first().innerText().then((text) => Number(/^([\d,]+) of/.exec(text)?.[1].replaceAll(",", "")));
      await grid.focus();
      while ((await loaded()) < kRows) {
        const before = await loaded();
        await grid.press("End");
        await page.waitForFunction((count) => Number(/^([\d,]+) of/.exec(document.querySelector(".vt-foot").textContent)?.[1].replaceAll(",", "")) > count, before);
      }
      assert.ok((await page.locator(".vt-body .vt-row").count()) < 120, "only the rows in sight exist");
      const blank = await context.newPage();
      const idle = await blank.evaluate(() => new Promise((resolve) => {
        const times = [];
        let last = performance.now();
        const step = () => { const now = performance.now(); times.push(now - last); last = now; if (times.length < 60) requestAnimationFrame(step); else resolve(times.sort((a, b) => a - b)[30]); };
        requestAnimationFrame(step);
      }));
      await blank.close();
      const frames = await grid.evaluate((element) => new Promise((resolve) => {
        const times = [];
        let last = performance.now(), left = 150;
        element.scrollTop = 0;
        const step = () => {
          const now = performance.now();
          times.push(now - last);
          last = now;
          element.scrollTop += 600;
          if (--left > 0) requestAnimationFrame(step);
          else resolve(times.slice(2).sort((a, b) => a - b));
        };
        requestAnimationFrame(step);
      }));
      const median = frames[Math.floor(frames.length / 2)], p95 = frames[Math.floor(frames.length * 0.95)];
      console.log(`${name}: frames while scrolling 600 pixels a frame: median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms; of an empty page ${idle.toFixed(1)} ms`);
      // An empty page shows what else the machine does meanwhile.
      assert.ok(median < 2 * idle + 34, `a frame took ${median} ms in the median`);
      await grid.evaluate((element) => { element.scrollTop = element.scrollHeight; });
      await page.locator(`[aria-rowindex="${kRows + 1}"]`).waitFor();
      assertClean(problems);
      await context.close();
    });
  }
});
