ocrbench.section("summary", (element, data) => {});
