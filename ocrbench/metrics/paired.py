"""Differences between two sides that measured the same images, with bootstrap intervals.

Times are compared by a hierarchical bootstrap (Davison and Hinkley, "Bootstrap Methods and their Application", 1997,
section 3.8): processes are drawn with replacement, then blocks within each process, then images within each block, so
that differences between processes and drift between blocks widen the interval. The processes' effects
are rescaled first, so that their variance is the estimated one (Carpenter, Goldstein and Rasbash, "A novel bootstrap
procedure for assessing the relationship between class size and achievement", 2003). Each image's ratio is taken within
one pair of blocks, seconds apart, so that the machine's slow drift cancels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrbench.records import Tally

LEVEL = 0.95
RESAMPLES = 2000
# Fewer images say nothing about others.
MIN_IMAGES = 3
# Distance of the fences from the quartiles, in interquartile ranges.
FENCE = 1.5
# Number of resamples drawn at once, which limits the memory.
CHUNK = 100
# A process → its pairs of blocks → the natural logarithm of B's time over A's, per image.
LogRatios = Sequence[Sequence[NDArray[np.float64]]]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float

    def map(self, function: Callable[[float], float]) -> "Interval":
        """Apply an increasing function to all three numbers."""
        return Interval(estimate=function(self.estimate), low=function(self.low), high=function(self.high))

    def widened(self, factor: float) -> "Interval":
        """Widen a ratio's interval on the scale of its logarithm, on which it is nearly symmetric."""
        low, high = (self.estimate * (end / self.estimate) ** factor for end in (self.low, self.high))
        return Interval(estimate=self.estimate, low=low, high=high)

    def negated(self) -> "Interval":
        """Return the same difference seen from the other side."""
        return Interval(estimate=-self.estimate, low=-self.high, high=-self.low)

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2


