"use strict";
// Tables that sort, filter and download, and charts that are read by mouse, finger and keyboard. No network.
// Texts of the data are only ever put in as text.
(() => {
  const element = (tag, content, name) => {
    const made = document.createElement(tag);
    if (content) made.textContent = content;
    if (name) made.className = name;
    return made;
  };
  const rule = JSON.parse(document.getElementById("csv-rule").textContent);
  const evaluated = new RegExp(rule.evaluated, "g");
  const number = new RegExp("^(?:" + rule.number + ")$", "i");

  // --- Tables

  function cellOf(row, column) {
    return row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  }

  function csvCell(text) {
    const safe = number.test(text) ? text : text.replace(evaluated, "'");
    return /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  }

  function setUpTable(box) {
    const table = box.querySelector("table");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const titles = heads.map((head) => head.textContent.trim());
    const tools = box.querySelector(".tools");
    const search = tools.querySelector("input");
    const chips = tools.querySelector(".chips");
    const count = tools.querySelector("output");
    const more = box.querySelector(".more");
    const most = Number(box.dataset.shown);
    let where = {};
    let isOpen = false;
    let kept = rows;

    function show() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      kept = [...body.rows].filter((row) => {
        const fits = Object.entries(where).every(([title, value]) => [value].flat().includes(cellOf(row, titles.indexOf(title))));
        const text = row.textContent.toLowerCase();
        return fits && words.every((word) => text.includes(word));
      });
      const seen = new Set(isOpen ? kept : kept.slice(0, most));
      for (const row of rows) row.hidden = !seen.has(row);
      count.textContent = kept.length === rows.length ? rows.length.toLocaleString("en") + " rows"
        : kept.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " rows";
      more.hidden = kept.length <= most;
      more.textContent = isOpen ? "Show fewer" : "Show all " + kept.length.toLocaleString("en");
      chips.replaceChildren(...Object.entries(where).map(([title, value]) => {
        const told = title + ": " + [value].flat().join(", ");
        const chip = element("button", told + " ×", "chip");
        chip.type = "button";
        chip.setAttribute("aria-label", "Take away the filter " + told);
        chip.addEventListener("click", () => { delete where[title]; show(); search.focus(); });
        return chip;
      }));
    }

    function sort(column) {
      const head = heads[column];
      const isNumber = "number" in head.dataset;
      const up = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && !isNumber);
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const sign = up ? 1 : -1;
      [...body.rows].map((row) => [cellOf(row, column), row]).sort(([a], [b]) => {
        // What is not known stands last, whichever way.
        if (a === "" || b === "") return (a === "") - (b === "");
        return sign * (isNumber ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
      }).forEach(([, row]) => body.append(row));
      show();
    }

    function download() {
      const lines = [titles, ...kept.map((row) => titles.map((_, n) => cellOf(row, n)))];
      const text = "\ufeff" + lines.map((cells) => cells.map(csvCell).join(",")).join("\r\n") + "\r\n";
      const link = element("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = box.dataset.name + ".csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    heads.forEach((head, column) => {
      const button = element("button", head.textContent.trim());
      button.type = "button";
      button.addEventListener("click", () => sort(column));
      head.replaceChildren(button);
    });
    search.addEventListener("input", show);
    more.addEventListener("click", () => { isOpen = !isOpen; show(); });
    tools.querySelector(".csv").addEventListener("click", download);
    box.filter = (given) => { where = { ...given }; search.value = ""; show(); };
    tools.hidden = false;
    show();
  }

  // A link may name values that leave just its rows.
  function followTo(hash) {
    const found = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (!found) return null;
    for (let at = found; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    return found;
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (!link) return;
    const found = followTo(link.getAttribute("href"));
    if (found?.filter && link.dataset.where) found.filter(JSON.parse(link.dataset.where));
  });
  addEventListener("hashchange", () => followTo(location.hash));

  // --- Charts

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const shades = () => ["accent", "s2", "s3", "s4", "s5", "s6", "s7"].map(style);

  // On a phone, names beside bars are cut short: the line below a chart says them whole.
  function theme(width) {
    const isNarrow = width < 520;
    const [ink, line] = [style("soft"), style("line")];
    return {
      background: null,
      font: getComputedStyle(document.body).fontFamily.replaceAll('"', "'"),
      view: { stroke: null },
      axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 11 },
      axisY: { labelLimit: isNarrow ? 110 : 300 },
      legend: { labelColor: ink, titleColor: ink, labelFontSize: 11, labelLimit: 150, columns: isNarrow ? 3 : 7 },
      range: { category: shades() },
      mark: { color: style("accent") },
      line: { stroke: style("accent") },
      point: { fill: style("accent") },
    };
  }

  // Colours that a specification names by what they mean.
  function coloured(spec) {
    const names = { target: style("warn"), paper: style("paper") };
    return JSON.parse(JSON.stringify(spec), (key, value) =>
      (key === "color" || key === "stroke") && typeof value === "string" ? names[value] || value : value);
  }

  function setUpChart(box) {
    const made = JSON.parse(box.querySelector("script").textContent);
    const canvas = box.querySelector(".canvas");
    const told = box.querySelector(".told");
    // Vega gives its container a role of its own; ours is around it.
    const plot = element("div", "", "plot");
    canvas.append(plot);
    const last = made.texts.length - 1;
    const first = told.textContent;
    let at = -1;
    let view = null;

    function point(place) {
      at = place;
      told.textContent = at < 0 ? first : made.texts[at];
      canvas.setAttribute("aria-valuenow", String(at < 0 ? 0 : at));
      canvas.setAttribute("aria-valuetext", at < 0 ? first : made.texts[at]);
      view?.signal("at", at).runAsync();
    }

    // Of a line the nearest value counts, of bars the one under the pointer.
    function under(event, item) {
      const n = item?.datum?.n;
      if (!view) return;
      if (!box.dataset.line) return point(Number.isInteger(n) ? n : -1);
      const frame = canvas.querySelector(".role-frame.root path.background")?.getBoundingClientRect();
      if (!frame) return;
      const scale = view.scale("x");
      const places = view.data("values").map((datum) => [Math.abs(scale(new Date(datum.x)) - (event.clientX - frame.left)), datum.n]);
      if (places.length) point(places.reduce((best, one) => (one[0] < best[0] ? one : best))[1]);
    }

    function draw() {
      view?.finalize();
      const compiled = vegaLite.compile(coloured(made.spec), { config: theme(canvas.clientWidth) }).spec;
      view = new vega.View(vega.parse(compiled, null, { ast: true }), {
        expr: vega.expressionInterpreter, renderer: "svg", container: plot, hover: false,
        logLevel: vega.Error,
      });
      view.addEventListener("pointermove", under);
      view.addEventListener("pointerdown", under);
      return view.runAsync().then(() => plot.setAttribute("aria-hidden", "true"));
    }

    canvas.addEventListener("pointerleave", () => point(-1));
    canvas.addEventListener("blur", () => point(-1));
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && point(last));
    canvas.addEventListener("keydown", (event) => {
      const back = at < 0 ? last : at - 1;
      const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: back, ArrowDown: back, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      point(Math.min(Math.max(to, 0), last));
    });
    box.draw = draw;
    return draw;
  }

  [...document.querySelectorAll(".rows")].filter((box) => box.querySelector("table")).forEach(setUpTable);
  const charts = [...document.querySelectorAll(".chart")];
  charts.forEach(setUpChart);
  const drawn = new Set();
  function drawNow(box) {
    if (drawn.has(box) || !box.offsetParent) return;
    drawn.add(box);
    watch.unobserve(box);
    box.draw();
  }
  // A page has some sixty charts: each is drawn when it comes near the screen.
  const watch = new IntersectionObserver(
    (seen) => seen.filter((one) => one.isIntersecting).forEach((one) => drawNow(one.target)),
    { rootMargin: "400px" },
  );
  charts.forEach((box) => watch.observe(box));
  addEventListener("beforeprint", () => charts.forEach(drawNow));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((box) => box.draw()));
  followTo(location.hash);

  // Each night writes the page, even one that stops: an old page is one whose nights do not run.
  const old = document.getElementById("old");
  const hours = old ? (Date.now() - Date.parse(old.dataset.made)) / 3600000 : 0;
  if (hours > 36) {
    old.textContent = "No night has written this page for " + Math.floor(hours / 24) + " days: see whether they run.";
    old.hidden = false;
  }
})();
