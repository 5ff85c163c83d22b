"""By what runs under load are judged."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ocrbench.compare.rates import rate_metric
from ocrbench.runs.run import Run


@pytest.mark.parametrize(
    ("name", "options", "metric"),
    [
        ("latency", {}, ""),
        ("throughput", {}, "throughput_ips"),
        ("server", {"rate": 1.0, "search": False}, ""),
        ("server", {"search": True}, "server_rate_ips"),
        ("mlperf", {}, ""),
    ],
)
def test_a_rate_counts_only_where_it_was_found(name: str, options: dict[str, Any], metric: str) -> None:
    record = SimpleNamespace(config={"scenario": {"name": name, "options": options}})
    assert rate_metric(cast("Run", record)) == metric
