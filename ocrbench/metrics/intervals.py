"""95 % intervals of differences: of times over processes, and of scores over images.

Times: each process gives one number, and Student's t does the rest. Two measurements in one process share its memory
layout and its moment, so they are not independent, however many there are; processes are. The resampling of images
within processes that this replaced covered 0.53 to 0.94 of simulated truths with up to three processes
(``tests/benchmarks/coverage.py``).

Scores: the images are a sample of those that users have. The variance is that of a ratio of sums, by images
(linearisation; Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, section 5.6), so words of one
image need not be independent. Two things keep it from vanishing where few images differ, or none:

- One word more that only A reads right, and one that only B does (after Agresti and Min, "Effects and non-effects of
  paired identical observations in comparing proportions with binary matched-pairs data", 2004).
- Images of a kind that is not in the sample. If none of n images lost words, a share of 1 - 0.05^(1/n) of all images
  may still do so (about 3/n, the rule of three: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all
  right?", 1983). Such an image is taken to lose ``UNSEEN_LOSS`` of its words.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ocrbench.metrics.scoring import METRICS, to_scores, total, value
from ocrbench.records import Score, Tally

if TYPE_CHECKING:
    import pandas as pd


LEVEL = 0.95
# Fewer images say nothing about others.
MIN_IMAGES = 3
# Fewer processes say nothing about the next one.
MIN_PROCESSES = 3
# Share of its words that an image of an unseen kind loses, at most.
UNSEEN_LOSS = 0.4
# The greatest number of images that is worth naming as enough.
MOST_IMAGES = 100_000
RESAMPLES = 1000
QUANTILES = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
# What follows a metric's name in that of half its interval's width.
HALF_WIDTH = "_pm"
Row = Mapping[str, str | float | None]
Against = Literal["within", "undecided", "beyond"]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float

    def map(self, function: Callable[[float], float]) -> "Interval":
        """Apply an increasing function to all three numbers."""
        return Interval(estimate=function(self.estimate), low=function(self.low), high=function(self.high))

    def negated(self) -> "Interval":
        """Return the same difference seen from the other side."""
        return Interval(estimate=-self.estimate, low=-self.high, high=-self.low)

    def against(self, limit: float) -> Against:
        """Hold a loss against the greatest one that is allowed: the rule for every limit.

        Returns:
            ``within`` or ``beyond`` where the whole interval is, else ``undecided``.

        >>> Interval(estimate=0.004, low=0.001, high=0.007).against(0.005)
        'undecided'
        """
        if self.low > limit:
            return "beyond"
        return "within" if self.high <= limit else "undecided"

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How much a score, or a difference of scores, varies with the choice of images.

    Attributes:
        variance: Variance of the images' contributions, relative to the mean number of words.
        words: Mean number of words per image.
    """

    variance: float
    words: float

    def half_width(self, images: int) -> float:
        """Return half the width of the interval over a number of images."""
        pseudo_words = 2 / (self.words * images) ** 2
        sampling = student_t(images - 1) * math.sqrt(self.variance / images + pseudo_words)
        return math.hypot(sampling, UNSEEN_LOSS * unseen_share(images))

    def images_needed(self, half_width: float) -> int | None:
        """Return the least number of images for an interval of this half-width; None beyond ``MOST_IMAGES``."""
        if half_width <= 0 or self.half_width(MOST_IMAGES) > half_width:
            return None
        low, high = MIN_IMAGES - 1, MOST_IMAGES
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.half_width(middle) <= half_width else (middle, high)
        return high

    def settling(self, half_width: float) -> str:
        """Say in words how many images give an interval of this half-width."""
        needed = self.images_needed(half_width)
        return f"more than {MOST_IMAGES} images" if needed is None else f"about {needed} images"


def unseen_share(images: int) -> float:
    """Return the share of images that may be of a kind of which none is among so many, with a confidence of 95 %.

    >>> round(unseen_share(10), 3), round(unseen_share(300), 4)
    (0.259, 0.0099)
    """
    return float(1 - (1 - LEVEL) ** (1 / images))


