"use strict";
// One point per run on two axes that the reader chooses; a click chooses the run for the whole page.
ocrbench.section("pareto", (element, data) => {
  const { el, clear, format, columns, colour, markup } = ocrbench;
  const runs = ocrbench.data.runs;
  const $ = (name) => element.querySelector(`#pareto-${name}`);
  const [group, x, y, chosen, plot] = ["group", "x", "y", "run", "plot"].map($);
  const PRECISIONS = ["FP32", "FP16", "BF16", "INT8", "AUTO"];
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "triangle-down"];
  const devices = [...new Set(runs.map((run) => run.row.device))];
  const DETAILS = [
    "status", "error", "noisy", "detector", "recognizer", "precision", "detector_executed", "recognizer_executed", "device",
    "dataset", "images", "words", "e2e_hmean", "det_hmean", "rec_word_accuracy", "latency_p50_ms", "latency_p99_ms",
    "throughput_ips", "peak_rss_mb", "model_mb", "run_id",
  ];

  const axis = (select, list) => list.find((each) => each.column === select.value);
  const name = (each) => each.title + (columns.get(each.column).unit ? `, ${columns.get(each.column).unit}` : "");
  const sign = (column) => (columns.get(column).higher_is_better ? 1 : -1);
  const colourOf = (precision) => (PRECISIONS.includes(precision) ? precision : "other");

  function shownRuns() {
    return data.groups[Number(group.value)].runs.filter(
      (index) => runs[index].row[x.value] !== null && runs[index].row[y.value] !== null,
    );
  }

  // A run is on the front if no other is at least as good on both axes and better on one.
  function front(indices) {
    const [across, up] = [x.value, y.value];
    const at = (index) => [sign(across) * runs[index].row[across], sign(up) * runs[index].row[up]];
    const best = [...indices].sort((one, other) => at(other)[0] - at(one)[0] || at(other)[1] - at(one)[1]);
    const kept = [];
    let reached = -Infinity;
    for (const index of best) {
      if (at(index)[1] > reached) kept.push(index);
      reached = Math.max(reached, at(index)[1]);
    }
    return kept.sort((one, other) => runs[one].row[across] - runs[other].row[across]);
  }

  function errors(indices, column) {
    const bounds = indices.map((index) => data.intervals[index]?.[column]);
    if (!bounds.some(Boolean)) return { visible: false };
    const reach = (side) => bounds.map((each, i) => (each ? Math.abs(each[side] - runs[indices[i]].row[column]) : 0));
    return { type: "data", symmetric: false, array: reach(1), arrayminus: reach(0), thickness: 1, width: 2 };
  }

  function points(indices, precision, device) {
    const shade = colour(colourOf(precision));
    const text = indices.map((index) => {
      const row = runs[index].row;
      const numbers = [x.value, y.value].map((column) => `\n${column} ${format(column, row[column])}`);
      return markup(runs[index].label) + markup(numbers.join(""), 200);
    });
    return {
      type: "scatter",
      mode: "markers",
      name: markup(devices.length > 1 ? `${precision}, ${device}` : precision),
      x: indices.map((index) => runs[index].row[x.value]),
      y: indices.map((index) => runs[index].row[y.value]),
      customdata: indices,
      text,
      hovertemplate: "%{text}<extra></extra>",
      marker: { color: shade, size: 11, symbol: SYMBOLS[devices.indexOf(device) % SYMBOLS.length], line: { width: 1, color: colour("panel") } },
      error_x: { ...errors(indices, x.value), color: shade },
      error_y: { ...errors(indices, y.value), color: shade },
    };
  }

  function line(indices, extra) {
    return {
      type: "scatter",
      x: indices.map((index) => runs[index].row[x.value]),
      y: indices.map((index) => runs[index].row[y.value]),
      hoverinfo: "skip",
      ...extra,
    };
  }

  function make() {
    const indices = shownRuns();
    const combinations = new Map();
    for (const index of indices) {
      const { precision, device } = runs[index].row;
      const key = JSON.stringify([precision, device]);
      combinations.set(key, [...(combinations.get(key) ?? []), index]);
    }
    const keys = [...combinations.keys()].sort((one, other) => rank(one) - rank(other));
    const edge = front(indices);
    const selected = indices.filter((index) => index === ocrbench.selected);
    const traces = [
      line(edge, {
        mode: "lines",
        name: "front", line: { color: colour("quiet"), width: 1.5, dash: "dot" },
      }),
      ...keys.map((key) => points(combinations.get(key), ...JSON.parse(key))),
      line(selected, {
        mode: "markers",
        name: "chosen",
        showlegend: false,
        marker: { size: 22, symbol: "circle-open", color: colour("text"), line: { width: 3 } },
      }),
    ];
    const layout = {
      xaxis: { title: { text: name(axis(x, data.x)) }, rangemode: "tozero" },
      yaxis: { title: { text: name(axis(y, data.y)) } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      hovermode: "closest",
      annotations: named(edge) ? edge.map(annotation) : [],
      margin: { l: 60, r: 16, t: 40, b: 50 },
    };
    return { traces, layout };
  }

  const annotation = (index) => ({
    x: runs[index].row[x.value],
    y: runs[index].row[y.value],
    text: markup(runs[index].label),
    showarrow: false,
    xanchor: "left",
    yanchor: "top",
    xshift: 8,
    yshift: -6,
    bgcolor: colour("panel"),
    borderpad: 1,
    font: { size: 12 },
  });

  // Names need room.
  const named = (edge) => edge.length <= 6 && plot.clientWidth > 600 && edge.every((index) => runs[index].label.length < 40);

  const rank = (key) => {
    const place = PRECISIONS.indexOf(JSON.parse(key)[0]);
    return place < 0 ? PRECISIONS.length : place;
  };

  function details(index) {
    if (index === null) return [el("p", { class: "quiet" }, "Click a point, or choose a run, to see its numbers here.")];
    const { label, row } = runs[index];
    const facts = DETAILS.filter((column) => row[column] !== null && row[column] !== "").map((column) => {
      const bounds = data.intervals[index]?.[column];
      const interval = bounds ? ` [${format(column, bounds[0])}, ${format(column, bounds[1])}]` : "";
      return el("div", {}, el("dt", {}, column), el("dd", {}, el("bdi", { class: "long" }, format(column, row[column]) + interval)));
    });
    return [el("h3", {}, el("bdi", {}, label)), el("dl", { class: "facts narrow" }, ...facts), el("p", {}, el("a", { href: "#runs" }, "In the table of runs"))];
  }

  function caption() {
    const bars = [x.value, y.value].some((column) => shownRuns().some((index) => data.intervals[index]?.[column]));
    const better = [x, y].map((select) => (columns.get(select.value).higher_is_better ? "more" : "less"));
    $("caption").textContent =
      `Better is ${better[0]} across and ${better[1]} up. The dotted line joins the runs that no other beats on both axes.` +
      (bars ? " Bars are 95 % intervals over images: compare runs by the summary's paired numbers, as all runs read the same images." : "");
  }

  function redraw() {
    ocrbench.plot(plot, make);
    caption();
  }

  function fill() {
    const options = data.groups[Number(group.value)].runs.map((index) => el("option", { value: index }, runs[index].label));
    clear(chosen, el("option", { value: "" }, "none"), ...options);
  }

  clear(group, ...data.groups.map((each, index) => el("option", { value: index }, each.name)));
  group.closest("label").hidden = data.groups.length < 2;
  for (const [select, list] of [[x, data.x], [y, data.y]]) {
    clear(select, ...list.map((each) => el("option", { value: each.column }, name(each))));
    select.addEventListener("change", redraw);
  }
  if (!data.y.length || !data.x.length) {
    clear(element.querySelector(".beside"), el("p", {}, "No run has an accuracy, as the data hold no ground truth."));
    element.querySelector(".controls").hidden = true;
    return;
  }
  function show(number) {
    group.value = String(number);
    fill();
    x.value = data.groups[number].speed;
    redraw();
  }

  group.addEventListener("change", () => show(Number(group.value)));
  chosen.addEventListener("change", () => ocrbench.select(chosen.value === "" ? null : Number(chosen.value)));
  ocrbench.onSelect((index) => {
    const home = data.groups.findIndex((each) => each.runs.includes(index));
    if (home >= 0 && home !== Number(group.value)) show(home);
    chosen.value = home < 0 ? "" : String(index);
    clear($("details"), ...details(index));
    ocrbench.plot(plot, make);
  });
  show(0);
  clear($("details"), ...details(ocrbench.selected));
  plot.on("plotly_click", (event) => {
    const index = event.points[0]?.customdata;
    if (index !== undefined) ocrbench.select(index === ocrbench.selected ? null : index);
  });
});
