"use strict";
// What every section's script shares. Texts may hold anything, so elements are made with el(), never from markup.
//
//   ocrbench.data                     what ReportData holds
//   ocrbench.section(id, render)      calls render(element, data) once, when the section comes near the window
//   ocrbench.el(tag, attributes, …)   an element; children are elements or texts; "on…" attributes are listeners
//   ocrbench.clear(element, …)        replaces the children
//   ocrbench.format(column, value)    a number with its column's decimals, "–" for nothing
//   ocrbench.visible(text)            control characters made visible
//   ocrbench.select(index), .selected, .onSelect(listener)    the run looked at: index into data.runs, or null
//   ocrbench.plot(element, make)      a diagram: make() → {traces, layout}; drawn anew for other colours
//   ocrbench.markup(text, length)     a text for Plotly, which reads a little HTML; cut to a length
//   ocrbench.colour(name)             a colour of page.css as Plotly takes it
const ocrbench = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const columns = new Map(data.columns.map((column) => [column.name, column]));
  const UNSHOWABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]/gu;
  const NEAR = "800px";

  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.map((child) => (child instanceof Node ? child : visible(String(child)))));
    return element;
  }

  function clear(element, ...children) {
    element.replaceChildren(...children);
    return element;
  }

  // A regular expression with "u" sees halves of surrogate pairs only where they stand alone.
  const visible = (text) => text.replace(UNSHOWABLE, "\ufffd");

  const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\n": "<br>" };

  function markup(text, length = 60) {
    const shown = visible(text);
    const cut = shown.length > length ? `${shown.slice(0, length - 1)}…` : shown;
    return cut.replace(/[&<>\n]/g, (found) => ENTITIES[found]);
  }

  function format(name, value) {
    if (value === null || value === undefined || value === "") return "–";
    return typeof value === "number" ? value.toFixed(columns.get(name)?.decimals ?? 0) : visible(String(value));
  }

  // Sections are drawn when they come near the window; all of them for paper.
  const waiting = new Map();
  const observer = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
    { rootMargin: NEAR },
  );

  function section(id, render) {
    const element = document.getElementById(id);
    waiting.set(element, () => render(element, data.sections[id]));
    observer.observe(element);
  }

  function draw(element) {
    const render = waiting.get(element);
    waiting.delete(element);
    observer.unobserve(element);
    if (render) render();
  }

  addEventListener("beforeprint", () => [...waiting.keys()].forEach(draw));

  const listeners = [];
  const state = { selected: null };

  function select(index) {
    state.selected = index;
    listeners.forEach((listener) => listener(index));
  }

  // Colours: custom properties of page.css, resolved by the browser for the scheme in use.
  const probe = document.body.appendChild(el("span", { hidden: true }));

  function colour(name) {
    probe.className = `colour-${name}`;
    return getComputedStyle(probe).color;
  }

  const plots = new Map();

  function layoutOf(own) {
    const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), linecolor: colour("line"), automargin: true };
    const layout = {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("text"), family: getComputedStyle(document.body).fontFamily, size: 13 },
      margin: { l: 56, r: 16, t: 16, b: 48 },
      hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("line"), font: { color: colour("text") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("quiet"), activecolor: colour("accent") },
      ...own,
    };
    for (const name of ["xaxis", "yaxis"]) layout[name] = { ...axis, ...own[name] };
    return layout;
  }

  function plot(element, make) {
    const { traces, layout } = make();
    plots.set(element, make);
    const config = {
      displaylogo: false,
      responsive: true,
      modeBarButtonsToRemove: ["lasso2d", "select2d", "toImage"],
    };
    return Plotly.react(element, traces, layoutOf(layout), config);
  }

  // Theme: as the system has it, until the reader says otherwise.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : dark.matches;
  }

  function repaint() {
    button.textContent = isDark() ? "Light colours" : "Dark colours";
    plots.forEach((make, element) => plot(element, make));
  }

  function remembered(theme) {
    // Files opened from disk may have no storage.
    try {
      if (theme) localStorage.setItem("ocrbench-theme", theme);
      return localStorage.getItem("ocrbench-theme");
    } catch {
      return null;
    }
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    remembered(document.documentElement.dataset.theme);
    repaint();
  });
  if (["light", "dark"].includes(remembered())) document.documentElement.dataset.theme = remembered();
  dark.addEventListener("change", repaint);
  repaint();

  return {
    data,
    columns,
    el,
    clear,
    format,
    visible,
    markup,
    section,
    select,
    get selected() {
      return state.selected;
    },
    onSelect: (listener) => listeners.push(listener),
    plot,
    colour,
  };
})();
