"""Where a level changed: steps, outliers, noise, too few runs."""

import numpy as np
import pytest

from ocrbench.metrics.change_points import MIN_RUNS, levels


def starts(values: list[float]) -> list[int]:
    return [level.start for level in levels(values)]


def noisy(medians: list[tuple[float, int]], spread: float, seed: int = 0) -> list[float]:
    generator = np.random.default_rng(seed)
    return [float(value) for median, count in medians for value in generator.normal(median, spread, count)]


@pytest.mark.parametrize("after", [80.0, 90.0, 110.0, 130.0])
@pytest.mark.parametrize("at", [3, 6, 9])
def test_a_step_is_found_where_it_is(after: float, at: int) -> None:
    found = levels(noisy([(100.0, at), (after, 12 - at)], spread=0.5))
    assert [level.start for level in found] == [0, at]
    assert [level.stop for level in found] == [at, 12]
    assert [level.median for level in found] == [pytest.approx(100, abs=1), pytest.approx(after, abs=1)]


def test_two_steps() -> None:
    assert starts(noisy([(100, 6), (120, 5), (90, 7)], spread=1)) == [0, 6, 11]


def test_one_odd_run_is_no_change() -> None:
    quiet = noisy([(100, 12)], spread=1)
    assert starts([*quiet[:5], 300.0, *quiet[5:]]) == [0]
    assert starts([*quiet[:2], 300.0, *quiet[2:8], 20.0, *quiet[8:]]) == [0]
    assert starts([*quiet, 300.0]) == [0]


def test_exact_values_need_no_noise_to_change() -> None:
    assert starts([0.5] * 5 + [0.45] * 5) == [0, 5]
    assert starts([0.5] * 10) == [0]
    assert starts([0.0] * 10) == [0]
    assert starts([0.0] * 5 + [1.0] * 5) == [0, 5]


def test_rounding_is_no_change() -> None:
    assert starts([0.5] * 6 + [0.5 + 1e-9] * 6) == [0]


def test_without_change_hardly_ever_one_is_found() -> None:
    found = [len(levels(noisy([(100, 6 + seed % 20)], spread=2, seed=seed))) > 1 for seed in range(100)]
    assert sum(found) <= 5


@pytest.mark.parametrize("count", range(MIN_RUNS))
def test_too_few_runs_show_no_change(count: int) -> None:
    found = levels([1.0, 1.0, 1.0, 9.0, 9.0][:count])
    assert [(level.start, level.stop) for level in found] == ([(0, count)] if count else [])


def test_units_do_not_matter() -> None:
    values = noisy([(100, 6), (104, 8)], spread=0.5)
    assert starts(values) == starts([1e6 * value for value in values]) == starts([value / 1e6 for value in values])
