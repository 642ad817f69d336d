// Makes of dist/ what the program embeds: console.bin, all files one after another, each gzip; console_table.inc, where they lie.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8" };

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]));
}

rmSync(join(dist, "console.bin"), { force: true });
rmSync(join(dist, "console_table.inc"), { force: true });
const packed = [];
let offset = 0;
let table = "// Made by web/scripts/pack.mjs: path, content type, offset and length in console.bin, ETag. Sorted by path.\n";
const entries = files(dist).map((file) => ({ file, path: `/${relative(dist, file)}` })).filter(({ path }) => !path.startsWith("/.vite/")).sort((a, b) => (a.path < b.path ? -1 : 1));
for (const { file, path } of entries) {
  const type = types[extname(path)];
  if (!type || /["\\]/.test(path)) throw new Error(`no content type is known for ${path}`);
  const bytes = gzipSync(readFileSync(file), { level: 9 });
  const tag = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  table += `{"${path}", "${type}", ${offset}, ${bytes.length}, "\\"${tag}\\""},\n`;
  packed.push(bytes);
  offset += bytes.length;
}
writeFileSync(join(dist, "console.bin"), Buffer.concat(packed));
writeFileSync(join(dist, "console_table.inc"), table);
console.log(`${entries.length} files, ${offset} bytes gzip, for the program to embed`);
