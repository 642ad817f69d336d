// Fails where the first load is larger than 400 kB gzip, or where the page holds what the Content-Security-Policy forbids.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const kMaxFirstLoadBytes = 400 * 1000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

const files = new Set(["index.html"]);
function add(key) {
  const chunk = manifest[key];
  if (!chunk || files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const other of chunk.imports ?? []) add(other);
}
add("index.html");

let total = 0;
for (const file of files) {
  const bytes = gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
  total += bytes;
  console.log(`${String(bytes).padStart(8)}  ${file}`);
}
console.log(`${String(total).padStart(8)}  first load, gzip; at most ${kMaxFirstLoadBytes}`);
if (total > kMaxFirstLoadBytes) throw new Error("the first load is too large");

const html = readFileSync(new URL("index.html", dist), "utf8");
if (/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=/.test(html)) throw new Error("index.html holds inline script or style");
