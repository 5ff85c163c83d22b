"use strict";
// Distributions, stages and cost per word, for the runs that the reader chooses.
ocrbench.section("latency", (element, data) => {
  const { el, clear, format, colour, markup } = ocrbench;
  const runs = ocrbench.data.runs;
  const $ = (name) => element.querySelector(`#latency-${name}`);
  const SHOWN = 6;
  const LINES = ["FP32", "INT8", "BF16", "FP16", "other", "AUTO"];
  const DASHES = ["solid", "dash", "dot", "dashdot"];
  const byRun = new Map(data.runs.map((each) => [each.run, each]));
  const chosen = new Set(data.groups[0].runs.filter((index) => byRun.has(index)).slice(0, SHOWN));

  const label = (index, length = 40) => markup(runs[index].label, length);
  const shown = () => [...byRun.keys()].filter((index) => chosen.has(index));
  const line = (place) => ({ color: colour(LINES[place % LINES.length]), dash: DASHES[Math.floor(place / LINES.length) % DASHES.length], width: 2 });
  const legend = { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 };

  function ecdf() {
    const traces = shown().map((index, place) => ({
      type: "scatter",
      mode: "lines",
      name: label(index),
      x: byRun.get(index).quantiles_ms,
      y: byRun.get(index).levels,
      line: line(place),
      hovertemplate: "%{y:.0%} within %{x:.1f} ms<extra>%{fullData.name}</extra>",
    }));
    const layout = {
      xaxis: { title: { text: "Latency, ms" }, rangemode: "tozero" },
      yaxis: { tickformat: ".0%", range: [0, 1.02] },
      legend,
      margin: { l: 50, r: 16, t: 90, b: 48 },
    };
    return { traces, layout };
  }

  // A label in lines of a length; longer words are cut.
  function wrapped(text, length) {
    const lines = [""];
    for (const word of text.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && last.length + word.length >= length) lines.push(word);
      else lines[lines.length - 1] = last ? `${last} ${word}` : word;
    }
    return lines.map((each) => markup(each, length)).join("<br>");
  }

  const SHADES = ["FP32", "f32-light", "other", "INT8", "i8-light", "AUTO"];

  function stages() {
    const indices = shown().reverse();
    const wide = $("stages").clientWidth > 500;
    const traces = data.stages.map((name, stage) => ({
      type: "bar",
      orientation: "h",
      name,
      y: indices.map((_, place) => place),
      customdata: indices.map((index) => label(index)),
      x: indices.map((index) => byRun.get(index).stages_ms[stage]),
      marker: { color: colour(SHADES[stage]) },
      hovertemplate: `${name}: %{x:.1f} ms<extra>%{customdata}</extra>`,
    }));
    const layout = {
      barmode: "stack",
      xaxis: { title: { text: "Mean time, ms" } },
      yaxis: {
        automargin: true,
        ticks: "",
        tickvals: indices.map((_, place) => place),
        ticktext: indices.map((index) => (wide ? label(index, 36) : wrapped(runs[index].label, 18))),
      },
      legend: { ...legend, traceorder: "normal" },
      margin: { l: 50, r: 16, t: 90, b: 48 },
    };
    return { traces, layout };
  }

  function words() {
    const traces = shown().flatMap((index, place) => {
      const { points, cost } = byRun.get(index);
      const style = line(place);
      const cloud = {
        type: "scatter",
        mode: "markers",
        name: label(index),
        legendgroup: String(index),
        x: points.map((point) => point[0]),
        y: points.map((point) => point[1]),
        marker: { color: style.color, size: 6, opacity: 0.7 },
        hovertemplate: "%{x} words, %{y:.1f} ms<extra>%{fullData.name}</extra>",
      };
      if (!cost) return [cloud];
      const ends = [0, Math.max(...cloud.x)];
      const fitted = {
        type: "scatter",
        mode: "lines",
        showlegend: false,
        legendgroup: String(index),
        x: ends,
        y: ends.map((count) => cost.fixed_ms[0] + cost.per_word_ms[0] * count),
        line: style,
        hoverinfo: "skip",
      };
      return [cloud, fitted];
    });
    const layout = {
      xaxis: { title: { text: "Words found" }, rangemode: "tozero" },
      yaxis: { title: { text: "Median latency, ms" }, rangemode: "tozero" },
      legend,
      margin: { l: 60, r: 16, t: 60, b: 48 },
    };
    return { traces, layout };
  }

  const short = (value) => Number(value.toPrecision(3)).toString();
  const withInterval = ([estimate, low, high]) => `${short(estimate)} [${short(low)}, ${short(high)}]`;

  function table(name, titles, cells) {
    clear($(name).tHead, el("tr", {}, ...titles.map((title, place) => el("th", { scope: "col", class: place ? "number" : null }, title))));
    const lines = shown().map((index) =>
      el("tr", {}, el("th", { scope: "row" }, el("bdi", {}, runs[index].label)), ...cells(index).map((text) => el("td", { class: "number" }, text))),
    );
    clear($(name).tBodies[0], ...lines);
  }

  function draw() {
    $("count").textContent = `${chosen.size} of ${byRun.size}`;
    ocrbench.plot($("ecdf"), ecdf);
    $("stages").classList.toggle("many", chosen.size > 10);
    ocrbench.plot($("stages"), stages);
    ocrbench.plot($("words"), words);
    const percentiles = ["latency_mean_ms", "latency_p50_ms", "latency_p90_ms", "latency_p99_ms"];
    table("table", ["run", "times", "mean, ms", "p50", "p90", "p99", "largest", ...data.stages], (index) => [
      byRun.get(index).times,
      ...percentiles.map((column) => format(column, runs[index].row[column])),
      byRun.get(index).max_ms.toFixed(1),
      ...byRun.get(index).stages_ms.map((value) => value.toFixed(1)),
    ]);
    table("cost", ["run", "fixed cost per image, ms", "cost per word, ms", "explained"], (index) => {
      const { cost } = byRun.get(index);
      if (!cost) return ["–", "–", "–"];
      const explained = cost.explained === null ? "–" : `${Math.round(100 * cost.explained)} %`;
      return [withInterval(cost.fixed_ms), withInterval(cost.per_word_ms), explained];
    });
  }

  function box(index) {
    const change = ({ target }) => {
      if (target.checked) chosen.add(index);
      else chosen.delete(index);
      draw();
    };
    return el("label", {}, el("input", { type: "checkbox", checked: chosen.has(index), value: index, onchange: change }), el("bdi", {}, runs[index].label));
  }

  clear($("runs"), ...[...byRun.keys()].map(box));
  draw();
});
