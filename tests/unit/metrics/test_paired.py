"""Bootstrap intervals: they cover the truth as often as they claim, and nested variation widens them."""

import numpy as np
import pytest

from ocrbench.metrics.paired import Interval, blocks_needed, difference_interval, median_ratio, ratio_interval
from ocrbench.metrics.scoring import METRICS, value
from ocrbench.records import Tally


def measured(
    generator: np.random.Generator,
    ratio: float,
    *,
    processes: int = 3,
    blocks: int = 12,
    images: int = 4,
    between: float = 0.0,
    noise: float = 0.02,
) -> list[list[np.ndarray]]:
    """Simulate paired log ratios: a shift per process, noise per image, now and then an outlier."""
    sides = []
    for _ in range(processes):
        shift = np.log(ratio) + generator.normal(0, between)
        values = shift + generator.normal(0, noise, size=(blocks, images))
        values[generator.random(values.shape) < 0.03] += 1.0
        sides.append(list(values))
    return sides


class TestRatioInterval:
    @pytest.mark.parametrize("ratio", [0.8, 1.0, 1.03])
    def test_it_covers_the_truth_about_as_often_as_it_says(self, ratio: float) -> None:
        generator = np.random.default_rng(1)
        intervals = [ratio_interval(measured(generator, ratio), seed) for seed in range(60)]

        covered = sum(each.low <= ratio <= each.high for each in intervals)

        assert covered >= 51
        assert np.mean([each.estimate for each in intervals]) == pytest.approx(ratio, rel=0.005)

    def test_it_is_no_wider_than_the_estimates_spread_asks_for(self) -> None:
        generator = np.random.default_rng(4)
        intervals = [ratio_interval(measured(generator, 1.0), seed) for seed in range(60)]

        needed = 1.96 * np.std([each.estimate for each in intervals])

        assert needed * 0.8 < np.mean([each.half_width for each in intervals]) < needed * 1.5

    def test_processes_that_differ_are_covered_too(self) -> None:
        generator = np.random.default_rng(5)
        intervals = [ratio_interval(measured(generator, 1.0, processes=5, between=0.02), seed) for seed in range(60)]

        assert sum(each.low <= 1 <= each.high for each in intervals) >= 52

    def test_outliers_do_not_move_it(self) -> None:
        clean = [[np.zeros(4)] * 10] * 3
        disturbed = [[np.zeros(4)] * 9 + [np.full(4, 3.0)]] * 3

        assert ratio_interval(clean) == Interval(estimate=1.0, low=1.0, high=1.0)
        assert ratio_interval(disturbed).estimate == pytest.approx(1.0)

    def test_differences_between_processes_widen_it(self) -> None:
        calm = measured(np.random.default_rng(2), 1.0)
        shifting = [[block + shift for block in blocks] for blocks, shift in zip(calm, (-0.1, 0.0, 0.1), strict=True)]

        assert ratio_interval(shifting).half_width > 5 * ratio_interval(calm).half_width

    def test_the_same_seed_gives_the_same_interval(self) -> None:
        ratios = measured(np.random.default_rng(3), 1.1)

        assert ratio_interval(ratios, 5) == ratio_interval(ratios, 5)


class TestDifferenceInterval:
    @staticmethod
    def images(found: list[int], of: int = 10) -> list[dict[str, Tally]]:
        tally = Tally(numerator=0, denominator=0)
        blank = dict.fromkeys(METRICS, tally)
        return [blank | {"det_recall": Tally(numerator=number, denominator=of)} for number in found]

    @staticmethod
    def recall(totals: dict[str, Tally]) -> float | None:
        return value("det_recall", totals)

    def test_it_is_the_difference_of_ratios_of_sums(self) -> None:
        interval = difference_interval(self.images([5, 7, 9] * 10), self.images([4, 7, 9] * 10), self.recall)

        assert interval is not None
        assert interval.estimate == pytest.approx(-1 / 30)
        assert interval.low < -1 / 30 < interval.high <= 0

    def test_equal_sides_give_exactly_nothing(self) -> None:
        same = self.images([3, 8, 2])

        assert difference_interval(same, same, self.recall) == Interval(estimate=0.0, low=0.0, high=0.0)

    def test_without_ground_truth_there_is_none(self) -> None:
        assert difference_interval(self.images([0], of=0), self.images([0], of=0), self.recall) is None
        assert difference_interval([], [], self.recall) is None


def test_blocks_needed_follow_the_square_of_the_width() -> None:
    assert blocks_needed(8, 0.04, 0.02) == 32
    assert blocks_needed(8, 0.01, 0.02) == 8


class TestMedianRatio:
    def test_a_disturbed_turn_does_not_move_it(self) -> None:
        calm = np.log([0.99, 1.0, 1.01, 1.0, 0.98, 1.02, 1.0])
        disturbed = np.log([0.99, 1.0, 1.01, 1.0, 0.98, 5.0, 1.0])
        assert median_ratio(calm).estimate == pytest.approx(1.0)
        assert median_ratio(disturbed).estimate == pytest.approx(1.0)
        # Of seven pairs the interval goes from the smallest to the largest.
        assert (median_ratio(disturbed).low, median_ratio(disturbed).high) == pytest.approx((0.98, 5.0))

    def test_the_interval_covers_the_truth_as_often_as_it_says(self) -> None:
        generator = np.random.default_rng(3)
        intervals = [median_ratio(generator.normal(0.1, 0.05, 13)) for _ in range(200)]
        covered = sum(each.low <= np.exp(0.1) <= each.high for each in intervals)
        assert 0.92 <= covered / 200 <= 1

    def test_too_few_pairs_have_no_interval(self) -> None:
        assert np.isnan(median_ratio(np.log([1.0, 1.1, 1.2, 1.3, 1.4])).low)
        assert not np.isnan(median_ratio(np.log([1.0, 1.1, 1.2, 1.3, 1.4, 1.5])).low)
