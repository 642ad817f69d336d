// Writes dist/licenses.txt: the licences of all packages that are part of the console, as they ask for.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const lock = JSON.parse(readFileSync(new URL("package-lock.json", root), "utf8"));
const allowed = new Set(["MIT", "ISC", "BSD-3-Clause", "BSD-2-Clause", "Apache-2.0", "0BSD", "(MIT OR CC0-1.0)"]);
let text = "The console of Tocsin contains these packages.\n";
for (const [path, entry] of Object.entries(lock.packages)) {
  if (!path || entry.dev || entry.devOptional || entry.optional && !existsSync(new URL(path, root))) continue;
  const folder = new URL(`${path}/`, root);
  const about = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
  if (!allowed.has(about.license)) throw new Error(`${about.name} ${about.version}: the licence ${about.license} is not one of those that were looked at`);
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  text += `\n${"-".repeat(80)}\n${about.name} ${about.version}, ${about.license}\n\n${file ? readFileSync(new URL(file, folder), "utf8").trim() : ""}\n`;
}
writeFileSync(new URL("dist/licenses.txt", root), text);
