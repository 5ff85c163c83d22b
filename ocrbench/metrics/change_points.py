"""Where a metric's level changed over a series of runs."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Fewer runs cannot distinguish a change from noise.
MIN_RUNS = 6
# Least number of runs of a level: a single odd run is not a change.
MIN_LEVEL = 3
# Correlations of neighbouring runs under which a series might look like two levels without being any.
CORRELATIONS = (0.0, 0.7)
# Lower bound of the noise, as a share of the value, so that rounding is not a change.
MIN_NOISE = 5e-4
# In a short series, slowly drifting noise looks like a step. Experience decides: runs that spread by less than the
# first share around two levels that differ by more than the second one are more likely to be a change.
QUIET_SPREAD = 0.0155
QUIET_STEP = 0.0375
# Several changes look like correlated noise. Series of at least MIN_WINDOWED runs are therefore also tested in windows
# of WINDOW runs, which start STRIDE runs apart and lie within the NEWEST runs.
WINDOW = 20
STRIDE = 5
NEWEST = 200
MIN_WINDOWED = 25
# By number of runs: the ratio that two levels must exceed in a quiet series and in any other one, that of three levels,
# and that of two levels in a window. A number between two rows takes the values of the row above. Made by
# tests/benchmarks/change_points.py.
CRITICAL = {
    6: (2.960, 4.800, math.inf, math.inf),
    7: (3.260, 5.200, math.inf, math.inf),
    8: (3.120, 4.700, math.inf, math.inf),
    9: (2.860, 4.250, math.inf, math.inf),
    10: (2.720, 3.600, math.inf, math.inf),
    11: (2.620, 2.950, math.inf, math.inf),
    12: (2.596, 2.596, 6.403, math.inf),
    13: (2.427, 2.427, 5.973, math.inf),
    14: (2.298, 2.298, 5.579, math.inf),
    15: (2.196, 2.196, 5.030, math.inf),
    17: (2.040, 2.040, 4.545, math.inf),
    20: (1.822, 1.822, 3.746, math.inf),
    25: (1.732, 1.732, 2.864, 2.205),
    30: (1.565, 1.565, 2.462, 2.246),
    40: (1.462, 1.462, 2.282, 2.312),
    50: (1.470, 1.470, 2.282, 2.700),
    100: (1.216, 1.216, 1.773, 2.911),
    200: (1.113, 1.113, 1.374, 2.911),
}


@dataclass(frozen=True, kw_only=True)
class Level:
    """Consecutive runs between which nothing changed.

    Attributes:
        start: Index of the first run.
        stop: Index after the last run.
        median: Median of their values.
    """

    start: int
    stop: int
    median: float


@dataclass(frozen=True, kw_only=True)
class Fits:
    """Two and three levels fitted to each of several series of the same length.

    Attributes:
        two: Misfit of one level of noise that may be correlated ÷ misfit of two levels.
        three: The same with three levels; 0 if the series is too short for them.
        step: Difference of the two levels, as a share of the first one.
        spread: Standard deviation around the two levels, as a share of the first one.
        split: Index at which the second of two levels starts.
        splits: Indices at which the second and the third of three levels start.
        window: The largest ``two`` of a window; 0 in short series.
        window_split: Index at which the second level of that window starts.
    """

    two: NDArray[np.float64]
    three: NDArray[np.float64]
    step: NDArray[np.float64]
    spread: NDArray[np.float64]
    split: NDArray[np.intp]
    splits: NDArray[np.intp]
    window: NDArray[np.float64]
    window_split: NDArray[np.intp]


def levels(values: Sequence[float | None]) -> list[Level]:
    """Split a series of values, in the order of time, where their level changed.

    A ratio of likelihoods decides: how much better do two levels with independent normal noise fit than one level whose
    noise may be correlated (autoregressive, of order one)? Its critical values were simulated such that at most 5 % of
    series without a change show one, in each family of noise (see ``tests/benchmarks/change_points.py``). Three levels,
    and windows of long series, are tried as well, because several changes can hide each other. Each part of a split
    series is tested again (binary segmentation).

    Args:
        values: Values of the runs. NaN, infinities and None belong to the level around them, and do not count.

    Returns:
        At least one level; just one for fewer than ``MIN_RUNS`` values; none for no values.

    >>> [(level.start, level.median) for level in levels([10.0, 10.1, 9.9, 10.0, 12.1, 12.0, 12.0, 12.2])]
    [(0, 10.0), (4, 12.05)]
    """
    array = np.asarray(values, dtype=np.float64)
    places = np.flatnonzero(np.isfinite(array))
    if not len(places):
        return []
    known = array[places]
    inner = _splits(known)
    starts, stops = [0, *inner], [*inner, len(known)]
    edges = [0, *(int(places[index]) for index in inner), len(array)]
    return [
        Level(start=edges[number], stop=edges[number + 1], median=float(np.median(known[start:stop])))
        for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]


def fit(series: NDArray[np.float64]) -> Fits:
    """Fit levels to series of the same length, one per row."""
    count = series.shape[1]
    middle = np.median(series, axis=1, keepdims=True)
    # The largest value becomes 1, so that squares neither overflow nor vanish.
    unit = np.maximum(np.abs(series).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    centred = (series - middle) / unit
    floor = count * (MIN_NOISE * np.maximum(np.abs(middle / unit)[:, 0], np.finfo(np.float64).eps)) ** 2
    one = np.min([_misfit(centred, correlation) for correlation in CORRELATIONS], axis=0)
    costs = _costs(centred)
    rows = np.arange(len(series))
    two = costs[:, 0, :] + costs[:, :, count]
    split = two.argmin(axis=1)
    # Of each end of the second level, the best first two levels.
    pairs = costs[:, 0, :, None] + costs
    inner = pairs.argmin(axis=1)
    three = pairs.min(axis=1) + costs[:, :, count]
    last = three.argmin(axis=1)
    before = np.where(np.arange(count) < split[:, None], series, 0).sum(axis=1) / split
    after = np.where(np.arange(count) >= split[:, None], series, 0).sum(axis=1) / (count - split)
    size = np.maximum(np.abs(before), np.finfo(np.float64).tiny)
    within = np.maximum(two[rows, split], floor)
    window, window_split = _in_windows(series)
    return Fits(
        two=one / within,
        three=one / np.maximum(three[rows, last], floor),
        step=np.abs(after - before) / size,
        spread=np.sqrt(within / (count - 2)) * unit[:, 0] / size,
        split=split,
        splits=np.stack([inner[rows, last], last], axis=1),
        window=window,
        window_split=window_split,
    )


def is_quiet(fits: Fits) -> NDArray[np.bool_]:
    """Return which series have a clear step between quiet runs."""
    return (fits.spread < QUIET_SPREAD) & (fits.step > QUIET_STEP)


def accepted(fits: Fits, count: int) -> NDArray[np.bool_]:
    """Return which series of ``count`` runs have two levels (row 0), three (row 1), or two in a window (row 2)."""
    quiet, other, three, window = CRITICAL[_row(count)]
    two = fits.two > np.where(is_quiet(fits), quiet, other)
    return np.stack([two, fits.three > three, fits.window > window])


def _splits(values: NDArray[np.float64]) -> list[int]:
    """Return where levels begin, but for the first one."""
    count = len(values)
    if count < MIN_RUNS:
        return []
    fits = fit(values[None])
    two, three, window = accepted(fits, count)[:, 0]
    if two:
        found = [int(fits.split[0])]
    elif three:
        found = [int(split) for split in fits.splits[0]]
    elif window:
        found = [int(fits.window_split[0])]
    else:
        return []
    starts, stops = [0, *found], [*found, count]
    parts = [
        [start, *(start + split for split in _splits(values[start:stop]))]
        for start, stop in zip(starts, stops, strict=True)
    ]
    return [start for part in parts for start in part][1:]


def _in_windows(series: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the largest ratio of two levels in a window, and where the second of them starts."""
    count = series.shape[1]
    if count < MIN_WINDOWED:
        return np.zeros(len(series)), np.zeros(len(series), dtype=np.intp)
    starts = [*range(max(0, count - NEWEST), count - WINDOW, STRIDE), count - WINDOW]
    fits = [fit(series[:, start : start + WINDOW]) for start in starts]
    ratios = np.stack([each.two for each in fits])
    splits = np.stack([start + each.split for start, each in zip(starts, fits, strict=True)])
    best, columns = ratios.argmax(axis=0), np.arange(len(series))
    return ratios[best, columns], splits[best, columns]


