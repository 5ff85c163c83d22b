"""What every scenario keeps."""

from typing import Any

import pytest

from ocrbench.config.composing import load
from ocrbench.runs.columns import BY_NAME, NUMBERS
from ocrbench.scenarios import SCENARIOS, setup_of
from ocrbench.scenarios.interface import LATENCY

# A rate to judge by only where it was found: what the user asked for says nothing about the configuration.
DECISIVE = [
    ("latency", {}, LATENCY),
    ("throughput", {}, "throughput_ips"),
    ("server", {"rate": 1.0, "search": False}, LATENCY),
    ("server", {"search": True}, "server_rate_ips"),
    ("mlperf", {}, LATENCY),
]


@pytest.mark.parametrize(("name", "options", "column"), DECISIVE)
def test_a_column_decides_the_speed(name: str, options: dict[str, Any], column: str) -> None:
    assert SCENARIOS[name].decisive(options) == column
    assert column in NUMBERS


def test_every_scenario_is_tested() -> None:
    assert {name for name, _, _ in DECISIVE} == set(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_columns_are_columns_of_the_tables(name: str) -> None:
    assert {column.name: (name,) for column in SCENARIOS[name].columns} == {
        column.name: column.scenarios for column in BY_NAME.values() if name in column.scenarios
    }


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_scores_have_columns(name: str) -> None:
    setup = setup_of(load([f"scenario={name}"]).scenario)
    scores = SCENARIOS[name].scores(setup, [1_000_000, 2_000_000], {})
    assert {score.metric for score in scores} <= {column.name for column in SCENARIOS[name].columns}
