"""Which column decides the speed."""

from typing import Any

import pytest

from ocrbench.scenarios import SCENARIOS
from ocrbench.scenarios.interface import LATENCY


# A rate decides only where it was found: one that the user asked for says nothing about the configuration.
@pytest.mark.parametrize(
    ("name", "options", "column"),
    [
        ("latency", {}, LATENCY),
        ("throughput", {}, "throughput_ips"),
        ("server", {"rate": 1.0, "search": False}, LATENCY),
        ("server", {"search": True}, "server_rate_ips"),
        ("mlperf", {}, LATENCY),
    ],
)
def test_a_rate_decides_only_where_it_was_found(name: str, options: dict[str, Any], column: str) -> None:
    assert SCENARIOS[name].decisive(options) == column
