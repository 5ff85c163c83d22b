"""Where a level changed: steps, families of noise without any, values that are missing, too few runs."""

import math

import numpy as np
import pytest

from ocrbench.metrics.change_points import MIN_RUNS, accepted, fit, levels

SERIES = 1000


def starts(values: list[float | None]) -> list[int]:
    return [level.start for level in levels(values)]


def noisy(medians: list[tuple[float, int]], spread: float, seed: int = 0) -> list[float]:
    generator = np.random.default_rng(seed)
    return [float(value) for median, count in medians for value in generator.normal(median, spread, count)]


def autoregressive(generator: np.random.Generator, count: int, correlation: float) -> np.ndarray:
    noise = generator.normal(size=(SERIES, count))
    for place in range(1, count):
        noise[:, place] = correlation * noise[:, place - 1] + math.sqrt(1 - correlation**2) * noise[:, place]
    return noise


FAMILIES = {
    "normal": lambda generator, count: generator.normal(size=(SERIES, count)),
    "t3": lambda generator, count: generator.standard_t(3, (SERIES, count)),
    "exponential": lambda generator, count: generator.exponential(size=(SERIES, count)),
    "outliers": lambda generator, count: np.where(
        generator.random((SERIES, count)) < 0.1, 8.0, generator.normal(size=(SERIES, count))
    ),
    "AR 0.6": lambda generator, count: autoregressive(generator, count, 0.6),
    "AR 0.8": lambda generator, count: autoregressive(generator, count, 0.8),
    "AR 0.9": lambda generator, count: autoregressive(generator, count, 0.9),
    "random levels": lambda generator, count: (
        generator.integers(0, 2, (SERIES, count)) + generator.normal(0, 0.05, (SERIES, count))
    ),
    "levels in turn": lambda generator, count: np.arange(count) % 2 + generator.normal(0, 0.05, (SERIES, count)),
    "nearly constant": lambda generator, count: (generator.random((SERIES, count)) < 0.1).astype(float),
    "integers": lambda generator, count: generator.poisson(1, (SERIES, count)).astype(float),
}


class TestWithoutChange:
    @pytest.mark.parametrize("count", [6, 10, 20, 50])
    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize("percent", [1, 5])
    def test_at_most_one_in_twenty_shows_one(self, family: str, count: int, percent: int) -> None:
        series = 100 + percent * FAMILIES[family](np.random.default_rng(count), count)
        found = accepted(fit(series), count).any(axis=0)
        # Five percent, and two and a half standard errors of the simulation.
        assert found.mean() <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / SERIES)

    def test_one_odd_run_is_none(self) -> None:
        quiet = noisy([(100, 12)], spread=1)
        assert starts([*quiet[:5], 300.0, *quiet[5:]]) == [0]
        assert starts([*quiet[:2], 300.0, *quiet[2:8], 20.0, *quiet[8:]]) == [0]
        assert starts([*quiet, 300.0]) == [0]

    def test_rounding_is_none(self) -> None:
        assert starts([0.5] * 6 + [0.5 + 1e-9] * 6) == [0]
        assert starts([0.85] * 3 + [0.8501] * 3) == [0]

    @pytest.mark.parametrize("value", [0.0, 0.5, -3.0, 1e-300, 1e300])
    def test_a_constant_has_one_level(self, value: float) -> None:
        assert [(level.start, level.stop, level.median) for level in levels([value] * 10)] == [(0, 10, value)]


class TestChange:
    @pytest.mark.parametrize("after", [80.0, 90.0, 110.0, 130.0])
    @pytest.mark.parametrize("at", [3, 6, 9])
    def test_is_found_where_it_is(self, after: float, at: int) -> None:
        found = levels(noisy([(100.0, at), (after, 12 - at)], spread=0.5))
        assert [level.start for level in found] == [0, at]
        assert [level.stop for level in found] == [at, 12]
        assert [level.median for level in found] == [pytest.approx(100, abs=1), pytest.approx(after, abs=1)]

    @pytest.mark.parametrize(("count", "share"), [(6, 0.85), (10, 0.85), (20, 0.96), (50, 1.0)])
    def test_by_five_percent_between_runs_that_spread_by_one(self, count: int, share: float) -> None:
        noise = np.random.default_rng(count).normal(size=(SERIES, count))
        found = accepted(fit(100 + noise + 5 * (np.arange(count) >= count // 2)), count).any(axis=0)
        assert found.mean() >= share

    def test_twice(self) -> None:
        assert starts(noisy([(100, 6), (120, 5), (90, 7)], spread=1)) == [0, 6, 11]

    def test_up_and_down_again(self) -> None:
        assert starts(noisy([(100, 12), (110, 12), (100, 12)], spread=1)) == [0, 12, 24]

    def test_four_times(self) -> None:
        assert starts(noisy([(100, 10), (110, 10), (120, 10), (105, 10), (90, 10)], spread=0.5)) == [0, 10, 20, 30, 40]

    def test_of_exact_values_needs_no_noise(self) -> None:
        assert starts([0.5] * 5 + [0.45] * 5) == [0, 5]
        assert starts([0.5] * 3 + [0.49] * 3) == [0, 3]
        assert starts([0.0] * 5 + [1.0] * 5) == [0, 5]

    @pytest.mark.parametrize("unit", [1e-200, 1e-6, 1e6, 1e200, -1.0])
    def test_does_not_depend_on_the_unit(self, unit: float) -> None:
        values = noisy([(100, 6), (104, 8)], spread=0.5)
        assert starts([unit * value for value in values]) == starts(values) == [0, 6]


class TestMissingValues:
    @pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
    def test_belong_to_the_level_around_them(self, missing: float | None) -> None:
        found = levels([missing, 1.0, 1.0, 1.0, missing, 2.0, 2.0, missing, 2.0, missing])
        assert [(level.start, level.stop, level.median) for level in found] == [(0, 5, 1.0), (5, 10, 2.0)]

    def test_are_no_runs(self) -> None:
        assert starts([1.0, 1.0, 1.0, None, 2.0, 2.0]) == [0]

    def test_alone_have_no_level(self) -> None:
        assert levels([None, math.nan]) == []


@pytest.mark.parametrize("count", range(MIN_RUNS))
def test_too_few_runs_show_no_change(count: int) -> None:
    found = levels([1.0, 1.0, 1.0, 9.0, 9.0][:count])
    assert [(level.start, level.stop) for level in found] == ([(0, count)] if count else [])
