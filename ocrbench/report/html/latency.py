"""Latencies: their distribution, the share of each stage, and the cost per image and per word."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ocrbench.metrics.intervals import Interval, resampled
from ocrbench.report.html.groups import groups_of
from ocrbench.report.html.model import Report
from ocrbench.runs.run import Run

# Numbers of points that a diagram can show in a curve and in a cloud.
LEVELS, POINTS = 101, 150
# Stage → its parts, in nanoseconds: a column, and the columns within it that are shown separately.
STAGES = (
    ("detect: network", "detect_infer_ns", ()),
    ("detect: before and after", "detect_ns", ("detect_infer_ns",)),
    ("crop", "crop_ns", ()),
    ("recognize: network", "recognize_infer_ns", ()),
    ("recognize: before and after", "recognize_ns", ("recognize_infer_ns",)),
    ("the rest", "latency_ns", ("detect_ns", "crop_ns", "recognize_ns")),
)
NANOSECONDS = 1e6


def build(report: Report) -> Mapping[str, Any]:
    """Compute the curves of every finished run."""
    return {
        "stages": [name for name, _, _ in STAGES],
        "groups": [group.plain() for group in groups_of(report.runs)],
        "runs": [{"run": i, **_of_run(run)} for i, run in enumerate(report.runs) if run.ok and len(run.timed)],
    }


def _of_run(run: Run) -> dict[str, Any]:
    timed = run.timed
    latencies = timed["latency_ns"].to_numpy(float) / NANOSECONDS
    levels = np.linspace(0, 1, min(LEVELS, len(latencies)))
    images = per_image(timed)
    return {
        "times": len(latencies),
        "max_ms": _short(latencies.max()),
        "levels": [_short(level) for level in levels],
        "quantiles_ms": [_short(value) for value in np.quantile(latencies, levels)],
        "stages_ms": [_short(value) for value in _stages(timed)],
        "points": [[int(words), _short(value)] for words, value in _thinned(images)],
        "cost": cost(images),
    }


def per_image(timed: pd.DataFrame) -> NDArray[np.float64]:
    """Return one row per image: words found, median latency in ms."""
    medians = timed.groupby("sample_id")[["regions", "latency_ns"]].median()
    return np.column_stack([medians["regions"], medians["latency_ns"] / NANOSECONDS])


def cost(images: NDArray[np.float64]) -> dict[str, Any] | None:
    """Fit latency = fixed + per word × words by least squares over images, with intervals by a bootstrap over them.

    Args:
        images: One row per image: words, milliseconds.

    Returns:
        The fit; None for fewer than three images, or if all have the same number of words.
    """
    if len(images) < 3 or np.ptp(images[:, 0]) == 0:
        return None
    fixed, per_word = _line(images, np.ones((1, len(images))))
    drawn = _line(images, resampled(len(images)))
    centred = images[:, 1] - images[:, 1].mean()
    rest = images[:, 1] - fixed[0] - per_word[0] * images[:, 0]
    return {
        "fixed_ms": _interval(fixed[0], drawn[0]),
        "per_word_ms": _interval(per_word[0], drawn[1]),
        "explained": _short(1 - (rest @ rest) / (centred @ centred)) if centred.any() else None,
    }


def _line(images: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a line for each row of weights: (intercepts, slopes); a draw without two different x has no slope."""
    x, y = images.T
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    spread = weights @ (x * x) / total - mean_x**2
    shared = weights @ (x * y) / total - mean_x * mean_y
    known = spread > 1e-9
    slope = np.divide(shared, spread, out=np.zeros_like(shared), where=known)[known]
    return mean_y[known] - slope * mean_x[known], slope


def _interval(estimate: float, drawn: NDArray[np.float64]) -> list[float]:
    low, high = np.quantile(drawn, (0.025, 0.975))
    interval = Interval(estimate=float(estimate), low=float(low), high=float(high))
    return [_short(interval.estimate), _short(interval.low), _short(interval.high)]


def _stages(timed: pd.DataFrame) -> list[float]:
    means = timed[[name for name in timed.columns if name.endswith("_ns")]].mean() / NANOSECONDS
    # The residual may be zero, or a rounding error below it.
    return [max(0.0, float(means[whole] - sum(means[part] for part in parts))) for _, whole, parts in STAGES]


def _thinned(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep as many images as a diagram can show, evenly over their numbers of words."""
    if len(images) <= POINTS:
        return images
    ordered = images[np.argsort(images[:, 0], kind="stable")]
    return np.take(ordered, np.linspace(0, len(images) - 1, POINTS).round().astype(int), axis=0)


def _short(value: float) -> float:
    """Round to four digits: a diagram shows no more.

    >>> _short(123.456), _short(0.0012345)
    (123.5, 0.001234)
    """
    return float(f"{value:.4g}")
