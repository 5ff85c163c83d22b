"""Compare finished runs: accuracy paired by image, and speed if host and environment agree."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ocrbench.compare.changes import (
    TIMES,
    WARM,
    accuracy_changes,
    flipped_words,
    tail_change,
    time_change,
    value_change,
)
from ocrbench.compare.flips import Found
from ocrbench.compare.verdict import Change, Comparison
from ocrbench.errors import ConfigError
from ocrbench.metrics.intervals import midmean, ratio_over_runs
from ocrbench.metrics.recognition import unrepeatable
from ocrbench.runs.columns import SEEN
from ocrbench.runs.identity import unshared_keys
from ocrbench.runs.match import Matched
from ocrbench.runs.run import Run
from ocrbench.scenarios.interface import LATENCY

REPEAT = "a verdict needs repeated runs: measure again with force=true, at least four quiet runs on both sides together"


def compare_stored(before: Sequence[Run], after: Sequence[Run], margin: float) -> Comparison:
    """Compare runs of one configuration with runs of another, on the same images.

    Args:
        before: A: one run, or repeats of one cell. Repeats show how much runs differ by chance; without them there is
            no verdict on speed. The accuracy is that of the newest run.
        after: B.
        margin: Relative change of speed within which a difference does not matter.

    Raises:
        ConfigError: The runs have no image in common.
    """
    one, other = before[-1], after[-1]
    expected, first = _regions(one)
    others_expected, second = _regions(other)
    shared = set(expected) & set(others_expected)
    alike = {sample_id for sample_id in shared if expected[sample_id] == others_expected[sample_id]}
    if not alike:
        message = f"{one.run_id} and {other.run_id} have no image in common with the same ground truth"
        raise ConfigError(message)
    first = {sample_id: regions for sample_id, regions in first.items() if sample_id in alike}
    scoring = one.scoring
    reasons = _incomparable(one, other)
    speed = _speed_changes(before, after, margin, comparable=not reasons)
    return Comparison(
        before=_label(one, len(before)),
        after=_label(other, len(after)),
        changes=(*speed, *accuracy_changes(first, second, expected, scoring)),
        decisive=(_speed_column(one, other), "e2e_hmean"),
        warnings=(
            *(f"no verdict on speed: {reason}" for reason in reasons),
            *_timed_otherwise(before, after),
            *_otherwise_judged(one, other, len(shared) - len(alike)),
            *_noise([*before, *after]),
            *_unrepeatable([*before, *after]),
        ),
        flipped=flipped_words(first, second, expected, scoring),
    )


def compare_matched(matched: Matched, margin: float) -> Comparison:
    """Compare the runs of one cell on both sides; a cell that failed on side B is a regression.

    Args:
        matched: The runs.
        margin: Relative change of speed within which a difference does not matter.

    Raises:
        ConfigError: There is nothing to compare, or the runs have no image in common.
    """
    if matched.after:
        comparison = compare_stored(matched.before, matched.after, margin)
        said = f"of different versions of ocrbench, of which only one has {', '.join(matched.known_to_one)}"
        return replace(comparison, warnings=(*comparison.warnings, *([said] if matched.known_to_one else [])))
    run_id = matched.before[-1].run_id
    if not matched.failed:
        message = f"{run_id}: {matched.missing}"
        raise ConfigError(message)
    return Comparison(before=run_id, after="no finished run", changes=(), failed=matched.missing)


def _regions(run: Run) -> tuple[Found, Found]:
    expected = {each.sample_id: each.expected for each in run.outcomes}
    return expected, {each.sample_id: each.predicted for each in run.outcomes}


def latency_change(
    before: Sequence[Run], after: Sequence[Run], margin: float, metric: str = "latency_p50_ms"
) -> Change | None:
    """Compare a time of the images that all runs read; None if they have none in common.

    Args:
        before: A: one run, or repeats of one cell. Noisy ones do not count.
        after: B.
        margin: Relative change within which a difference does not matter.
        metric: Key of ``TIMES``.
    """
    quiet, missing = _quiet(before, after)
    warm = metric == WARM or bool(_seen([*before, *after]))
    sides = [[_by_image(run.warm if warm else run.timed, TIMES[metric]) for run in side] for side in quiet]
    shared = set.intersection(*(set(times.index) for side in sides for times in side))
    if not shared:
        return None
    order = sorted(shared)
    times = [np.array([each[order].to_numpy() for each in side]) for side in sides]
    ratio = None if missing else ratio_over_runs(*_centres(*(np.log(side) for side in times)))
    return time_change(metric, times[0].ravel(), times[1].ravel(), ratio, margin, missing or REPEAT)


def _quiet(before: Sequence[Run], after: Sequence[Run]) -> tuple[tuple[Sequence[Run], Sequence[Run]], str]:
    """Return the runs of both sides that were not noisy; all, and a reason against a verdict, if a side has none."""
    quiet = [[run for run in side if not run.noisy] for side in (before, after)]
    if all(quiet):
        return (quiet[0], quiet[1]), ""
    return (before, after), "no verdict from noisy runs"


def _centres(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Reduce the logarithms of times, (runs, images), to one number per run: how slow it was over all images."""
    usual = (before.mean(axis=0) + after.mean(axis=0)) / 2
    return [midmean(run - usual) for run in before], [midmean(run - usual) for run in after]


