ocrbench.section("pareto", (element, data) => {});
