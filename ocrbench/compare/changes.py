"""From paired measurements to changes, metric by metric."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ocrbench.compare.flips import Found, find_flips
from ocrbench.compare.verdict import ACCURACY_MARGIN, Change
from ocrbench.config.schema import Scoring
from ocrbench.metrics.intervals import MIN_IMAGES, MIN_PROCESSES, Interval, difference_interval
from ocrbench.metrics.scoring import METRICS, tallies, total, value
from ocrbench.records import Tally

MEAN, WARM = "latency_mean_ms", "warm_latency_p50_ms"
# Column of the tables → field of the stage times.
FIRST_TIMES = {
    "latency_p50_ms": "latency_ns",
    MEAN: "latency_ns",
    "detect_p50_ms": "detect_ns",
    "recognize_p50_ms": "recognize_ns",
}
TIMES = {**FIRST_TIMES, WARM: "latency_ns"}
# Fewer have no 99th percentile.
TAIL_TIMES = 100
FEW_PROCESSES = f"a verdict needs {MIN_PROCESSES} processes"
Flipped = tuple[str, str, str, str]


def time_change(
    metric: str,
    before_ns: NDArray[np.float64],
    after_ns: NDArray[np.float64],
    ratio: Interval | None,
    margin: float,
    missing: str = FEW_PROCESSES,
) -> Change:
    """Compare times: the medians, or means, of both sides, and the ratio with its interval.

    Args:
        metric: Column in milliseconds.
        before_ns: All times of A.
        after_ns: All times of B.
        ratio: B ÷ A.
        margin: Relative change within which a difference does not matter.
        missing: What an interval lacks, if there is none.
    """
    centre = np.mean if metric == MEAN else np.median
    return Change(
        metric=metric,
        before=float(centre(before_ns)) / 1e6,
        after=float(centre(after_ns)) / 1e6,
        interval=ratio,
        margin=margin,
        n=min(len(before_ns), len(after_ns)),
        values=(_milliseconds(before_ns), _milliseconds(after_ns)),
        missing="" if ratio else missing,
    )


def tail_change(before_ns: NDArray[np.float64], after_ns: NDArray[np.float64], margin: float) -> Change | None:
    """Show both sides' 99th percentile of the latency, for absolute limits; it has no interval.

    None if there are too few times.
    """
    if min(len(before_ns), len(after_ns)) < TAIL_TIMES:
        return None
    before, after = (float(np.percentile(times, 99)) / 1e6 for times in (before_ns, after_ns))
    return Change(
        metric="latency_p99_ms",
        before=before,
        after=after,
        interval=None,
        margin=margin,
        n=min(len(before_ns), len(after_ns)),
    )


def value_change(
    metric: str,
    before: Sequence[float],
    after: Sequence[float],
    ratio: Interval | None,
    margin: float,
    missing: str = FEW_PROCESSES,
) -> Change:
    """Compare one value per process: memory, compile time, throughput.

    Args:
        metric: Column of the tables.
        before: Value of A in each process.
        after: Value of B in each process.
        ratio: B ÷ A.
        margin: Relative change within which a difference does not matter.
        missing: What an interval lacks, if there is none.
    """
    return Change(
        metric=metric,
        before=float(np.median(before)),
        after=float(np.median(after)),
        interval=ratio,
        margin=margin,
        n=min(len(before), len(after)),
        missing="" if ratio else missing,
    )


def accuracy_changes(before: Found, after: Found, expected: Found, scoring: Scoring) -> list[Change]:
    """Compare every accuracy metric over the images that both sides read, with the images as a sample.

    Args:
        before: Sample id → A's regions.
        after: Sample id → B's regions.
        expected: Sample id → ground truth.
        scoring: Rule by which predictions are compared with it.
    """
    shared = [sample_id for sample_id in before if sample_id in after]
    first, second = (
        [tallies(side[sample_id], expected[sample_id], scoring) for sample_id in shared] for side in (before, after)
    )
    if not shared:
        return []
    changes = (_accuracy_change(name, first, second) for name in METRICS)
    return [each for each in changes if each is not None]


def _milliseconds(times_ns: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(each) for each in times_ns / 1e6)


def _accuracy_change(
    name: str, before: Sequence[Mapping[str, Tally]], after: Sequence[Mapping[str, Tally]]
) -> Change | None:
    found = difference_interval(before, after, name)
    interval, spread = found or (None, None)
    values = [value(name, total(side)) for side in (before, after)]
    if values[0] is None or values[1] is None:
        return None
    return Change(
        metric=name,
        before=values[0],
        after=values[1],
        interval=interval,
        margin=ACCURACY_MARGIN,
        n=len(before),
        spread=spread,
        missing="" if found else f"a verdict needs {MIN_IMAGES} images",
    )


def flipped_words(before: Found, after: Found, expected: Found, scoring: Scoring) -> tuple[Flipped, ...]:
    """List the words that only one side got right: (sample id, expected, A's text, B's text).

    A side that did not find a word at all has the empty text.
    """
    return tuple(
        (
            each.sample_id,
            each.expected.text,
            each.before.text if each.before else "",
            each.after.text if each.after else "",
        )
        for each in find_flips(before, after, expected, scoring)
    )