def _incomparable(one: Run, other: Run) -> list[str]:
    """List the reasons why two runs' speeds cannot be compared."""
    reasons = []
    for key in ("name", "cpu", "cores", "memory_bytes", "os"):
        values = [run.environment.get("host", {}).get(key) for run in (one, other)]
        if values[0] != values[1]:
            reasons.append(f"host {key} differs: {values[0]} and {values[1]}")
    chosen = [tuple(run.config["dataset"].get(key) for key in ("limit", "seed")) for run in (one, other)]
    if chosen[0] == chosen[1] and one.dataset_sha256 != other.dataset_sha256:
        reasons.append("the images, or their ground truth, are not the same files")
    scenarios = [run.config["scenario"] for run in (one, other)]
    if unshared_keys(*scenarios) is None:
        reasons.append("the scenario differs")
    return reasons


def _otherwise_judged(one: Run, other: Run, left_out: int) -> list[str]:
    """List where the compared accuracy is not that of the runs' tables."""
    left = [f"{left_out} images are left out of the accuracy: their ground truth differs"] if left_out else []
    same = one.config["scoring"] == other.config["scoring"]
    return left if same else [*left, "B was scored by other rules than A; here both are scored by A's"]


def _noise(runs: Sequence[Run]) -> list[str]:
    return [f"{run.run_id} was noisy: {'; '.join(run.noisy)}" for run in runs if run.noisy]


def _unrepeatable(runs: Sequence[Run]) -> list[str]:
    return [f"{run.run_id}: {reason}" for run in runs if (reason := unrepeatable(run.score_list))]


def _speed_changes(before: Sequence[Run], after: Sequence[Run], margin: float, *, comparable: bool) -> list[Change]:
    decisive = _speed_column(before[-1], after[-1])
    seen = bool(_seen([*before, *after]))
    # Where a side timed repeats only, all times here are of repeats.
    metrics = [metric for metric in TIMES if metric != WARM or not seen] if decisive in TIMES else []
    found = [latency_change(before, after, margin, metric) for metric in metrics]
    latencies = [
        np.concatenate([(run.warm if seen else run.timed)["latency_ns"].to_numpy(float) for run in side])
        for side in (before, after)
    ]
    found.append(tail_change(latencies[0], latencies[1], margin))
    changes = [each if comparable else _withdrawn(each) for each in found if each is not None]
    for metric in (*([] if decisive in TIMES else [decisive]), "peak_rss_mb"):
        # Noise slows runs down, but takes no memory.
        sides, missing = _quiet(before, after) if metric == decisive else ((before, after), "")
        names = [[run.read_again(metric) if seen else metric for run in side] for side in sides]
        values = [
            [run.scores[name] for run, name in zip(side, known, strict=True) if name in run.scores]
            for side, known in zip(sides, names, strict=True)
        ]
        if not all(values):
            continue
        ratio = None if missing else ratio_over_runs(*(np.log(side).tolist() for side in values))
        change = value_change(metric, values[0], values[1], ratio, margin, missing or REPEAT)
        changes.append(change if comparable else _withdrawn(change))
    return changes


def _withdrawn(change: Change) -> Change:
    return replace(change, interval=None, missing="the speeds cannot be compared")


def _speed_column(one: Run, other: Run) -> str:
    """Name the column that decides the speed of both runs; where they have different ones, their latency decides."""
    return one.decisive if one.decisive == other.decisive else LATENCY


def _seen(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that timed no image at its first reading."""
    return [run for run in runs if run.pictures == SEEN]


def _timed_otherwise(before: Sequence[Run], after: Sequence[Run]) -> list[str]:
    """Say which times are compared where one side timed other readings than the other."""
    seen = _seen([*before, *after])
    if not seen or len(seen) == len(before) + len(after):
        return []
    return [f"{seen[0].run_id} timed no image at its first reading: the times compared are those of images read again"]


def _by_image(times: pd.DataFrame, column: str) -> "pd.Series[float]":
    return times.groupby("sample_id")[column].median().astype("float64")


def _label(run: Run, runs: int) -> str:
    repeated = f" ({runs} runs)" if runs > 1 else ""
    return f"{run.run_id}{repeated}"