def scores_of(images: Sequence[Mapping[str, Tally]]) -> list[Score]:
    """Score a dataset from the tallies of its images: each metric, and half the width of its interval."""
    scores = to_scores(total(images))
    found = []
    for score in scores:
        spread = _spread([images], score.metric)
        if spread is not None:
            half = spread.half_width(len(images))
            found.append(replace(score, metric=f"{score.metric}{HALF_WIDTH}", value=half, higher_is_better=False))
    return [*scores, *found]


def score_intervals(
    images: Sequence[Mapping[str, Tally]], values: Mapping[str, float], every: int
) -> dict[str, Interval]:
    """Estimate the intervals of one side's scores.

    Args:
        images: Tallies of each image, or of a sample of those that were scored.
        values: Metric → score over all images.
        every: Number of all images.

    Returns:
        Metric → interval around its score; nothing for fewer than ``MIN_IMAGES`` images.
    """
    found = {}
    for name, score in values.items():
        spread = _spread([images], name) if images else None
        if spread is not None:
            half = spread.half_width(max(every, len(images)))
            # An error rate can exceed 1.
            most = 1.0 if METRICS[name].higher_is_better else math.inf
            found[name] = Interval(estimate=score, low=max(0.0, score - half), high=min(most, score + half))
    return found


def difference_interval(
    before: Sequence[Mapping[str, Tally]], after: Sequence[Mapping[str, Tally]], name: str
) -> tuple[Interval, Spread] | None:
    """Estimate the difference of a metric, B minus A, over the images that both sides scored.

    Args:
        before: Tallies of each image on side A.
        after: Tallies of the same images on side B.
        name: Metric.

    Returns:
        The difference with its interval, and its spread; None if the metric is undefined, or there are fewer than
        ``MIN_IMAGES`` images.
    """
    spread = _spread([before, after], name)
    one, other = (value(name, total(side)) for side in (before, after))
    if spread is None or one is None or other is None:
        return None
    estimate, half = other - one, spread.half_width(len(before))
    return Interval(estimate=estimate, low=estimate - half, high=estimate + half), spread


def _spread(sides: Sequence[Sequence[Mapping[str, Tally]]], name: str) -> Spread | None:
    images = len(sides[0])
    metric = METRICS[name]
    counted = metric.words or metric.recall or name
    words = min(sum(image[counted].denominator for image in side) for side in sides)
    if images < MIN_IMAGES or not words:
        return None
    shares = [_contributions(side, name) for side in sides]
    contributions = shares[-1] - shares[0] if len(shares) > 1 else shares[0]
    return Spread(variance=images * float(contributions @ contributions) * images / (images - 1), words=words / images)


def _contributions(images: Sequence[Mapping[str, Tally]], name: str) -> NDArray[np.float64]:
    """Return by how much each image moves the ratio of sums, in the first order."""
    counts = np.array([(image[name].numerator, image[name].denominator) for image in images], dtype=np.float64)
    numerator, denominator = counts.sum(axis=0)
    if not denominator:
        return np.zeros(len(counts))
    return np.asarray((counts[:, 0] - numerator / denominator * counts[:, 1]) / denominator, dtype=np.float64)


