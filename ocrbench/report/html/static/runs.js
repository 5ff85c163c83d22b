ocrbench.section("runs", (element, data) => {});
