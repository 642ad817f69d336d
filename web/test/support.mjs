// What the browser tests share: the server (the stand-in, or a real one named by TOCSIN_URL), the browser, signing in, and
// the watch over every page: no console errors, no request to another host.
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { password as fixturePassword, startFixture } from "./fixture/server.mjs";

export const realUrl = process.env.TOCSIN_URL ?? "";
export const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const screenshots = process.env.TOCSIN_SCREENSHOTS ?? fileURLToPath(new URL("../../build/screenshots", import.meta.url));
const dist = new URL("../dist/index.html", import.meta.url);

// Why the tests cannot run here, or false.
export const unable = !existsSync(browserPath) ? `there is no ${browserPath}: tools/setup.sh test installs it`
  : !realUrl && !existsSync(dist) ? "web/dist is absent: run npm ci && npm run build in web/" : false;
export const onlyFixture = unable || (realUrl ? "needs the stand-in" : false);
export const credentials = { name: process.env.TOCSIN_USER ?? "admin", password: process.env.TOCSIN_PASSWORD ?? fixturePassword };

export async function openServer(options) {
  if (realUrl) return { url: realUrl, stop: async () => undefined };
  return startFixture(options);
}

export async function openBrowser() {
  mkdirSync(screenshots, { recursive: true });
  return chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

// A page that remembers what went wrong on it. `colorScheme`: light or dark.
export async function openPage(browser, server, { colorScheme = "light", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme, ignoreHTTPSErrors: true, baseURL: server.url, timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  page.on("console", (message) => { if (message.type() === "error" || message.type() === "warning") problems.push(`${message.type()}: ${message.text()} ${message.location().url}`); });
  page.on("pageerror", (error) => problems.push(`exception: ${error.stack ?? error}`));
  const host = new URL(server.url).host;
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.host !== host) problems.push(`request to another host: ${url}`);
  });
  return { page, problems, context };
}

export async function signIn(page, name = credentials.name, password = credentials.password) {
  await page.goto("/login");
  await page.getByLabel("Name").fill(name);
  await page.locator("input[type=password]").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
}

// A 401 before signing in is how the console learns that nobody is signed in; Chromium writes it down as an error.
export function assertClean(problems) {
  assert.deepEqual(problems.filter((problem) => !/status of 401/.test(problem)), []);
}

// `on(user, run)`: a page of that user's, which must have left nothing on Chromium's console. What is answered with 4xx is written
// there too: `expected` are such lines. `of()`: browser and server of the test file.
export function onPages(of) {
  return async (user, run, expected = /$^/) => {
    const { browser, server } = of();
    const { page, problems, context } = await openPage(browser, server);
    try {
      await signIn(page, user);
      await run(page);
      assertClean(problems.filter((problem) => !expected.test(problem)));
    } finally { await context.close(); }
  };
}
export const dialog = (page) => page.getByRole("dialog");
export async function choose(page, label, option) {
  await page.getByRole("textbox", { name: label, exact: true }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}