def ratio_interval(log_ratios: LogRatios, seed: int = 0) -> Interval:
    """Estimate B ÷ A: the geometric mean over processes of each process's midmean ratio.

    The midmean, which is the mean of the middle half, excludes moments in which something else ran, as the median does,
    but varies less. The mean over processes gives each of them the same weight.

    Args:
        log_ratios: At least one process with at least one block; blocks may differ in length.
        seed: Seed of the resampling.
    """
    generator = np.random.default_rng(seed)
    fenced = [_fenced(blocks) for blocks in log_ratios]
    centres = np.array([float(midmean(np.concatenate(blocks))) for blocks in fenced])
    centre = float(centres.mean())
    resampler = _Resampler(fenced)
    drawn = [resampler.draw(CHUNK, generator) for _ in range(RESAMPLES // CHUNK)]
    processes, redrawn = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    within = redrawn - centres[processes]
    between_share = _between_share(centres, within)
    effects = _reflated(centres - centre, between_share)
    estimates = centre + (effects[processes] + within).mean(axis=1)
    low, high = np.quantile(estimates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    widened = _small_sample_factor(len(centres), between_share)
    interval = Interval(estimate=centre, low=centre - (centre - low) * widened, high=centre + (high - centre) * widened)
    return interval.map(lambda value: float(np.exp(value)))


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


def _fenced(blocks: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Pull values outside a process's fences back to them (Tukey, "Exploratory Data Analysis", 1977, section 2D).

    This does not change the midmean, but prevents a few extreme ratios from widening the interval without bound.
    """
    low, high = np.quantile(np.concatenate(list(blocks)), [0.25, 0.75])
    reach = FENCE * (high - low)
    return [np.clip(block, low - reach, high + reach) for block in blocks]


def midmean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average the middle half of the values along the last axis; leave out a quarter, rounded down, at each end.

    Args:
        values: Values; NaN does not count.

    >>> midmean(np.array([[1.0, 2.0, 4.0, 100.0, np.nan], [1.0, np.nan, np.nan, np.nan, 3.0]]))
    array([3., 2.])
    """
    ordered = np.sort(values, axis=-1)
    counts = np.sum(~np.isnan(ordered), axis=-1, keepdims=True)
    ranks = np.arange(values.shape[-1])
    middle = (ranks >= counts // 4) & (ranks < counts - counts // 4)
    return np.asarray(np.where(middle, ordered, 0.0).sum(axis=-1) / middle.sum(axis=-1), dtype=np.float64)


def _between_share(centres: NDArray[np.float64], within: NDArray[np.float64]) -> float:
    """Estimate the share of the variance of the processes' midmeans that is due to the processes themselves.

    The rest arises because each midmean comes from a few images. Drawing both processes and images would count it
    twice.
    """
    observed = float(centres.var(ddof=1)) if len(centres) > 1 else 0.0
    return max(0.0, 1 - float(within.var()) / observed) if observed else 0.0


def _reflated(effects: NDArray[np.float64], between_share: float) -> NDArray[np.float64]:
    """Scale the processes' effects to their own variance, and correct for the n / (n - 1) that drawing loses."""
    processes = len(effects)
    return effects * np.sqrt(between_share * processes / (processes - 1)) if processes > 1 else effects * 0.0


def _small_sample_factor(processes: int, between_share: float) -> float:
    """Widen by Student's t over the normal quantile, with Satterthwaite's degrees of freedom (1946).

    Only the part of the variance that is due to the few processes has few degrees of freedom.

    >>> _small_sample_factor(3, 0.0), round(_small_sample_factor(3, 1.0), 1)
    (1.0, 2.2)
    """
    if processes < 2 or not between_share:
        return 1.0
    # Nothing else that a run imports needs SciPy, which takes long to import.
    from scipy.special import ndtri, stdtrit

    quantile = (1 + LEVEL) / 2
    return float(stdtrit((processes - 1) / between_share**2, quantile) / ndtri(quantile))


def difference_interval(
    before: Sequence[Mapping[str, Tally]],
    after: Sequence[Mapping[str, Tally]],
    value: Callable[[Mapping[str, Tally]], float | None],
    seed: int = 0,
) -> Interval | None:
    """Estimate the difference of a metric by a bootstrap over the images that both sides scored.

    Args:
        before: Tallies of each image on side A.
        after: Tallies of the same images on side B.
        value: Function that divides summed tallies; None if the metric is undefined.
        seed: Seed of the resampling.

    Returns:
        B minus A; None if the metric is undefined, or there are fewer than ``MIN_IMAGES`` images.
    """
    if len(before) < MIN_IMAGES:
        return None
    names = sorted(before[0])
    sides = _matrix(before, names), _matrix(after, names)

    def differences(weights: NDArray[np.float64]) -> list[float]:
        sums = (np.tensordot(weights, side, axes=1) for side in sides)
        values = ([value(_Totals(names, one)) for one in side] for side in sums)
        return [other - one for one, other in zip(*values, strict=True) if one is not None and other is not None]

    estimate = differences(np.ones((1, len(before))))
    if not estimate:
        return None
    generator = np.random.default_rng(seed)
    drawn = [each for _ in range(RESAMPLES // CHUNK) for each in differences(_weights(len(before), generator))]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(estimate=estimate[0], low=float(low), high=float(high))


def blocks_needed(done: int, half_width: float, margin: float) -> int:
    """Predict the number of blocks that narrows an interval to a margin: the width falls with the square root.

    >>> blocks_needed(10, 0.06, 0.03)
    40
    """
    return max(done, int(np.ceil(done * (half_width / margin) ** 2)))


class _Resampler:
    """Resampling of processes, blocks and images with replacement, many resamples at once."""

    def __init__(self, log_ratios: LogRatios) -> None:
        self._blocks = np.array([len(blocks) for blocks in log_ratios])
        longest = max(len(block) for blocks in log_ratios for block in blocks)
        shape = (len(log_ratios), self._blocks.max(), longest)
        self._images, self._values = np.ones(shape[:2], dtype=int), np.zeros(shape)
        for process, blocks in enumerate(log_ratios):
            for number, block in enumerate(blocks):
                self._images[process, number] = len(block)
                self._values[process, number, : len(block)] = block

    def draw(self, resamples: int, generator: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the drawn processes of each resample, and the midmean of the log ratios drawn from each of them."""
        processes, most_blocks, most_images = self._values.shape
        drawn = generator.integers(processes, size=(resamples, processes))
        wanted = self._blocks[drawn][..., np.newaxis]
        blocks = (generator.random((resamples, processes, most_blocks)) * wanted).astype(int)
        lengths = self._images[drawn[..., np.newaxis], blocks][..., np.newaxis]
        images = (generator.random((resamples, processes, most_blocks, most_images)) * lengths).astype(int)
        values = self._values[drawn[..., np.newaxis, np.newaxis], blocks[..., np.newaxis], images]
        # A resample has as many blocks and images as there are; the rest of the array does not count.
        beyond = np.arange(most_blocks) >= wanted
        values[beyond[..., np.newaxis] | (np.arange(most_images) >= lengths)] = np.nan
        return drawn, midmean(values.reshape(resamples, processes, -1))


def _matrix(images: Sequence[Mapping[str, Tally]], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[(each[name].numerator, each[name].denominator) for name in names] for each in images])


def _weights(images: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw images with replacement: how often each is in each of ``CHUNK`` resamples."""
    drawn = generator.integers(images, size=(CHUNK, images)) + images * np.arange(CHUNK)[:, np.newaxis]
    return np.bincount(drawn.ravel(), minlength=CHUNK * images).reshape(CHUNK, images).astype(np.float64)


class _Totals(Mapping[str, Tally]):
    """Summed tallies, of which a metric looks up one or two."""

    def __init__(self, names: Sequence[str], sums: NDArray[np.float64]) -> None:
        self._names, self._sums = names, sums

    def __getitem__(self, name: str) -> Tally:
        numerator, denominator = self._sums[self._names.index(name)].tolist()
        return Tally(numerator=numerator, denominator=denominator)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
