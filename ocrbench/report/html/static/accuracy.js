"use strict";
// One run in detail: which words are lost, by their height, length and folder, and which characters are confused.
ocrbench.section("accuracy", (element, data) => {
  const { el, clear } = ocrbench;
  const $ = (name) => element.querySelector(`#accuracy-${name}`);
  const SVG = "http://www.w3.org/2000/svg";
  const GROUPS = [
    ["height", "By height of the word, px"],
    ["length", "By length of the word, characters"],
    ["folder", "By folder of the image"],
  ];
  const SYMBOLS = { "": "nothing", " ": "space", "\t": "tab", "\n": "line break" };
  const select = $("run");

  const percent = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "–");
  const heading = (...titles) => el("thead", {}, el("tr", {}, ...titles.map((title, place) => el("th", { scope: "col", class: place > 1 ? "number" : null }, title))));

  function shares(kinds, total) {
    const bar = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" })) bar.setAttribute(name, value);
    let left = 0;
    for (const { kind } of data.kinds) {
      const width = (100 * kinds[kind]) / total;
      const part = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ x: left, width, height: 10, class: `kind-${kind}` })) part.setAttribute(name, value);
      bar.append(part);
      left += width;
    }
    return bar;
  }

  function group(title, groups) {
    const lines = Object.entries(groups).map(([name, kinds]) => {
      const total = Object.values(kinds).reduce((sum, each) => sum + each, 0);
      const found = kinds.right + kinds.misread + kinds.unknown;
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, el("bdi", {}, name || "(none)")),
        el("td", { class: "shares" }, shares(kinds, total)),
        ...[total, percent(found, total), percent(kinds.right, total)].map((text) => el("td", { class: "number" }, text)),
      );
    });
    const table = el("table", {}, heading("", "shares", "words", "found", "read right"), el("tbody", {}, ...lines));
    return el("div", {}, el("h3", {}, title), el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": title }, table));
  }

  const character = (text) => (text in SYMBOLS ? el("em", {}, SYMBOLS[text]) : el("bdi", { class: "character" }, text));
  const spoken = (text) => SYMBOLS[text] ?? text;

  function matrix({ expected, read, counts }) {
    const largest = Math.max(1, ...expected.flatMap((one, row) => read.map((other, column) => (one === other ? 0 : counts[row][column]))));
    const lines = expected.map((one, row) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, character(one)),
        ...read.map((other, column) => {
          const count = counts[row][column];
          const right = one === other && one !== "";
          const style = right || !count ? null : `--share: ${(0.15 + (0.85 * count) / largest).toFixed(2)}`;
          return el("td", { class: `number${right ? " right" : count ? " wrong" : ""}`, style, title: `${spoken(one)} read as ${spoken(other)}: ${count}` }, count || "");
        }),
      ),
    );
    const titles = read.map((other) => el("th", { scope: "col" }, character(other)));
    const caption = el("caption", {}, "Rows: expected characters. Columns: characters that were read.");
    return [caption, el("thead", {}, el("tr", {}, el("td", {}), ...titles)), el("tbody", {}, ...lines)];
  }

  function top(run) {
    const lines = run.confusions.map(([expected, read, count]) =>
      el("tr", {}, el("td", {}, character(expected)), el("td", {}, character(read)), ...[count, percent(count, run.errors)].map((text) => el("td", { class: "number" }, text))),
    );
    return [heading("expected", "read as", "times", "share of errors"), el("tbody", {}, ...lines)];
  }

  function draw() {
    const run = data.runs[select.selectedIndex];
    clear($("groups"), ...GROUPS.filter(([name]) => Object.keys(run.groups[name]).length).map(([name, title]) => group(title, run.groups[name])));
    $("summary").textContent = `${run.errors} errors in ${run.characters} characters.`;
    element.querySelector(".confusions").hidden = !run.errors;
    clear($("matrix"), ...matrix(run.matrix));
    clear($("top"), ...top(run));
  }

  clear(select, ...data.runs.map((run) => el("option", { value: run.run }, run.label)));
  select.addEventListener("change", draw);
  const follow = (index) => {
    if (index === null || !data.runs.some((run) => run.run === index)) return;
    select.value = String(index);
    draw();
  };
  ocrbench.onSelect(follow);
  draw();
  follow(ocrbench.selected);
});
