"use strict";
// What the report's other scripts build on: elements, words for numbers and times, text made safe.

const LEVELS = ["informational", "low", "medium", "high", "critical"];
const SHAPES = ["M2 6.5h10V8H2z", "M7 13 1 3h12z", "M2 2h10v10H2z", "M7 .5 13.5 7 7 13.5.5 7z", "M4.2 0h5.6L14 4.2v5.6L9.8 14H4.2L0 9.8V4.2z"];

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) node.append(child);
  return node;
}
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
function shape(level, size) {
  const node = svg("svg", {viewBox: "0 0 14 14", width: size || 12, height: size || 12, class: "shape L" + level, "aria-hidden": "true"});
  node.append(svg("path", {d: SHAPES[level]}));
  return node;
}
const tag = (level) => el("span", {class: "tag L" + level}, shape(level), LEVELS[level]);
const number = (n) => n.toLocaleString("en-US");
const counted = (n, one, many) => number(n) + " " + (n === 1 ? one : many || one + "s");
const listed = (words) => words.length < 2 ? words.join("") : words.slice(0, -1).join(", ") + " and " + words[words.length - 1];
function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  for (; n >= 999.5 && at < 4; ++at) n /= 1000;
  return (at === 0 || n >= 99.95 ? n.toFixed(0) : n.toFixed(1)) + " " + units[at];
}
// Times are microseconds since 1970.
const iso = (us) => new Date(us / 1000).toISOString();
const clock = (us) => us === null ? "no time" : iso(us).slice(0, 19).replace("T", " ");
const exact = (us) => us === null ? "not known" : iso(us).replace("T", " ").replace("Z", " UTC");
// Direction marks and controls would let an event rewrite what a reader sees: they are shown by their numbers.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;
const safe = (text) => String(text).replace(HIDDEN, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");
function pairs(rows) {
  return el("dl", {class: "pair"}, rows.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

// Numbers too large for JavaScript stay as they are written, where the browser tells.
const parse = (text) => JSON.parse(text, (key, value, context) =>
  typeof value === "number" && !Number.isSafeInteger(value) && context && /^-?\d+$/.test(context.source) ? context.source : value);
