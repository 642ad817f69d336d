"use strict";
// The detail of one finding: why it fired, the event, the rule. Reads the finding's OCSF form; whatever is missing in it
// is left out.

const MAX_FIELDS = 2000;   // Of an event, and events of a correlation: more would stall the page.

function detail(r, finding, note, attackNames) {
  const out = [];
  if (note) out.push(el("p", {class: "notice"}, note));
  const own = finding && finding.unmapped && finding.unmapped.tocsin || {};
  if (own.correlation) out.push(...correlation(own.correlation));
  if (own.matches) out.push(...explanation(own.matches));
  // A field is marked by its name or, where OCSF names it otherwise, by its value.
  const predicates = own.matches && own.matches.predicates || [];
  const names = new Set(predicates.map((p) => String(p.event_field || p.field || "").toLowerCase()));
  const values = new Set(predicates.map((p) => String(p.value || "")).filter((value) => value.length > 3));
  const hit = (name, text) => names.has(name.toLowerCase()) || values.has(text);
  for (const evidence of finding && finding.evidences || []) if (!own.correlation) out.push(...eventTables(evidence, hit));
  out.push(...about(r, attackNames));
  if (own.source) out.push(el("h3", {}, "Origin"), pairs([["File", safe(own.source.file || "")], ["Record", own.source.record], ["Event record id", own.source.event_record_id && safe(own.source.event_record_id)]]));
  return out;
}
function about(r, {tacticName, techniqueName}) {
  const out = [el("h3", {}, "The rule")];
  if (r.description) out.push(el("p", {}, safe(r.description)));
  const attack = [...r.tactics.map((id) => tacticName.get(id)), ...r.techniques.map((id) => id + " " + (techniqueName(id) === id ? "" : techniqueName(id)))];
  if (attack.length > 0) out.push(el("p", {}, attack.map((text) => el("span", {class: "pill"}, text))));
  if (r.falsepositives.length > 0) out.push(el("h3", {}, "Known false positives"), el("ul", {}, r.falsepositives.map((text) => el("li", {}, safe(text)))));
  if (r.references.length > 0) {
    out.push(el("h3", {}, "References"), el("ul", {}, r.references.map((text) => el("li", {}, /^https?:\/\//i.test(text) ? el("a", {href: text, rel: "noopener noreferrer", target: "_blank"}, safe(text)) : safe(text)))));
  }
  out.push(el("h3", {}, "Rule data"), pairs([["Id", r.id], ["Type", r.type], ["Status", r.status], ["Author", r.author && safe(r.author)], ["Date", r.date], ["File", r.path && safe(r.path)], ["Tags", safe(r.tags.join(", "))]]));
  return out;
}
const OPS = {equals: "is", contains: "contains", startswith: "starts with", endswith: "ends with", wildcard: "is like", regex: "matches", re: "matches", cidr: "is in", fieldref: "equals field", exists: "exists", null: "is absent", lt: "<", lte: "≤", gt: ">", gte: "≥"};
function explanation(matches) {
  const out = [el("h3", {}, "Why it fired")];
  if (matches.condition) out.push(pairs([["Condition", el("code", {}, safe(matches.condition))], ["Held", (matches.selections || []).map(safe).join(", ")], ["Did not hold, as asked", (matches.absent || []).map(safe).join(", ")]]));
  let last = null;
  for (const p of matches.predicates || []) {
    if (p.selection !== last) out.push(el("p", {class: "selection"}, "Selection ", el("code", {}, safe(p.selection || ""))));
    last = p.selection;
    out.push(predicate(p));
  }
  if (matches.predicates_left_out) out.push(el("p", {class: "more"}, counted(matches.predicates_left_out, "more condition") + " held"));
  return out;
}
function predicate(p) {
  const [op, ...how] = String(p.op || "").split("|");
  const negated = op.startsWith("not ");
  const say = (negated ? "not " : "") + (OPS[negated ? op.slice(4) : op] || op) + (how.length > 0 ? " (" + how.join(", ") + ")" : "");
  const line = el("div", {class: "say"}, el("b", {}, safe(p.field || "any value")), " ", el("span", {class: "op"}, safe(say)), " ", el("code", {}, safe(p.pattern === undefined ? "" : p.pattern)));
  if (p.event_field && p.event_field !== p.field) line.append(el("span", {class: "more"}, "in the event: " + safe(p.event_field)));
  const box = el("div", {class: "match"}, line);
  if (p.value !== undefined && p.value !== "") box.append(highlighted(String(p.value), p.position || 0, p.length || 0));
  return box;
}
// Position and length count bytes of UTF-8.
function highlighted(value, position, length) {
  const raw = new TextEncoder().encode(value);
  const text = (from, to) => safe(new TextDecoder().decode(raw.subarray(from, to)));
  if (length === 0 || position >= raw.length) return el("pre", {}, safe(value));
  const end = Math.min(raw.length, position + length);
  return el("pre", {}, text(0, position), el("mark", {}, text(position, end)), text(end, raw.length));
}
function correlation(c) {
  const group = Object.entries(c.group || {}).map(([name, value]) => safe(name) + " = " + safe(value)).join(", ");
  const out = [el("h3", {}, "Why it fired"), el("p", {}, safe(c.reason || "")), pairs([["Type", c.type], ["Grouped by", group], ["Value", c.value], ["Events", c.event_count]])];
  const list = c.events || [];
  if (list.length > 0) {
    out.push(el("h3", {}, "Contributing events"), el("table", {class: "fields"}, el("tbody", {}, list.slice(0, MAX_FIELDS).map((e) => el("tr", {},
      el("th", {}, e.time === undefined || e.time === null ? "no time" : exact(Number(e.time) * 1000)), el("td", {}, safe(e.rule_name || e.rule_uid || "") + "\n" + safe(e.file || "") + (e.record ? ", record " + number(Number(e.record)) : "")))))));
    if (c.event_count > list.length) out.push(el("p", {class: "more"}, "The first " + number(list.length) + " of " + number(c.event_count) + " are kept."));
  }
  return out;
}
function flatten(value, path, out) {
  if (out.length >= MAX_FIELDS) return;
  if (value === null || typeof value !== "object") out.push([path, String(value)]);
  else if (Array.isArray(value) && value.every((one) => one === null || typeof one !== "object")) out.push([path, value.join("\n")]);
  else for (const [name, one] of Object.entries(value)) flatten(one, path === "" ? name : path + "." + name, out);
}
// OCSF times are milliseconds since 1970: also said as a date.
const moment = (name, text) => /(^|[._])time(_dt)?$/.test(name) && /^\d{11,14}$/.test(text) ? "  (" + exact(Number(text) * 1000) + ")" : null;
function eventTables(evidence, hit) {
  const event = evidence.data && typeof evidence.data === "object" ? evidence.data : evidence;
  const {unmapped, raw_data: raw, metadata, ...mapped} = event;
  const out = [];
  const table = (title, value) => {
    const rows = [];
    flatten(value, "", rows);
    if (rows.length === 0) return;
    out.push(el("h3", {}, title), el("table", {class: "fields"}, el("tbody", {}, rows.map(([name, text]) =>
      el("tr", {class: hit(name, text) ? "hit" : ""}, el("th", {}, safe(name)), el("td", {}, safe(text), moment(name, text)))))));
  };
  table("Native fields", unmapped || {});
  table(unmapped ? "The event in OCSF" : "The event", mapped);
  if (raw) out.push(el("h3", {}, "Native record"), el("pre", {class: "raw"}, safe(raw)));
  return out;
}
