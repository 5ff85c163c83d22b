ocrbench.section("latency", (element, data) => {});
