"""95 % intervals of one run's numbers by a bootstrap over images: what other choices of images would give.

The same weights serve every run with as many images, so that runs can be held against each other.
"""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ocrbench.metrics.intervals import LEVEL, MIN_IMAGES, Interval

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 1000
QUANTILES = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
Row = Mapping[str, str | float | None]


def latency_interval(steady: "pd.DataFrame", row: Row) -> Interval | None:
    """Estimate the median latency's interval from the median of each image.

    Args:
        steady: Measured times, one row per image and repetition.
        row: Row of the wide table.

    Returns:
        The interval in milliseconds, around the table's value; None if there are too few images.
    """
    value = row["latency_p50_ms"]
    per_image = np.sort(steady.groupby("sample_id")["latency_ns"].median().to_numpy(float)) / 1e6
    if not isinstance(value, float) or len(per_image) < MIN_IMAGES:
        return None
    reached = resampled(len(per_image)).cumsum(axis=1) >= len(per_image) / 2
    medians = per_image[reached.argmax(axis=1)]
    low, high = np.quantile(medians, QUANTILES) / np.median(per_image) * value
    return Interval(estimate=value, low=min(float(low), value), high=max(float(high), value))


@functools.lru_cache(maxsize=32)
def resampled(images: int) -> NDArray[np.float64]:
    """Draw the weight of each image in each resample: (resamples, images)."""
    generator = np.random.default_rng(0)
    return generator.multinomial(images, np.full(images, 1 / images), size=RESAMPLES).astype(np.float64)
