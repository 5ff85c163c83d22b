"use strict";
// Images with ground truth and predictions on them; a second run beside the first; the words that were lost as a table.
ocrbench.section("gallery", (element, data) => {
  const { el, clear, visible } = ocrbench;
  const $ = (name) => element.querySelector(`#gallery-${name}`);
  const SVG = "http://www.w3.org/2000/svg";
  const [PAGE, ROWS, LONG, ZOOM] = [6, 12, 60, 4];
  const GOOD = ["right", "unknown"];
  const KINDS = new Map([...data.kinds, ...data.spurious].map((each) => [each.kind, each]));
  const [set, one, other, kind] = ["set", "one", "other", "kind"].map($);
  let shown = PAGE;

  const current = () => data.sets[Number(set.value)];
  const sides = () => [one.value, other.value].filter((value) => value !== "").map((value) => current().runs[Number(value)]);

  function svg(tag, attributes, ...children) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const cut = (text, length = LONG) => (text.length > length ? `${[...text].slice(0, length).join("")}…` : text);

  // A long text is cut where everybody sees it, and there in full for who wants it.
  function brief(text, length = LONG) {
    if (text.length <= length) return el("bdi", {}, text);
    const summary = el("summary", {}, el("bdi", {}, cut(text, length)), ` (${text.length} characters)`);
    return el("details", { class: "brief" }, summary, el("bdi", { class: "long" }, text));
  }

  // What a word that was not found was taken for says little.
  const differ = (before, after) => before?.fate !== after?.fate || (before?.fate === "misread" && before.text !== after.text);

  // What can be said of an image: each word with its fate on each side, then what was found too much.
  function entriesOf(image, place) {
    const found = sides().map((run) => run.images[place]);
    const fates = found.map((side) => new Map((side?.fates ?? []).map(([number, fate, predicted]) => [number, { fate, predicted, text: predicted === null ? null : side.predicted[predicted][1] }])));
    const words = image.expected.map((word, number) => ({ number, word, sides: fates.map((each) => each.get(number)) }));
    const read = words.filter((entry) => entry.sides.some(Boolean));
    for (const entry of read) entry.changed = entry.sides.length > 1 && differ(...entry.sides);
    const extra = found.flatMap((side, which) =>
      (side?.spurious ?? []).map(([number, fate]) => ({
        number,
        which,
        points: side.predicted[number][0],
        changed: false,
        sides: found.map((_, index) => (index === which ? { fate, predicted: number, text: side.predicted[number][1] } : undefined)),
      })),
    );
    return [...read, ...extra];
  }

  const isLost = (entry) => entry.sides.some((side) => side && !GOOD.includes(side.fate));
  const wanted = (entry) => {
    if (kind.value === "") return isLost(entry) || (entry.changed && entry.sides.length > 1);
    return kind.value === "changed" ? entry.changed : entry.sides.some((side) => side?.fate === kind.value);
  };

  function ranked() {
    const images = current().images.map((image, place) => {
      const entries = entriesOf(image, place);
      return { image, place, entries, chosen: entries.filter(wanted) };
    });
    const weight = ({ chosen }) => chosen.length;
    const found = kind.value === "" ? images : images.filter(weight);
    return found.sort((first, second) => weight(second) - weight(first));
  }

  // Drawing

  const bounds = (points) => {
    const corners = points.split(" ").map((corner) => corner.split(",").map(Number));
    const [xs, ys] = [corners.map((corner) => corner[0]), corners.map((corner) => corner[1])];
    return { x: Math.min(...xs), y: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  };

  function outline(points, text, classes) {
    return svg("polygon", { points, class: classes }, svg("title", {}, visible(text)));
  }

  function letters(points, text, image, classes) {
    const { x, y } = bounds(points);
    const size = image.width / 42;
    return svg("text", { x, y: Math.max(size, y - size / 4), "font-size": size, class: classes }, visible(cut(text, 30)));
  }

  function overlay(image, side, entries, which) {
    const marked = new Set(entries.filter(wanted));
    const filtered = kind.value !== "";
    const dim = (entry) => (filtered && !marked.has(entry) ? " dim" : "");
    const words = entries.filter((entry) => entry.word);
    const expected = words.filter((entry) => entry.sides[which]).map((entry) => {
      const { fate } = entry.sides[which];
      return outline(entry.word.points, `${KINDS.get(fate).name}: ${entry.word.text}`, `expected stroke-${fate}${dim(entry)}`);
    });
    const ignored = image.expected.filter((word) => word.ignore).map((word) => outline(word.points, "does not count", "expected ignored"));
    const spurious = new Set(side.spurious.map(([number]) => number));
    const bright = new Set([...marked].map((entry) => entry.sides[which]?.predicted));
    const predicted = side.predicted.map(([points, text], number) =>
      outline(points, text, `predicted${spurious.has(number) ? " spurious" : ""}${filtered && !bright.has(number) ? " dim" : ""}`),
    );
    const labels = side.predicted.map(([points, text]) => letters(points, text, image, "label"));
    return [
      svg("g", { class: "layer-expected" }, ...ignored, ...expected),
      svg("g", { class: "layer-predicted" }, ...predicted),
      svg("g", { class: "layer-texts" }, ...labels),
    ];
  }

  function told(side) {
    const counts = new Map();
    for (const [, fate] of [...side.fates, ...side.spurious]) counts.set(fate, (counts.get(fate) ?? 0) + 1);
    const right = counts.get("right") ?? 0;
    const named = (each) => `${counts.get(each.kind)} ${counts.get(each.kind) === 1 ? each.name : each.plural}`;
    const rest = [...KINDS.values()].filter((each) => each.kind !== "right" && counts.has(each.kind)).map(named);
    return [`${right} of ${side.fates.length} words read right`, ...rest].join(", ");
  }

  function pane(entry, run, which) {
    const { image, place, entries } = entry;
    const side = run.images[place];
    const caption = el("figcaption", {}, el("strong", {}, el("bdi", {}, run.label)), ` ${side ? told(side) : "did not read this image"}`);
    if (!side) return el("figure", {}, caption);
    const picture = svg("svg", { viewBox: whole(image), class: "picture", role: "img", "aria-label": visible(`${cut(image.id)}: ${told(side)}`) });
    if (image.source) {
      const file = svg("image", { href: image.source, width: image.width, height: image.height, preserveAspectRatio: "none" });
      file.addEventListener("error", () => caption.append(" (the image file cannot be shown)"));
      picture.append(file);
    }
    picture.append(...overlay(image, side, entries, which));
    return el("figure", {}, picture, caption);
  }

  const whole = (image) => `0 0 ${image.width} ${image.height}`;

  // Around a word, with some of what is beside it.
  function near(image, points) {
    const { x, y, right, bottom } = bounds(points);
    const width = Math.min(image.width, Math.max((right - x) * 1.6, image.width / ZOOM, ((bottom - y) * 1.6 * image.width) / image.height));
    const height = (width * image.height) / image.width;
    const place = (middle, size, end) => Math.max(0, Math.min(end - size, middle - size / 2)).toFixed(1);
    return `${place((x + right) / 2, width, image.width)} ${place((y + bottom) / 2, height, image.height)} ${width.toFixed(1)} ${height.toFixed(1)}`;
  }

  // The table of words

  function cell(side) {
    if (!side) return el("td", {}, "–");
    const name = el("span", { class: `kind kind-name-${side.fate}` }, KINDS.get(side.fate).name);
    return el("td", {}, name, " ", side.text === null ? "" : side.text === "" ? el("em", {}, "no text") : brief(side.text));
  }

  function row(entry, image, panes) {
    const points = entry.word ? entry.word.points : entry.points;
    const press = ({ currentTarget }) => {
      const pressed = currentTarget.getAttribute("aria-pressed") !== "true";
      currentTarget.closest("tbody").querySelectorAll("[aria-pressed=true]").forEach((button) => button.setAttribute("aria-pressed", "false"));
      currentTarget.setAttribute("aria-pressed", String(pressed));
      panes.querySelectorAll(".picture").forEach((picture) => picture.setAttribute("viewBox", pressed ? near(image, points) : whole(image)));
    };
    const name = entry.word ? (entry.word.text === "" ? "(not known)" : cut(entry.word.text, 24)) : "(no word)";
    const button = el("button", { type: "button", class: "pick", "aria-pressed": "false", title: "Look closer", onclick: press }, el("bdi", {}, name));
    const full = entry.word && entry.word.text.length > 24 ? brief(entry.word.text) : "";
    return el("tr", { class: entry.changed ? "changed" : null }, el("th", { scope: "row" }, button, full), ...entry.sides.map(cell));
  }

  function table(entries, image, panes) {
    if (!entries.length) return el("p", { class: "quiet" }, sides().length > 1 ? "Nothing is lost on either side." : "Nothing is lost.");
    const titles = ["it says", ...sides().map((run) => run.label)];
    const ordered = [...entries].sort((first, second) => Number(second.changed) - Number(first.changed));
    const body = el("tbody", {}, ...ordered.slice(0, ROWS).map((entry) => row(entry, image, panes)));
    const head = el("thead", {}, el("tr", {}, ...titles.map((title) => el("th", { scope: "col" }, el("bdi", {}, title)))));
    const made = el("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": `Words of ${cut(image.id)}` }, el("table", {}, head, body));
    if (ordered.length <= ROWS) return made;
    const all = el("button", { type: "button", onclick: () => {
      body.append(...ordered.slice(ROWS).map((entry) => row(entry, image, panes)));
      all.remove();
      made.focus();
    } }, `All ${ordered.length} rows`);
    return el("div", {}, made, all);
  }

  function article(entry) {
    const { image, chosen } = entry;
    const panes = el("div", { class: sides().length > 1 ? "panes two" : "panes" }, ...sides().map((run, which) => pane(entry, run, which)));
    const changed = chosen.filter((each) => each.changed).length;
    const title = el("h3", {}, brief(image.id));
    const note = image.note ? [el("p", { class: "note" }, "The image cannot be shown: ", brief(image.note, 400))] : [];
    const what = sides().length > 1 ? [el("p", {}, changed === 1 ? "1 word changed." : `${changed} words changed.`)] : [];
    const rows = el("div", {}, ...what, table(chosen, image, panes));
    return el("article", { class: "shot" }, title, ...note, el("div", { class: sides().length > 1 ? "" : "shot-parts" }, panes, rows));
  }

  function draw() {
    const found = ranked();
    const { images, images_of_all, images_left_out, runs_left_out } = current();
    clear($("images"), ...found.slice(0, shown).map(article));
    const parts = [`${found.length} of the ${images.length} images here`, `${images_of_all} were read`];
    if (images_left_out) parts.push(`${images_left_out} are left out, to keep the page small`);
    if (runs_left_out) parts.push(`${runs_left_out} runs are left out, to keep the page small`);
    $("status").textContent = `${parts.join("; ")}. Those where most is lost come first.`;
    $("more").hidden = found.length <= shown;
  }

  function redraw() {
    shown = PAGE;
    draw();
  }

  // Controls

  function toggle(name) {
    const button = $(name);
    const apply = () => $("images").classList.toggle(`without-${name}`, button.getAttribute("aria-pressed") !== "true");
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      apply();
    });
    apply();
  }

  function fillRuns() {
    const { runs } = current();
    const options = () => runs.map((run, place) => el("option", { value: place }, run.label));
    clear(one, ...options());
    clear(other, el("option", { value: "" }, "none"), ...options());
    // With runs to compare with, both sides at once.
    const mine = runs.findIndex((run) => run.run !== null);
    if (runs[0].run === null && mine > 0) other.value = String(mine);
    other.closest("label").hidden = runs.length < 2;
    fillKinds();
  }

  function fillKinds() {
    const errors = [...data.kinds.filter((each) => !GOOD.includes(each.kind)), ...data.spurious];
    const changed = other.value === "" ? [] : [el("option", { value: "changed" }, "what changed")];
    const before = kind.value;
    clear(kind, el("option", { value: "" }, "all that is lost"), ...changed, ...errors.map((each) => el("option", { value: each.kind }, each.name)));
    kind.value = before;
    if (kind.selectedIndex < 0) kind.value = "";
  }

  const swatch = (classes) => svg("svg", { width: 24, height: 16, "aria-hidden": "true", class: "swatch" }, svg("rect", { x: 3, y: 3, width: 18, height: 10, class: classes }));
  const legend = [
    ...data.kinds.map((each) => [`expected stroke-${each.kind}`, each.name]),
    ["expected ignored", "does not count"],
    ["predicted", "prediction"],
    ["predicted spurious", "prediction too much"],
  ];
  clear($("legend"), ...legend.map(([classes, name]) => el("li", {}, swatch(classes), ` ${name}`)));
  clear(set, ...data.sets.map((each, place) => el("option", { value: place }, each.name)));
  set.closest("label").hidden = data.sets.length < 2;
  ["expected", "predicted", "texts"].forEach(toggle);
  set.addEventListener("change", () => {
    fillRuns();
    redraw();
  });
  one.addEventListener("change", redraw);
  other.addEventListener("change", () => {
    fillKinds();
    redraw();
  });
  kind.addEventListener("change", redraw);
  $("more").addEventListener("click", () => {
    shown += PAGE;
    draw();
  });
  function follow(index) {
    const place = index === null ? -1 : current().runs.findIndex((run) => run.run === index);
    if (place < 0 || String(place) === one.value) return;
    one.value = String(place);
    redraw();
  }
  ocrbench.onSelect(follow);
  fillRuns();
  draw();
  follow(ocrbench.selected);
});
