"""Intervals: they cover the truth as often as they claim, and few images or processes never look like certainty."""

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.coverage import Situation, judge, situations
from ocrbench.metrics.intervals import (
    MIN_IMAGES,
    UNSEEN_LOSS,
    Interval,
    Spread,
    difference_interval,
    median_ratio,
    midmean,
    ratio_over_processes,
    ratio_over_runs,
    score_intervals,
    unseen_share,
)
from ocrbench.records import Tally

SITUATIONS = list(situations())


def chosen(situation: Situation) -> bool:
    """Leave out what takes long to simulate."""
    return situation.size not in ("150", "500") or (situation.size == "150" and "; 4 words" in situation.name)


@pytest.mark.parametrize(
    "situation",
    [each for each in SITUATIONS if chosen(each)],
    ids=lambda each: f"{each.name}, {each.size}, {each.truth:g}",
)
def test_intervals_cover_the_truth(situation: Situation) -> None:
    """A small version of tests/benchmarks/coverage.py; a true 0.95 falls below 0.9 of 200 once in a thousand."""
    row = judge(situation, 200, np.random.default_rng(7))
    if situation.size in ("1", "2", "1+1", "2+1"):
        assert "coverage" not in row, "no verdict from so few"
    else:
        assert float(row["coverage"]) >= 0.9
        assert float(row["wrong_equivalent"]) <= 0.05


@pytest.mark.parametrize("name", ["3 % lost; 4 words an image", "3 % lost; 50 words an image"])
def test_a_true_loss_of_three_percent_is_found_in_150_images(name: str) -> None:
    (situation,) = (each for each in SITUATIONS if (each.name, each.size) == (name, "150"))
    assert float(judge(situation, 200, np.random.default_rng(7))["difference_found"]) >= 0.95


def images(found: Sequence[float], of: float = 10, metric: str = "det_recall") -> list[dict[str, Tally]]:
    return [{metric: Tally(numerator=number, denominator=of)} for number in found]


class TestDifferenceInterval:
    def test_it_is_the_difference_of_ratios_of_sums(self) -> None:
        found = difference_interval(images([5, 7, 9] * 10), images([4, 7, 9] * 10), "det_recall")
        assert found is not None
        interval, _ = found
        assert interval.estimate == pytest.approx(-1 / 30)
        assert (interval.high + interval.low) / 2 == pytest.approx(-1 / 30)

    @pytest.mark.parametrize("number", [3, 20, 400])
    def test_equal_sides_may_differ_in_images_that_were_not_seen(self, number: int) -> None:
        same = images([3] * number)
        found = difference_interval(same, same, "det_recall")
        assert found is not None
        interval, _ = found
        assert interval.estimate == 0
        assert interval.high >= UNSEEN_LOSS * unseen_share(number)
        assert (interval.high < 0.005) == (number == 400)

    def test_words_of_one_image_are_not_independent(self) -> None:
        """The same 20 lost words, in twenty images or in one."""
        before = images([10] * 40, 20)
        spread_out = images([9.5] * 40, 20)
        clustered = images([0, 0, *[10] * 38], 20)
        found = [difference_interval(before, after, "det_recall") for after in (spread_out, clustered)]
        widths = [each[0].half_width for each in found if each is not None]
        assert widths[1] > 1.5 * widths[0]

    def test_without_ground_truth_or_with_few_images_there_is_none(self) -> None:
        assert difference_interval(images([0] * 9, of=0), images([0] * 9, of=0), "det_recall") is None
        assert difference_interval([], [], "det_recall") is None
        few = images([3] * (MIN_IMAGES - 1))
        assert difference_interval(few, few, "det_recall") is None


class TestSpread:
    def test_more_images_narrow_the_interval(self) -> None:
        spread = Spread(variance=0.01, words=4)
        widths = [spread.half_width(number) for number in (3, 10, 100, 1000)]
        assert widths == sorted(widths, reverse=True)

    def test_the_images_needed_are_just_enough(self) -> None:
        spread = Spread(variance=0.01, words=4)
        needed = spread.images_needed(0.02)
        assert needed is not None
        assert spread.half_width(needed) <= 0.02 < spread.half_width(needed - 1)
        assert spread.images_needed(0.0) is None
        assert spread.images_needed(1e-6) is None

    def test_without_any_difference_240_images_settle_the_usual_margin(self) -> None:
        """As the rule of three says: 0.4 × 3 ÷ 240 = 0.005."""
        assert Spread(variance=0, words=50).images_needed(0.005) == pytest.approx(240, abs=5)


def test_a_score_stays_within_its_bounds() -> None:
    found = score_intervals(images([10, 10, 10]), {"det_recall": 1.0}, 3)["det_recall"]
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert found.low < 0.9
    assert score_intervals([], {"det_recall": 1.0}, 0) == {}


def test_a_score_of_a_sample_of_images_has_the_interval_of_all() -> None:
    some = images([3, 5, 8, 6, 7, 9])
    few, many = (score_intervals(some, {"det_recall": 0.6}, every)["det_recall"] for every in (6, 600))
    assert many.half_width < few.half_width / 5


class TestRatios:
    def test_fewer_than_three_processes_have_none(self) -> None:
        assert ratio_over_processes([0.0, 0.01]) is None
        assert ratio_over_processes([0.0, 0.0, 0.0]) == Interval(estimate=1.0, low=1.0, high=1.0)

    def test_a_single_pair_of_runs_has_none_but_repeats_of_one_side_serve_the_other(self) -> None:
        assert ratio_over_runs([0.0], [0.1]) is None
        assert ratio_over_runs([], [0.0] * 5) is None
        found = ratio_over_runs([-0.01, 0.0, 0.01], [0.1])
        assert found is not None
        assert found.low < 1.105 < found.high

    def test_a_higher_level_is_wider(self) -> None:
        usual, wide = ratio_over_processes([0.0, 0.01, 0.02]), ratio_over_processes([0.0, 0.01, 0.02], 0.99)
        assert usual is not None
        assert wide is not None
        assert wide.half_width > 2 * usual.half_width

    def test_a_disturbed_moment_does_not_move_the_midmean(self) -> None:
        assert midmean(np.array([0.0] * 9 + [3.0])) == 0


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
