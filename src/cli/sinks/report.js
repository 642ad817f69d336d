"use strict";
// Shows the report's data: charts and lists that filter each other. Everything that comes from events is set as text;
// the page's policy forbids anything else. Built in together with report_base.js and report_detail.js, as one script.
(() => {
  const BY_TIME = 1, BY_LEVEL = 2, BY_HOST = 4, BY_RULE = 8, BY_ATTACK = 16, BY_TEXT = 32;
  const MAX_BARS = 300, MAX_PRINTED = 200;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("report").textContent);

  // ---- The findings, as columns.
  const count = data.listed;
  const time = new Float64Array(count), first = new Float64Array(count), record = new Float64Array(count), events = new Float64Array(count);
  const rule = new Uint32Array(count), host = new Uint32Array(count), shownHost = new Uint32Array(count), file = new Uint32Array(count);
  const level = new Uint8Array(count), reason = new Array(count), blockStart = [];
  const hosts = data.hosts.map((name) => safe(name));
  const files = data.files.map((name) => safe(name));
  for (const r of data.rules) r.title = safe(r.title);
  const hostIndex = new Map(hosts.map((name, at) => [name, at]));
  // "WS01 +2" of a correlation over three hosts counts for the first.
  const baseHost = hosts.map((name) => {
    const base = name.replace(/ \+\d+$/, "");
    if (base === name) return hostIndex.get(name);
    if (!hostIndex.has(base)) { hostIndex.set(base, hosts.length); hosts.push(base); }
    return hostIndex.get(base);
  });
  for (let block = 0, at = 0; block < data.blocks; ++block) {
    const element = byId("f" + block);
    blockStart.push(at);
    for (const row of JSON.parse(element.textContent)) {
      time[at] = row[0] === null ? NaN : row[0];
      rule[at] = row[1]; shownHost[at] = row[2]; file[at] = row[3]; record[at] = row[4]; events[at] = row[5];
      reason[at] = safe(row[6]);
      first[at] = row.length > 7 ? row[7] : time[at];
      level[at] = data.rules[row[1]].level;
      host[at] = data.rules[row[1]].type === "rule" ? row[2] : baseHost[row[2]];
      ++at;
    }
    element.remove();
  }
  const timeOf = (at) => Number.isNaN(time[at]) ? null : time[at];
  let earliest = Infinity, latest = -Infinity;
  for (let at = 0; at < count; ++at) {
    if (Number.isNaN(time[at])) continue;
    earliest = Math.min(earliest, time[at]);
    latest = Math.max(latest, time[at]);
  }

  // ---- ATT&CK: for each rule the cells (tactic and technique) it stands in.
  const usedTactics = new Set();
  const cells = new Map();
  const cellsOfRule = data.rules.map((r) => {
    const out = [];
    const add = (tactic, technique) => {
      usedTactics.add(tactic);
      const key = tactic + " " + technique;
      if (!cells.has(key)) cells.set(key, {key, tactic, technique, rules: [], worst: 0});
      const cell = cells.get(key);
      cell.worst = Math.max(cell.worst, r.level);
      out.push(cell);
    };
    for (const id of r.techniques) {
      const own = data.techniques[id] ? data.techniques[id].tactics : [];
      let places = own.filter((tactic) => r.tactics.includes(tactic));
      // A tag of another ATT&CK release, or a technique it does not know: what the rule says, then what ATT&CK says.
      if (places.length === 0) places = r.tactics.length > 0 ? r.tactics : own;
      for (const tactic of places) add(tactic, id);
    }
    if (out.length === 0) for (const tactic of r.tactics) add(tactic, "");
    return out;
  });
  data.rules.forEach((r, index) => cellsOfRule[index].forEach((cell) => cell.rules.push(index)));
  const tactics = data.tactics.filter(([id]) => usedTactics.has(id) || (id !== "stealth" && id !== "defense-impairment"))
    .filter(([id]) => id !== "defense-evasion" || usedTactics.has(id) || !(usedTactics.has("stealth") || usedTactics.has("defense-impairment")));
  const tacticName = new Map(data.tactics.map(([id, name]) => [id, name]));
  const techniqueName = (id) => data.techniques[id] ? data.techniques[id].name : id;

  const narrow = () => window.matchMedia("(max-width: 900px)").matches;

  // ---- State and filtering.
  const state = {from: null, to: null, levels: new Set(), host: null, rule: null, tactic: null, technique: null, text: "", deep: false, order: "time"};
  let shown = new Uint32Array(0), selected = -1, deepHits = null, deepRun = 0;
  const counts = {levels: new Float64Array(5), hosts: new Float64Array(hosts.length * 5), rules: new Float64Array(data.rules.length), attack: new Float64Array(data.rules.length)};

  const orders = {};
  function order(kind) {
    if (orders[kind]) return orders[kind];
    const out = new Uint32Array(count).map((_, at) => at);
    const early = (a, b) => (Number.isNaN(time[a]) ? Infinity : time[a]) - (Number.isNaN(time[b]) ? Infinity : time[b]) || a - b;
    if (kind === "time") out.sort((a, b) => early(a, b) || 0);
    else if (kind === "newest") out.sort((a, b) => (Number.isNaN(time[b]) ? -Infinity : time[b]) - (Number.isNaN(time[a]) ? -Infinity : time[a]) || a - b);
    else out.sort((a, b) => level[b] - level[a] || early(a, b));
    return orders[kind] = out;
  }

  const words = () => state.text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  function textTest() {
    const wanted = words();
    if (wanted.length === 0) return null;
    if (state.deep && deepHits) return (at) => deepHits[at] === 1;
    const inRule = data.rules.map((r) => (r.title + " " + r.id + " " + r.tags.join(" ")).toLowerCase());
    const inHost = hosts.map((name) => name.toLowerCase()), inFile = files.map((name) => name.toLowerCase());
    const small = wanted.map((word) => ({word, rules: inRule.map((t) => t.includes(word)), hosts: inHost.map((t) => t.includes(word)), files: inFile.map((t) => t.includes(word))}));
    return (at) => small.every((w) => w.rules[rule[at]] || w.hosts[shownHost[at]] || w.files[file[at]] || reason[at].toLowerCase().includes(w.word));
  }

  function apply() {
    const inAttack = data.rules.map((_, index) => (state.tactic === null && state.technique === null) || cellsOfRule[index].some((cell) =>
      (state.tactic === null || cell.tactic === state.tactic) && (state.technique === null || cell.technique === state.technique)));
    const hasText = textTest();
    for (const part of Object.values(counts)) part.fill(0);
    const list = order(state.order), out = new Uint32Array(count), ranged = state.from !== null;
    let size = 0;
    for (let i = 0; i < count; ++i) {
      const at = list[i];
      let failed = 0;
      if (ranged && !(time[at] >= state.from && time[at] < state.to)) failed |= BY_TIME;
      if (state.levels.size > 0 && !state.levels.has(level[at])) failed |= BY_LEVEL;
      if (state.host !== null && host[at] !== state.host) failed |= BY_HOST;
      if (state.rule !== null && rule[at] !== state.rule) failed |= BY_RULE;
      if (!inAttack[rule[at]]) failed |= BY_ATTACK;
      if (hasText !== null && !hasText(at)) failed |= BY_TEXT;
      // Each chart shows what its own filter would let one choose from.
      if ((failed & ~BY_LEVEL) === 0) ++counts.levels[level[at]];
      if ((failed & ~BY_HOST) === 0) ++counts.hosts[host[at] * 5 + level[at]];
      if ((failed & ~BY_RULE) === 0) ++counts.rules[rule[at]];
      if ((failed & ~BY_ATTACK) === 0) ++counts.attack[rule[at]];
      if (failed === 0) out[size++] = at;
    }
    shown = out.subarray(0, size);
    drawLevels(); drawTimeline(); drawMatrix(); drawHosts(); drawRules(); drawChips(); drawList(true);
  }

  // ---- Verdict.
  function drawVerdict() {
    const parts = [];
    for (let at = 4; at >= 0; --at) if (data.levels[at] > 0 && parts.length < 2) parts.push([at, data.levels[at]]);
    // Hosts and times of the levels that the headline names, not of the noise below.
    const lowest = parts.length > 0 ? parts[parts.length - 1][0] : 0, named = new Set();
    let from = Infinity, to = -Infinity;
    for (let at = 0; at < count; ++at) {
      if (level[at] < lowest) continue;
      if (hosts[host[at]] !== "") named.add(host[at]);
      if (first[at] < from) from = first[at];
      if (time[at] > to) to = time[at];
    }
    let words = "Nothing was found";
    if (parts.length > 0) {
      words = listed(parts.map(([at, n]) => number(n) + " " + LEVELS[at])) + " " + (parts.length === 1 && parts[0][1] === 1 ? "finding" : "findings");
      if (named.size > 0) words += " on " + counted(named.size, "host");
    }
    byId("verdict").textContent = words;
    document.title = words + " – Tocsin";
    const read = counted(data.events, "event") + " (" + bytes(data.bytes) + ") from " + counted(data.streams, "file") + " were read and compared with " + counted(data.ruleCount, "rule") +
      (data.correlationCount > 0 ? " and " + counted(data.correlationCount, "correlation") : "") + ".";
    const between = to < from ? "" : to === from ? "At " + clock(from) + " UTC. " : "Between " + clock(from) + " and " + clock(to) + " UTC. ";
    byId("span").textContent = between + read;
    const notices = byId("notices");
    const say = (text) => notices.append(el("p", {class: "notice"}, text));
    if (data.findings > count) say("The run gave " + number(data.findings) + " findings; this page lists " + number(count) + " of them and its charts count those. Findings below high are the first to be left out. The jsonl output has all.");
    if (data.withoutDetail > 0) say("For " + counted(data.withoutDetail, "finding") + " the event itself is left out, to keep this file at a size that browsers open. The jsonl output has all.");
    if (data.unrouted > 0) say("Source not told: " + counted(data.unrouted, "event") + "; only rules without product saw them. The option --logsource says what they are.");
  }
  function drawLevels() {
    byId("levels").replaceChildren(...[4, 3, 2, 1, 0].map((at) => el("button", {class: "tile L" + at, type: "button", disabled: data.levels[at] === 0, "aria-pressed": String(state.levels.has(at)), onclick: () => {
      if (!state.levels.delete(at)) state.levels.add(at);
      apply();
    }}, el("b", {}, number(counts.levels[at])), shape(at, 13), el("span", {}, LEVELS[at]))));
  }

  // ---- Timeline.
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000, 315360000, 3153600000].map((s) => s * 1e6);
  let bins = [], binStep = 1, binStart = 0, cursor = null;
  const chart = byId("timeline"), HEIGHT = 170, BASE = 146;
  function drawTimeline() {
    chart.replaceChildren();
    byId("all-time").hidden = state.from === null;
    if (!(latest >= earliest)) { byId("when").hidden = true; return; }
    const from = state.from === null ? earliest : state.from, to = state.from === null ? latest + 1 : state.to;
    const width = Math.max(chart.clientWidth, 300), wanted = Math.max(24, Math.min(120, Math.floor(width / 9)));
    binStep = STEPS.find((step) => (to - from) / step <= wanted) || STEPS[STEPS.length - 1];
    binStart = Math.floor(from / binStep) * binStep;
    const size = Math.max(1, Math.ceil((to - binStart) / binStep));
    bins = Array.from({length: size}, () => [0, 0, 0, 0, 0]);
    for (const at of shown) if (!Number.isNaN(time[at])) { const bin = bins[Math.floor((time[at] - binStart) / binStep)]; if (bin) ++bin[level[at]]; }
    const highest = Math.max(1, ...bins.map((bin) => bin.reduce((a, b) => a + b)));
    chart.setAttribute("viewBox", "0 0 " + width + " " + HEIGHT);
    const w = width / size;
    chart.append(svg("line", {class: "axis", x1: 0, x2: width, y1: BASE + .5, y2: BASE + .5}));
    bins.forEach((bin, index) => {
      chart.append(svg("rect", {class: "hit", x: index * w, y: 0, width: w, height: BASE}));
      const total = bin.reduce((a, b) => a + b);
      if (total === 0) return;
      // Each level that occurs is seen, however few.
      const full = Math.max(3, Math.sqrt(total / highest) * (BASE - 12));
      let y = BASE;
      for (let at = 4; at >= 0; --at) {
        if (bin[at] === 0) continue;
        const height = Math.max(2.5, full * bin[at] / total);
        y -= height;
        chart.append(svg("rect", {class: "bar F" + at, x: index * w + w * .09, y, width: Math.max(w * .82, 1), height}));
      }
    });
    // Where a label's day is that of the one before, the day is not said again.
    const labels = Math.max(2, Math.min(9, Math.floor(width / 140))), end = binStep < 60e6 ? 19 : 16;
    for (let at = 0, day = ""; at < labels; ++at) {
      const bin = Math.round(at / (labels - 1) * size), stamp = clock(binStart + bin * binStep);
      const text = svg("text", {x: bin * w, y: HEIGHT - 6, "text-anchor": at === 0 ? "start" : at === labels - 1 ? "end" : "middle"});
      text.textContent = binStep >= 86400e6 ? stamp.slice(0, 10) : stamp.slice(0, 10) === day ? stamp.slice(11, end) : stamp.slice(day === "" ? 0 : 5, end);
      day = stamp.slice(0, 10);
      chart.append(text);
    }
    cursor = null;
  }
  function binAt(event) {
    const box = chart.getBoundingClientRect();
    return Math.max(0, Math.min(bins.length - 1, Math.floor((event.clientX - box.left) / box.width * bins.length)));
  }
  function drawBrush(a, b) {
    let brush = chart.querySelector(".brush");
    if (!brush) chart.append(brush = svg("rect", {class: "brush", y: 0, height: BASE}));
    const w = chart.viewBox.baseVal.width / bins.length, low = Math.min(a, b), high = Math.max(a, b) + 1;
    brush.setAttribute("x", low * w);
    brush.setAttribute("width", (high - low) * w);
  }
  function tip(index) {
    const box = byId("tip");
    const bin = bins[index];
    const lines = [clock(binStart + index * binStep) + " UTC"];
    for (let at = 4; at >= 0; --at) if (bin[at] > 0) lines.push(number(bin[at]) + " " + LEVELS[at]);
    box.textContent = lines.join("\n");
    box.hidden = lines.length === 1;
    const share = (index + .5) / bins.length;
    box.style.left = share < .5 ? share * 100 + "%" : "auto";
    box.style.right = share < .5 ? "auto" : (1 - share) * 100 + "%";
  }
  function zoom(a, b) {
    const low = Math.min(a, b), high = Math.max(a, b) + 1;
    state.from = binStart + low * binStep;
    state.to = binStart + high * binStep;
    apply();
  }
  function unzoom() { state.from = state.to = null; apply(); }
  let dragFrom = null;
  chart.addEventListener("pointerdown", (event) => { if (event.button === 0 && bins.length > 0) { dragFrom = binAt(event); chart.setPointerCapture(event.pointerId); drawBrush(dragFrom, dragFrom); } });
  chart.addEventListener("pointermove", (event) => { if (bins.length === 0) return; const at = binAt(event); tip(at); if (dragFrom !== null) drawBrush(dragFrom, at); });
  chart.addEventListener("pointerup", (event) => { if (dragFrom === null) return; const start = dragFrom; dragFrom = null; zoom(start, binAt(event)); });
  chart.addEventListener("pointercancel", () => { dragFrom = null; drawTimeline(); });
  chart.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
  chart.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step !== 0 && bins.length > 0) {
      const clamp = (at) => Math.max(0, Math.min(bins.length - 1, at));
      if (cursor === null) cursor = {a: step > 0 ? 0 : bins.length - 1, b: step > 0 ? 0 : bins.length - 1};
      else if (event.shiftKey) cursor.b = clamp(cursor.b + step);
      else cursor.a = cursor.b = clamp(cursor.b + step);
      drawBrush(cursor.a, cursor.b);
      tip(cursor.b);
      event.preventDefault();
    } else if (event.key === "Enter" && cursor !== null) zoom(cursor.a, cursor.b);
    else if (event.key === "Escape") unzoom();
  });
  byId("all-time").addEventListener("click", unzoom);

  // ---- ATT&CK matrix.
  function drawMatrix() {
    if (cells.size === 0) { byId("attack").hidden = true; return; }
    const matrix = byId("matrix");
    const least = narrow() ? 118 : usedTactics.size > 12 ? 88 : usedTactics.size > 9 ? 96 : 112;
    matrix.style.gridTemplateColumns = tactics.map(([id]) => usedTactics.has(id) ? "minmax(" + least + "px, 1fr)" : "28px").join(" ");
    matrix.replaceChildren(...tactics.map(([id, name]) => {
      if (!usedTactics.has(id)) return el("div", {class: "col none", title: name + ": nothing seen"}, el("span", {}, name));
      const mine = [...cells.values()].filter((cell) => cell.tactic === id).map((cell) => ({...cell, hits: cell.rules.reduce((sum, index) => sum + counts.attack[index], 0)}));
      mine.sort((a, b) => b.worst - a.worst || b.hits - a.hits || (a.technique < b.technique ? -1 : 1));
      const own = new Set(mine.flatMap((cell) => cell.rules));
      const total = [...own].reduce((sum, index) => sum + counts.attack[index], 0);
      const choose = (technique) => {
        const same = state.tactic === id && state.technique === technique;
        state.tactic = same ? null : id;
        state.technique = same ? null : technique;
        byId("tactic").value = state.tactic || "";
        apply();
      };
      return el("div", {class: "col"}, el("button", {class: "tactic", type: "button", "aria-pressed": String(state.tactic === id && state.technique === null), onclick: () => choose(null)}, name, el("small", {}, counted(total, "finding"))),
        mine.filter((cell) => cell.technique !== "").map((cell) => {
          const technique = data.techniques[cell.technique];
          return el("button", {class: "cell L" + cell.worst + (cell.hits === 0 ? " zero" : ""), type: "button", "aria-pressed": String(state.tactic === id && state.technique === cell.technique),
            title: (technique && technique.parent ? technique.parent + ": " : "") + techniqueName(cell.technique) + " – worst level " + LEVELS[cell.worst], onclick: () => choose(cell.technique)},
          techniqueName(cell.technique), el("small", {}, cell.technique, el("b", {}, number(cell.hits))));
        }));
    }));
  }

  // ---- Hosts and rules.
  function bars(box, rows, none) {
    rows.sort((a, b) => b.worst - a.worst || b.total - a.total || (a.name < b.name ? -1 : 1));
    const highest = Math.max(1, ...rows.map((row) => row.total));
    const out = rows.slice(0, MAX_BARS).map((row) => {
      const track = el("span", {class: "track"});
      row.levels.forEach((n, at) => {
        if (n === 0) return;
        const part = el("i", {class: "L" + at});
        part.style.width = n / highest * 100 + "%";
        track.prepend(part);
      });
      const says = row.name + ": " + [4, 3, 2, 1, 0].filter((at) => row.levels[at] > 0).map((at) => number(row.levels[at]) + " " + LEVELS[at]).join(", ");
      return el("button", {class: "bar-row", type: "button", "aria-pressed": String(row.chosen), "aria-label": says, title: says, onclick: row.choose},
        el("span", {class: "name"}, shape(row.worst, 11), " ", row.name), track, el("span", {class: "number"}, number(row.total)));
    });
    if (rows.length > MAX_BARS) out.push(el("p", {class: "more"}, "and " + number(rows.length - MAX_BARS) + " more"));
    if (rows.length === 0) out.push(el("p", {class: "more"}, none));
    box.replaceChildren(...out);
  }
  function drawHosts() {
    const rows = [];
    hosts.forEach((name, index) => {
      const levels = Array.from(counts.hosts.subarray(index * 5, index * 5 + 5));
      const total = levels.reduce((a, b) => a + b, 0);
      if (total === 0) return;
      rows.push({name: name || "host not known", levels, total, worst: levels.findLastIndex((n) => n > 0), chosen: state.host === index, choose: () => {
        state.host = state.host === index ? null : index;
        byId("host").value = state.host === null ? "" : state.host;
        apply();
      }});
    });
    bars(byId("hosts"), rows, "No finding passes the filters.");
  }
  function drawRules() {
    const rows = [];
    data.rules.forEach((r, index) => {
      if (counts.rules[index] === 0) return;
      const levels = [0, 0, 0, 0, 0];
      levels[r.level] = counts.rules[index];
      rows.push({name: r.title, levels, total: counts.rules[index], worst: r.level, chosen: state.rule === index, choose: () => { state.rule = state.rule === index ? null : index; apply(); }});
    });
    bars(byId("rules"), rows, "No finding passes the filters.");
  }

  // ---- The list: only rows in sight exist.
  const list = byId("list"), rowsBox = byId("rows");
  const rowHeight = () => narrow() ? 76 : 54;
  function drawList(reset) {
    const height = rowHeight();
    byId("spacer").style.height = shown.length * height + "px";
    byId("shown").textContent = shown.length === count ? counted(count, "finding") : number(shown.length) + " of " + counted(count, "finding");
    if (reset) list.scrollTop = 0;
    if (shown.length === 0) {
      byId("spacer").style.height = "auto";
      rowsBox.style.position = "static";
      rowsBox.style.transform = "none";
      rowsBox.replaceChildren(el("p", {class: "empty"}, count === 0 ? "No rule matched. That is good news only if the sources were complete: see what was examined." : "No finding passes the filters."));
      return;
    }
    rowsBox.style.position = "absolute";
    const from = Math.max(0, Math.floor(list.scrollTop / height) - 6), to = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + 6);
    rowsBox.style.transform = "translateY(" + from * height + "px)";
    const out = [];
    for (let i = from; i < to; ++i) out.push(row(shown[i], i));
    rowsBox.replaceChildren(...out);
    const active = out.find((node) => node.getAttribute("aria-selected") === "true");
    if (active) list.setAttribute("aria-activedescendant", active.id);
    else list.removeAttribute("aria-activedescendant");
  }
  function row(at, place) {
    return el("div", {class: "row", role: "option", id: "row" + at, "aria-selected": String(at === selected), "aria-setsize": shown.length, "aria-posinset": place + 1, onclick: () => open(at)},
      el("span", {class: "time"}, clock(timeOf(at))), tag(level[at]),
      el("span", {class: "what"}, el("b", {}, data.rules[rule[at]].title), el("span", {}, reason[at])),
      el("span", {class: "where"}, hosts[shownHost[at]] || ""));
  }
  let drawing = false;
  list.addEventListener("scroll", () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => { drawing = false; drawList(false); });
  }, {passive: true});
  function move(step) {
    if (shown.length === 0) return;
    let place = shown.indexOf(selected);
    place = place < 0 ? 0 : Math.max(0, Math.min(shown.length - 1, place + step));
    selected = shown[place];
    const height = rowHeight(), top = place * height;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
    drawList(false);
    if (!byId("detail").hidden) open(selected);
  }
  const MOVES = {ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9};
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in MOVES) { move(MOVES[event.key]); event.preventDefault(); }
    else if (event.key === "Enter" && selected >= 0) { open(selected, true); event.preventDefault(); }
  });

  // ---- Filters by hand.
  function option(value, text) { return el("option", {value}, text); }
  function setUpTools() {
    byId("level").append(option("", "All levels"), ...[4, 3, 2, 1].map((at) => option(at, LEVELS[at] + (at < 4 ? " and above" : ""))));
    const names = [...new Set(host)].sort((a, b) => (hosts[a] < hosts[b] ? -1 : 1));
    byId("host").append(option("", "All hosts"), ...names.slice(0, 5000).map((index) => option(index, hosts[index] || "host not known")));
    byId("tactic").append(option("", "All tactics"), ...tactics.filter(([id]) => usedTactics.has(id)).map(([id, name]) => option(id, name)));
    byId("level").addEventListener("change", (event) => { state.levels = new Set(event.target.value === "" ? [] : [0, 1, 2, 3, 4].filter((at) => at >= Number(event.target.value))); apply(); });
    byId("host").addEventListener("change", (event) => { state.host = event.target.value === "" ? null : Number(event.target.value); apply(); });
    byId("tactic").addEventListener("change", (event) => { state.tactic = event.target.value || null; state.technique = null; apply(); });
    byId("order").addEventListener("change", (event) => { state.order = event.target.value; apply(); });
    let timer = 0;
    const typed = () => { clearTimeout(timer); timer = setTimeout(() => { state.text = byId("text").value; searchDeep(); apply(); }, 150); };
    byId("text").addEventListener("input", typed);
    byId("deep").addEventListener("change", (event) => { state.deep = event.target.checked; typed(); });
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
      if (event.key === "/" && !typing) { byId("text").focus(); event.preventDefault(); }
      if (event.key === "Escape" && !byId("detail").hidden) close();
    });
  }
  function drawChips() {
    const chips = [];
    const chip = (text, clear) => chips.push(el("button", {class: "chip", type: "button", "aria-label": "Remove the filter " + text, onclick: () => { clear(); apply(); }}, text + "  ✕"));
    if (state.from !== null) chip(clock(state.from) + " to " + clock(state.to), () => { state.from = state.to = null; });
    if (state.levels.size > 0) chip(listed([...state.levels].sort((a, b) => b - a).map((at) => LEVELS[at])), () => { state.levels = new Set(); byId("level").value = ""; });
    if (state.host !== null) chip("host " + (hosts[state.host] || "not known"), () => { state.host = null; byId("host").value = ""; });
    if (state.tactic !== null) chip(tacticName.get(state.tactic) + (state.technique ? ": " + techniqueName(state.technique) : ""), () => { state.tactic = state.technique = null; byId("tactic").value = ""; });
    if (state.rule !== null) chip("rule " + data.rules[state.rule].title, () => { state.rule = null; });
    byId("chips").replaceChildren(...chips);
  }
  // Unpacks block after block and looks at the text of each event.
  async function searchDeep() {
    const run = ++deepRun;
    deepHits = null;
    const wanted = words();
    if (!state.deep || wanted.length === 0) return;
    const plain = new Array(wanted.length).fill(0).map((_, i) => JSON.stringify(wanted[i]).slice(1, -1));
    const hits = new Uint8Array(count);
    for (let block = 0; block < data.blocks; ++block) {
      const lines = await unpack(block);
      if (run !== deepRun) return;
      const end = block + 1 < data.blocks ? blockStart[block + 1] : count;
      for (let at = blockStart[block]; at < end; ++at) {
        const r = data.rules[rule[at]];
        const text = ((lines[at - blockStart[block]] || "") + " " + r.title + " " + hosts[shownHost[at]] + " " + files[file[at]] + " " + reason[at]).toLowerCase();
        if (plain.every((word, i) => text.includes(word) || text.includes(wanted[i]))) hits[at] = 1;
      }
      if (block % 50 === 49) byId("shown").textContent = "Searching event content: " + Math.round(block / data.blocks * 100) + " %";
    }
    if (run !== deepRun) return;
    deepHits = hits;
    apply();
  }

  // ---- Detail.
  let cached = {block: -1, lines: null};
  async function unpack(block) {
    if (cached.block === block) return cached.lines;
    const packed = Uint8Array.from(atob(byId("d" + block).textContent), (c) => c.charCodeAt(0));
    const stream = new Response(packed).body.pipeThrough(new DecompressionStream("gzip"));
    const lines = (await new Response(stream).text()).split("\n");
    cached = {block, lines};
    return lines;
  }
  function blockOf(at) {
    let low = 0, high = blockStart.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (blockStart[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  let opener = null;
  async function open(at, focus) {
    const panel = byId("detail");
    if (panel.hidden) opener = document.activeElement;
    selected = at;
    drawList(false);
    const r = data.rules[rule[at]];
    const step = (by, name) => el("button", {class: "quiet", type: "button", onclick: () => move(by)}, name);
    const body = el("div", {}, el("p", {class: "why-line"}, "Unpacking the event …"));
    panel.replaceChildren(
      el("div", {class: "bar"}, tag(r.level), el("span", {class: "grow"}), step(-1, "Previous"), step(1, "Next"), el("button", {class: "quiet", type: "button", onclick: close}, "Close")),
      el("h2", {id: "detail-title"}, r.title), el("p", {class: "why-line"}, reason[at]),
      pairs([["Time", first[at] < time[at] ? exact(first[at]) + " to " + exact(time[at]) : exact(timeOf(at))], ["Host", hosts[shownHost[at]]],
        ["Origin", files[file[at]] + (record[at] > 0 ? ", record " + number(record[at]) : "")], ["Events", events[at] > 1 ? number(events[at]) : null]]), body);
    panel.hidden = false;
    panel.scrollTop = 0;
    if (focus || !list.contains(document.activeElement)) panel.focus();
    let finding = null, note = null;
    try {
      const line = (await unpack(blockOf(at)))[at - blockStart[blockOf(at)]];
      if (line) finding = parse(line);
      else note = "The event of this finding is left out, to keep this file at a size that browsers open. The jsonl output has it.";
    } catch (error) {
      note = "The event could not be unpacked by this browser (" + error.message + "). A current one can.";
    }
    if (selected === at) body.replaceChildren(...detail(r, finding, note, {tacticName, techniqueName}));
  }
  function close() {
    byId("detail").hidden = true;
    if (opener && opener.isConnected) opener.focus();
    else list.focus();
  }
  // ---- What was examined, printing, theme.
  function drawRun() {
    const rows = [];
    const add = (name, ...parts) => rows.push(el("dt", {}, name), el("dd", {}, parts));
    const lines = (list, total, what) => [counted(total, what), ...list.map((text) => el("div", {}, safe(text))), total > list.length ? el("div", {}, "and " + number(total - list.length) + " more") : null];
    add("Read", counted(data.events, "event") + ", " + bytes(data.bytes) + " in " + counted(data.streams, "file") + "; " + data.seconds.toFixed(1) + " s with " + counted(data.threads, "thread"));
    if (data.firstEvent !== null) add("Events from", clock(data.firstEvent) + " to " + clock(data.lastEvent) + " UTC");
    if (data.outsideTime > 0) add("Left out", counted(data.outsideTime, "event") + " outside --from and --to");
    add("Rules", counted(data.ruleCount, "rule") + ", " + counted(data.correlationCount, "correlation") + ", " + counted(data.filterCount, "filter") + (data.skippedRules > 0 ? "; " + number(data.skippedRules) + " left out by options" : ""));
    if (data.refusedCount > 0) add("Refused rules", ...lines(data.refused, data.refusedCount, "problem"));
    if (data.bad.length > 0) add("Bad records", data.bad.map(([cause, n]) => number(n) + " " + safe(cause)).join(", "));
    if (data.unreadableCount > 0) add("Unreadable", ...lines(data.unreadable, data.unreadableCount, "input"));
    if (data.notes.length > 0) add("Limits reached", data.notes.map((text) => el("div", {}, safe(text))));
    add("Command", el("code", {}, safe(data.command)));
    byId("run").append(...rows);
    byId("version").textContent = data.version;
  }
  function drawPrinted() {
    const rows = Array.from(shown.subarray(0, MAX_PRINTED), (at) => el("tr", {}, el("td", {}, clock(timeOf(at))), el("td", {}, LEVELS[level[at]]), el("td", {}, data.rules[rule[at]].title, el("br"), reason[at]), el("td", {}, hosts[shownHost[at]])));
    byId("printed").replaceChildren(el("tbody", {}, el("tr", {}, ["Time (UTC)", "Level", "Finding", "Host"].map((name) => el("th", {}, name))), rows,
      shown.length > MAX_PRINTED ? el("tr", {}, el("td", {colspan: 4}, "Printed: the first " + MAX_PRINTED + " of " + number(shown.length) + ". Filter first to print others.")) : null));
  }
  function setUpTheme() {
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    let chosen = null;
    const show = () => {
      const dark = chosen === null ? system.matches : chosen;
      document.documentElement.dataset.theme = dark ? "dark" : "light";
      byId("theme").textContent = dark ? "Light" : "Dark";
      byId("theme").setAttribute("aria-label", "Use " + (dark ? "light" : "dark") + " colours");
    };
    byId("theme").addEventListener("click", () => { chosen = document.documentElement.dataset.theme !== "dark"; show(); });
    system.addEventListener("change", show);
    show();
  }

  // A short story reads in its order; a long list begins with what matters.
  state.order = byId("order").value = count > 200 ? "worst" : "time";
  setUpTheme();
  drawVerdict();
  setUpTools();
  drawRun();
  apply();
  byId("print").addEventListener("click", () => window.print());
  // Paper is light.
  let screenTheme = null;
  window.addEventListener("beforeprint", () => {
    drawPrinted();
    screenTheme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => { if (screenTheme !== null) document.documentElement.dataset.theme = screenTheme; });
  let resized = 0;
  window.addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => { drawTimeline(); drawList(false); }, 100); });
  // A link may open a finding ("#finding=12", counted from 1), search ("#text=lsass", "#text=10.0.0.5&deep"), choose
  // colours ("#dark").
  const link = new Map(location.hash.slice(1).split("&").map((part) => [part.split("=")[0], part.slice(part.indexOf("=") + 1)]));
  for (const theme of ["dark", "light"]) if (link.has(theme) && document.documentElement.dataset.theme !== theme) byId("theme").click();
  if (link.has("text")) {
    try { byId("text").value = decodeURIComponent(link.get("text")); } catch (error) { byId("text").value = ""; }
    state.text = byId("text").value;
    state.deep = byId("deep").checked = link.has("deep");
    searchDeep();
    apply();
  }
  const wanted = Number(link.get("finding"));
  if (wanted >= 1 && wanted <= count && Number.isInteger(wanted)) open(wanted - 1, true);
  document.documentElement.dataset.ready = "yes";
})();
