"""Where a metric's level changed over a series of runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Fewer runs cannot distinguish a change from noise.
MIN_RUNS = 6
# Least number of runs of a level: a single odd run is not a change.
MIN_LEVEL = 3
# Required improvement of two levels over one, in units of the noise and of the logarithm of the number of runs. With
# this value, at most 5 % of simulated series of 6 to 50 runs without any change (normal, Student's t with 3 degrees of
# freedom, exponential, 10 % outliers) showed one, and 98 % of those with a change by six times the noise.
PENALTY = 2.5
# Lower bound of the noise, as a share of the value, so that rounding is not a change.
MIN_NOISE = 5e-4
# Median absolute deviation of normal noise as a share of its standard deviation.
MAD_OF_NORMAL = 0.6745


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


def levels(values: Sequence[float]) -> list[Level]:
    """Split a series of values, in the order of time, where their level changed.

    PELT (Killick, Fearnhead and Eckley, "Optimal Detection of Changepoints With a Linear Computational Cost", 2012)
    with absolute deviations from the median as cost, which an outlier does not mislead; the penalty is a multiple of
    the noise between neighbours, times the logarithm of the number of values.

    Returns:
        At least one level; just one for fewer than ``MIN_RUNS`` values; none for no values.

    >>> [(level.start, level.median) for level in levels([10.0, 10.1, 9.9, 10.0, 12.1, 12.0, 15.0, 12.0])]
    [(0, 10.0), (4, 12.05)]
    """
    if not values:
        return []
    array = np.asarray(values, dtype=np.float64)
    ends = _ends(array) if len(array) >= MIN_RUNS else [len(array)]
    starts = [0, *ends[:-1]]
    return [
        Level(start=start, stop=stop, median=float(np.median(array[start:stop])))
        for start, stop in zip(starts, ends, strict=True)
    ]


def _ends(values: NDArray[np.float64]) -> list[int]:
    # Importing it takes a second, for which other commands should not wait.
    import ruptures

    penalty = PENALTY * _noise(values) * np.log(len(values))
    search = ruptures.Pelt(model="l1", min_size=MIN_LEVEL, jump=1).fit(values)
    return [int(end) for end in search.predict(pen=penalty)]


def _noise(values: NDArray[np.float64]) -> float:
    """Estimate the standard deviation from neighbours' differences, which a few changes of level hardly affect."""
    steps = np.abs(np.diff(values))
    spread = float(np.median(steps)) / MAD_OF_NORMAL / math.sqrt(2)
    return max(spread, MIN_NOISE * abs(float(np.median(values))), float(np.finfo(np.float64).tiny))