def ratio_over_processes(log_ratios: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Estimate B ÷ A from processes that measured both in turns.

    Args:
        log_ratios: Natural logarithm of B's time over A's, one number per process; or per image, for an interval over
            images.
        level: Confidence level.

    Returns:
        The geometric mean with the interval of Student's t; None for fewer than ``MIN_PROCESSES`` processes.
    """
    values = np.asarray(log_ratios, dtype=np.float64)
    if len(values) < MIN_PROCESSES:
        return None
    half = student_t(len(values) - 1, level) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return _ratio(float(values.mean()), half)


def ratio_over_runs(before: Sequence[float], after: Sequence[float]) -> Interval | None:
    """Estimate B ÷ A from separate runs, each in a process and at a time of its own.

    Args:
        before: Natural logarithm of A's value in each run.
        after: The same of B.

    Returns:
        The ratio of geometric means with the interval of the two-sample t-test, whose spread is that of both sides
        together; None if there are not two repeated runs at least (``MIN_PROCESSES`` + 1 runs in all).
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (before, after)]
    freedom = len(before) + len(after) - 2
    if not before or not after or freedom < MIN_PROCESSES - 1:
        return None
    squares = sum(float(((side - side.mean()) ** 2).sum()) for side in sides)
    error = math.sqrt(squares / freedom * (1 / len(before) + 1 / len(after)))
    return _ratio(float(sides[1].mean() - sides[0].mean()), student_t(freedom) * error)


def median_ratio(log_ratios: NDArray[np.float64]) -> Interval:
    """Estimate a ratio by the median of independent pairs of turns, which a disturbed turn does not affect.

    Args:
        log_ratios: Natural logarithm of each pair's ratio.

    Returns:
        The estimate with the exact interval of the sign test (Conover, "Practical Nonparametric Statistics", 1999,
        section 3.2), which needs six pairs and is NaN with fewer.
    """
    # Importing it takes a third of a second.
    from scipy.stats import quantile_test

    low, high = quantile_test(log_ratios, p=0.5).confidence_interval(LEVEL)
    interval = Interval(estimate=float(np.median(log_ratios)), low=float(low), high=float(high))
    return interval.map(lambda value: float(np.exp(value)))


def midmean(values: NDArray[np.float64]) -> float:
    """Average the middle half of the values: leave out a quarter, rounded down, at each end.

    It excludes moments in which something else ran, as the median does, but varies less.

    >>> midmean(np.array([1.0, 2.0, 4.0, 100.0]))
    3.0
    """
    cut = len(values) // 4
    return float(np.sort(values)[cut : len(values) - cut].mean())


def student_t(freedom: int, level: float = LEVEL) -> float:
    """Return the quantile of Student's t that bounds a two-sided interval.

    >>> round(student_t(2), 2), round(student_t(100), 2)
    (4.3, 1.98)
    """
    # Nothing else that a run imports needs SciPy, which takes long to import.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def _ratio(centre: float, half: float) -> Interval:
    return Interval(estimate=centre, low=centre - half, high=centre + half).map(math.exp)


def latency_intervals(timed: "pd.DataFrame", row: Row) -> dict[str, Interval]:
    """Estimate the intervals of the median and of the mean latency from the median of each image.

    That of the median resamples images; that of the mean is Student's t.

    Args:
        timed: Measured times, one row per image and repetition.
        row: Row of the wide table.

    Returns:
        Column → interval in milliseconds, around the table's value; nothing for too few images.
    """
    median, mean = row["latency_p50_ms"], row["latency_mean_ms"]
    per_image = np.sort(timed.groupby("sample_id")["latency_ns"].median().to_numpy(float)) / 1e6
    if not isinstance(median, float) or not isinstance(mean, float) or len(per_image) < MIN_IMAGES:
        return {}
    reached = resampled(len(per_image)).cumsum(axis=1) >= len(per_image) / 2
    low, high = np.quantile(per_image[reached.argmax(axis=1)], QUANTILES) / np.median(per_image) * median
    half = student_t(len(per_image) - 1) * float(per_image.std(ddof=1)) / math.sqrt(len(per_image))
    return {
        "latency_p50_ms": Interval(estimate=median, low=min(float(low), median), high=max(float(high), median)),
        "latency_mean_ms": Interval(estimate=mean, low=max(0.0, mean - half), high=mean + half),
    }


@functools.lru_cache(maxsize=32)
def resampled(images: int) -> NDArray[np.float64]:
    """Draw the weight of each image in each resample: (resamples, images)."""
    generator = np.random.default_rng(0)
    return generator.multinomial(images, np.full(images, 1 / images), size=RESAMPLES).astype(np.float64)
