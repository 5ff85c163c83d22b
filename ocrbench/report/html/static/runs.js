"use strict";
// Every run as a row: sorted, filtered and with the columns that the reader wants.
ocrbench.section("runs", (element, data) => {
  const { el, clear, format, columns } = ocrbench;
  const runs = ocrbench.data.runs;
  const $ = (name) => element.querySelector(`#runs-${name}`);
  const LONG = 24;
  const [head, body] = [$("table").tHead, $("table").tBodies[0]];
  const shown = new Set(ocrbench.data.columns.filter((column) => column.shown).map((column) => column.name));
  const sorting = { column: null, descending: false };
  const filters = new Map();
  const rows = runs.map((run, index) => ({
    index,
    run,
    text: [run.label, ...Object.entries(run.row).map(([name, value]) => format(name, value))].join("\u0000").toLowerCase(),
  }));

  const visibleColumns = () => ocrbench.data.columns.filter((column) => shown.has(column.name));

  function matching() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter(
      ({ run, text }) =>
        words.every((word) => text.includes(word)) && [...filters].every(([name, value]) => !value || run.row[name] === value),
    );
  }

  // Empty cells come last, whichever way is up.
  function sorted(found) {
    if (sorting.column === null) return found;
    const value = ({ run }) => (sorting.column === "label" ? run.label : run.row[sorting.column]);
    const direction = sorting.descending ? -1 : 1;
    const compare = (one, other) => (typeof one === "number" ? one - other : collator.compare(one, other));
    const missing = (each) => each === null || each === "";
    return [...found].sort((first, second) => {
      const [one, other] = [value(first), value(second)];
      if (missing(one) || missing(other)) return missing(one) - missing(other);
      return direction * compare(one, other);
    });
  }

  const collator = new Intl.Collator("en", { numeric: true });

  function header(name, title, column) {
    const way = sorting.column === name ? (sorting.descending ? "descending" : "ascending") : null;
    const button = el(
      "button",
      { type: "button", "data-column": name, title: column?.description || null, onclick: () => sortBy(name) },
      title,
      el("span", { "aria-hidden": "true" }, way ? (sorting.descending ? " ▼" : " ▲") : ""),
    );
    return el("th", { scope: "col", class: column?.number ? "number" : null, "aria-sort": way }, button);
  }

  function sortBy(name) {
    sorting.descending = sorting.column === name && !sorting.descending;
    sorting.column = name;
    draw();
    head.querySelector(`[data-column="${name}"]`).focus();
  }

  function cell(column, row) {
    const value = row[column.name];
    if (column.number) return el("td", { class: "number" }, format(column.name, value));
    const text = format(column.name, value);
    return el("td", {}, el("bdi", { class: text.length > LONG ? "cell long" : "cell" }, text));
  }

  function line({ index, run }) {
    const pick = el("button", { type: "button", class: "pick", onclick: () => ocrbench.select(index) }, el("bdi", {}, run.label));
    const cells = visibleColumns().map((column) => cell(column, run.row));
    return el(
      "tr",
      { "data-run": index, class: run.row.status === "ok" ? null : "failed", "aria-selected": index === ocrbench.selected ? "true" : null },
      el("th", { scope: "row" }, pick),
      ...cells,
    );
  }

  // Rows are made once for a choice of columns; sorting and filtering only move them.
  const made = new Map();

  function lineOf(row) {
    if (!made.has(row.index)) made.set(row.index, line(row));
    return made.get(row.index);
  }

  function draw() {
    const found = sorted(matching());
    clear(head, el("tr", {}, header("label", "run"), ...visibleColumns().map((column) => header(column.name, column.name, column))));
    clear(body, ...found.map(lineOf));
    $("status").textContent = found.length === runs.length ? `${runs.length} runs` : `${found.length} of ${runs.length} runs`;
  }

  // A spreadsheet would compute what begins like a formula.
  const quoted = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

  function csv() {
    const field = (value) => (value === null || value === undefined ? "" : typeof value === "number" ? String(value) : quoted(value));
    const lines = sorted(matching()).map(({ run }) => [run.label, ...visibleColumns().map((column) => run.row[column.name])]);
    return [["run", ...visibleColumns().map((column) => column.name)], ...lines].map((each) => each.map(field).join(",")).join("\r\n") + "\r\n";
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(csv());
    } catch {
      // Where the clipboard is closed to scripts, the reader copies.
      const area = el("textarea", { "aria-label": "The table as CSV", rows: 8, class: "csv", readonly: true });
      area.value = csv();
      element.querySelector(".csv")?.remove();
      element.querySelector(".chooser").before(area);
      area.select();
      $("status").textContent = "Press Ctrl+C to copy";
      return;
    }
    $("status").textContent = "Copied";
  }

  function chooser(column) {
    const box = el("input", {
      type: "checkbox",
      checked: shown.has(column.name),
      value: column.name,
      onchange: ({ target }) => {
        if (target.checked) shown.add(column.name);
        else shown.delete(column.name);
        made.clear();
        draw();
      },
    });
    return el("label", { title: column.description || null }, box, column.name);
  }

  function filter([name, values]) {
    const options = values.map((value) => el("option", { value }, value));
    const choose = ({ target }) => {
      filters.set(name, target.value);
      draw();
    };
    return el("label", {}, `${name} `, el("select", { "data-filter": name, onchange: choose }, el("option", { value: "" }, "all"), ...options));
  }

  clear($("filters"), ...Object.entries(data.filters).map(filter));
  clear($("columns"), ...ocrbench.data.columns.map(chooser));
  $("search").addEventListener("input", draw);
  $("copy").addEventListener("click", copy);
  ocrbench.onSelect((index) => {
    for (const [each, row] of made) {
      if (each === index) row.setAttribute("aria-selected", "true");
      else row.removeAttribute("aria-selected");
    }
  });
  draw();
});
