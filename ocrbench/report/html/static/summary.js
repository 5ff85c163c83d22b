"use strict";
// The most accurate run within a bound that the reader chooses.
ocrbench.section("summary", (element, data) => {
  const { el, clear } = ocrbench;
  const runs = ocrbench.data.runs;

  function best(group, bound) {
    const value = (index, column) => runs[index].row[column];
    const within = group.runs.filter(
      (index) => value(index, group.accuracy) !== null && value(index, group.speed) !== null && value(index, group.speed) <= bound,
    );
    const better = (one, other) =>
      value(other, group.accuracy) - value(one, group.accuracy) || value(one, group.speed) - value(other, group.speed);
    return within.sort(better)[0];
  }

  for (const item of element.querySelectorAll(".within")) {
    const number = Number(item.dataset.group);
    const group = data.groups[number];
    const id = `bound-${number}`;
    const input = el("input", { id, type: "number", min: 0, step: "any", value: group.bound_ms, inputmode: "decimal" });
    const answer = el("span", { role: "status", class: "answer" });
    const tell = () => {
      const index = best(group, Number(input.value));
      if (index === undefined) clear(answer, "No run is that fast.");
      else clear(answer, el("strong", {}, el("bdi", {}, runs[index].label)), ` ${group.numbers[index]}`);
    };
    input.addEventListener("input", tell);
    clear(item, el("label", { for: id, class: "goal" }, "Most accurate within ", input, " ms"), answer);
    tell();
  }
});