def _row(count: int) -> int:
    rows = sorted(CRITICAL)
    return rows[bisect_right(rows, count) - 1]


def _misfit(series: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """Return each series' squared distance from one level, comparable between correlations.

    It is the restricted likelihood of normal noise of any size, to the power of -2 ÷ (count - 1).
    """
    count = series.shape[1]
    whitened = _whiten(series, correlation)
    level = _whiten(np.ones((1, count)), correlation)[0]
    weight = float(level @ level)
    left: NDArray[np.float64] = (whitened**2).sum(axis=1) - (whitened @ level) ** 2 / weight
    scale: float = (1 - correlation**2) * float((weight / count) ** (1 / (count - 1)))
    return np.asarray(np.maximum(left, 0) * scale, dtype=np.float64)


def _whiten(series: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    rest = (series[:, 1:] - correlation * series[:, :-1]) / np.sqrt(1 - correlation**2)
    return np.concatenate([series[:, :1], rest], axis=1)


def _costs(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared distances from the mean of ``series[:, i:j]`` at ``[:, i, j]``; infinite if too short."""
    zeros = np.zeros((len(series), 1))
    sums = np.concatenate([zeros, np.cumsum(series, axis=1)], axis=1)
    squares = np.concatenate([zeros, np.cumsum(series**2, axis=1)], axis=1)
    places = np.arange(series.shape[1] + 1)
    lengths = places[None, :] - places[:, None]
    long = lengths >= MIN_LEVEL
    means = (sums[:, None, :] - sums[:, :, None]) ** 2 / np.where(long, lengths, 1)
    costs: NDArray[np.float64] = np.where(long, squares[:, None, :] - squares[:, :, None] - means, np.inf)
    return np.maximum(costs, 0, out=costs)
