"""What every scenario keeps."""

import pytest

from ocrbench.config.composing import load
from ocrbench.runs.columns import BY_NAME, NUMBERS
from ocrbench.scenarios import SCENARIOS, setup_of


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_column_of_numbers_decides_the_speed(name: str) -> None:
    options = load([f"scenario={name}"]).scenario.options
    assert SCENARIOS[name].decisive(options) in NUMBERS


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
