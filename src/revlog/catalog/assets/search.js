"use strict";
// Search over window.DICTIONARY, and the way of a table on the lineage page. No network.

const KINDS = { KPI: 6, Mart: 5, "Finance mart": 5, Feed: 4, Core: 4, Codes: 3, Books: 3, Code: 2, Reader: 2, Column: 1 };
// Of columns with one name, those that readers see come first.
const SCHEMAS = { marts: 0.9, finance: 0.8, core: 0.7, raw: 0.6, ops: 0.5, build: 0.3, staging: 0.2, intermediate: 0.1 };
// Say nothing of what is looked for.
const FILLERS = new Set(["a", "an", "the", "to", "of", "for", "is", "our", "we"]);
// Between words.
const GAPS = /[\s-]+/;
const SHOWN = 40;
const NAMESAKES = 6;

// Words without their endings, so that "refunds", "refund" and "refunded" find each other.
function stem(word) {
  return word.length > 4 ? word.replace(/(ies|es|s|ed|ing)$/, "") : word;
}

// As people write it on one day or another: "dock-to-stock" or "dock to stock", CO₂ or CO2.
function plain(text) {
  return text.normalize("NFKC").toLowerCase();
}

function wordsOf(text, gap) {
  return plain(text).split(gap).filter((word) => word && !FILLERS.has(word));
}

// People's own name of a KPI counts as much as ours: all of it, the best, or the words of one of its names.
function calledSo(entry, words) {
  const names = [entry.place, ...(entry.also || "").split(",")].map((name) => wordsOf(name, GAPS).join(" ")).filter(Boolean);
  if (names.includes(words.join(" "))) return 90;
  return names.some((name) => words.every((word) => name.includes(stem(word)))) ? 45 : 0;
}

// How well an entry answers what is looked for: 0 when a word is nowhere in it. Codes have hyphens of their own.
function score(entry, text) {
  const words = wordsOf(text, GAPS);
  const called = entry.kind === "KPI" ? calledSo(entry, words) * words.length : 0;
  if (called) return called + KINDS.KPI - entry.name.length / 100;
  return scoreText(entry, wordsOf(text, /\s+/)) || scoreText(entry, words);
}

function scoreText(entry, words) {
  const name = entry.name.toLowerCase();
  const bare = name.slice(name.indexOf(".") + 1);
  const rest = plain(entry.place + " " + entry.text + " " + (entry.also || ""));
  let points = 0;
  for (const word of words) {
    if (name === word || bare === word) points += 60;
    else if (name.startsWith(word) || bare.startsWith(word)) points += 30;
    else if (name.includes(word)) points += 18;
    else if (rest.includes(stem(word))) points += 5;
    else return 0;
  }
  const schema = entry.kind === "Column" ? SCHEMAS[entry.place.split(".")[0]] || 0 : 0;
  return points + (KINDS[entry.kind] || 1) + schema - name.length / 100;
}

// Columns that many tables have leave room for other answers: the rest of them come last.
function makeRoom(entries) {
  const seen = new Map();
  const first = [];
  const rest = [];
  for (const entry of entries) {
    const count = (seen.get(entry.name) || 0) + 1;
    seen.set(entry.name, count);
    (entry.kind === "Column" && count > NAMESAKES ? rest : first).push(entry);
  }
  return [...first, ...rest];
}

function find(text) {
  if (!wordsOf(text, GAPS).length) return [];
  const found = (window.DICTIONARY || [])
    .map((entry) => [score(entry, text), entry])
    .filter(([points]) => points > 0)
    .sort((a, b) => b[0] - a[0])
    .map(([, entry]) => entry);
  return makeRoom(found).slice(0, SHOWN);
}

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function setUpSearch() {
  const input = document.getElementById("q");
  const list = document.getElementById("found");
  const root = document.documentElement.dataset.root;
  let chosen = -1;

  function choose(place) {
    const rows = list.querySelectorAll("li[role=option]");
    if (!rows.length) return;
    chosen = (place + rows.length) % rows.length;
    rows.forEach((row, n) => row.setAttribute("aria-selected", n === chosen));
    rows[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", rows[chosen].id);
  }

  function show() {
    const found = find(input.value);
    list.replaceChildren();
    chosen = -1;
    input.removeAttribute("aria-activedescendant");
    found.forEach((entry, n) => {
      const row = element("li");
      row.id = "found-" + n;
      row.setAttribute("role", "option");
      const link = element("a");
      link.href = root + entry.url;
      link.tabIndex = -1;
      link.append(element("span", entry.kind, "kind"), element("code", entry.name));
      link.append(element("small", [entry.place, entry.text].filter(Boolean).join(" – ")));
      row.append(link);
      list.append(row);
    });
    if (input.value.trim() && !found.length) list.append(element("li", "Nothing has these words.", "none"));
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (found.length) choose(0);
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  input.addEventListener("input", show);
  input.addEventListener("focus", () => input.value && show());
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") list.querySelector("li[aria-selected=true] a")?.click();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => event.target.closest(".search") || close());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
    }
  });
}

function setUpLineage() {
  const svg = document.querySelector(".graph svg");
  if (!svg) return;
  const edges = [...svg.querySelectorAll("path[data-from]")];
  const nodes = [...svg.querySelectorAll(".node")];

  // Everything before the table, or behind it.
  function follow(start, from, to) {
    const seen = new Set([start]);
    for (const id of seen) edges.filter((e) => e.dataset[from] === id).forEach((e) => seen.add(e.dataset[to]));
    return seen;
  }
  function look(id) {
    const behind = follow(id, "from", "to");
    const before = follow(id, "to", "from");
    svg.classList.add("looking");
    nodes.forEach((n) => n.classList.toggle("on", behind.has(n.dataset.id) || before.has(n.dataset.id)));
    edges.forEach((e) => {
      const { from, to } = e.dataset;
      e.classList.toggle("on", (behind.has(from) && behind.has(to)) || (before.has(from) && before.has(to)));
    });
  }
  for (const node of nodes) {
    node.addEventListener("mouseenter", () => look(node.dataset.id));
    node.addEventListener("focus", () => look(node.dataset.id));
    node.addEventListener("mouseleave", () => svg.classList.remove("looking"));
    node.addEventListener("blur", () => svg.classList.remove("looking"));
  }
}

document.addEventListener("DOMContentLoaded", () => {
  setUpSearch();
  setUpLineage();
});
