"""Latency and throughput from raw times in nanoseconds."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ocrbench.records import Score

PERCENTILES = (50, 90, 99)
MEDIAN = 50


def duration_scores(durations_ns: Sequence[int] | NDArray[np.integer], *, name: str, stage: str) -> list[Score]:
    """Summarise durations as mean, p50, p90 and p99 in milliseconds; no scores without durations.

    A percentile is left out where it would be an extrapolation: p90 below 10 durations, p99 below 100.

    Percentiles interpolate linearly between the two nearest order statistics: numpy's ``linear``, type 7 of
    Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996).

    Args:
        durations_ns: Durations, one per measurement, in any order.
        name: Name of the duration: ``latency`` gives ``latency_mean_ms``, ``latency_p50_ms`` and so on.
        stage: Stage of the scores.

    >>> [(s.metric, s.value) for s in duration_scores([1_000_000, 3_000_000], name="crop", stage="crop")][:2]
    [('crop_mean_ms', 2.0), ('crop_p50_ms', 2.0)]
    """
    if not len(durations_ns):
        return []
    durations_ms = np.asarray(durations_ns, dtype=np.float64) / 1e6
    values = {"mean": durations_ms.mean()} | {
        f"p{percentile}": np.percentile(durations_ms, percentile, method="linear")
        for percentile in PERCENTILES
        if percentile == MEDIAN or len(durations_ms) * (100 - percentile) >= 100
    }
    return [
        Score(
            stage=stage,
            metric=f"{name}_{statistic}_ms",
            value=float(value),
            unit="ms",
            higher_is_better=False,
            n=len(durations_ms),
        )
        for statistic, value in values.items()
    ]


def throughput_scores(image_count: int, wall_ns: int, metric: str = "throughput_ips") -> list[Score]:
    """Return images per second of wall time, never the inverse of a latency; no score without images or time.

    >>> throughput_scores(30, 2_000_000_000)[0].value
    15.0
    """
    if not image_count or not wall_ns:
        return []
    return [
        Score(
            stage="end_to_end",
            metric=metric,
            value=image_count / (wall_ns / 1e9),
            unit="images/s",
            higher_is_better=True,
            n=image_count,
        )
    ]


def drift(repeats: Iterable[tuple[str, int]]) -> float | None:
    """Compare each image's last time with its first: the median ratio over images, above 1 if it got slower.

    Args:
        repeats: (image, duration) pairs in the order of measuring; images measured once do not count.

    Returns:
        The ratio; None if no image was repeated.

    >>> drift([("a", 100), ("b", 10), ("c", 5), ("a", 110), ("b", 12), ("a", 120)])
    1.2
    """
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for image, duration in repeats:
        if image in first:
            last[image] = duration
        first.setdefault(image, duration)
    ratios = [last[image] / first[image] for image in last]
    return float(np.median(ratios)) if ratios else None
