"""Compare finished runs: accuracy paired by image; speed too, where host and environment agree."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from ocrbench.compare.changes import (
    TIMES,
    accuracy_changes,
    flipped_words,
    tail_change,
    time_change,
    value_change,
)
from ocrbench.compare.flips import Found
from ocrbench.compare.rates import shared_rate
from ocrbench.compare.verdict import Change, Comparison
from ocrbench.config import Scoring, validate
from ocrbench.errors import ConfigError
from ocrbench.metrics.paired import Interval
from ocrbench.records import RunRecord
from ocrbench.store import RECORD, Store

# How much the same cell differs from one run to the next on a quiet machine of one's own, as a standard deviation of
# the logarithm: one process has one memory layout. Runs repeated on either side replace this guess by what they show.
RUN_NOISE = 0.02
NORMAL_95 = 1.96
Item = TypeVar("Item")
Cells = dict[str, list["StoredRun"]]


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run and the store that holds it."""

    record: RunRecord
    store: Store

    @property
    def timings(self) -> pd.DataFrame:
        """The measured times of shapes that had been seen before."""
        frame = self.store.timings(self.record.run_id)
        return frame[~frame["warmup"] & ~frame["first_seen"]]


def find_runs(names: Sequence[str], *, failed: bool = False) -> list[StoredRun]:
    """Find runs by folder: a run's own, or any folder above runs.

    Args:
        names: Folders.
        failed: Whether failed runs count too.

    Raises:
        ConfigError: A folder does not exist, or holds no such run.
    """
    return [run for name in names for run in _find(Path(name).expanduser(), failed=failed)]


def compare_stored(before: Sequence[StoredRun], after: Sequence[StoredRun], margin: float) -> Comparison:
    """Compare runs of one configuration with runs of another, on the same images.

    Args:
        before: A: one run, or repeats of one cell.
        after: B.
        margin: Relative; speed changes within it do not matter.

    Raises:
        ConfigError: They have no image in common.
    """
    one, other = before[-1], after[-1]
    expected, first = _regions(one)
    others_expected, second = _regions(other)
    if not set(expected) & set(others_expected):
        message = f"{one.record.run_id} and {other.record.run_id} have no image in common"
        raise ConfigError(message)
    scoring = validate(Scoring, one.record.config["scoring"])
    reasons = _incomparable(one.record, other.record)
    speed = _speed_changes(before, after, margin, comparable=not reasons)
    return Comparison(
        before=_label(one.record, len(before)),
        after=_label(other.record, len(after)),
        changes=(*speed, *accuracy_changes(first, second, expected, scoring)),
        decisive=(shared_rate(one.record, other.record) or "latency_p50_ms", "e2e_hmean"),
        warnings=(*(f"no verdict on speed: {reason}" for reason in reasons), *_noise([*before, *after])),
        flipped=flipped_words(first, second, expected, scoring),
    )


FACTORS: Mapping[str, Callable[[RunRecord], str]] = {
    "device": lambda record: _both(record, "device"),
    "precision": lambda record: _both(record, "precision"),
    "model": lambda record: _both(record, "name"),
    "openvino": lambda record: str(record.environment.get("versions", {}).get("openvino", "")).split("-")[0],
    "scenario": lambda record: str(record.config["scenario"]["name"]),
    "dataset": lambda record: str(record.config["dataset"]["name"]),
    "host": lambda record: str(record.environment.get("host", {}).get("name", "")),
}


# These belong to the environment, not to the configuration.
ENVIRONMENT_FACTORS = ("openvino", "host")
STAGE_FACTORS = {"device", "precision", "properties"}
# Where things are, and how the result is judged.
NOT_COMPARED = (
    "reports_dir",
    "cache_dir",
    "force",
    "timeout_seconds",
    "prepare_timeout_seconds",
    "omz",
    "gate",
    "noise",
    "attest",
)


def pairs_by(runs: Sequence[StoredRun], factor: str) -> list[tuple[list[StoredRun], list[StoredRun]]]:
    """Pair runs that differ in one factor only; the value that comes first among the runs is the baseline.

    Args:
        runs: Any finished runs.
        factor: A key of ``FACTORS``.

    Returns:
        (baseline runs, other runs) for each other value within each group of otherwise equal runs.
    """
    groups: dict[str, dict[str, list[StoredRun]]] = {}
    for run in runs:
        rest = _otherwise(run.record, factor)
        groups.setdefault(rest, {}).setdefault(FACTORS[factor](run.record), []).append(run)
    pairs = []
    for values in groups.values():
        baseline, *others = values.values()
        pairs += [(baseline, other) for other in others]
    return pairs


def match_runs(
    before: Sequence[StoredRun], after: Sequence[StoredRun]
) -> list[tuple[list[StoredRun], list[StoredRun]]]:
    """Pair the runs of two folders cell by cell: runs of the same configuration.

    Where each side has one cell only, they are compared whatever differs.
    """

    def by_cell(runs: Sequence[StoredRun]) -> Cells:
        cells: Cells = {}
        for run in runs:
            cells.setdefault(_otherwise(run.record, ""), []).append(run)
        return cells

    first, second = by_cell(before), by_cell(after)
    if len(first) == len(second) == 1:
        return [(next(iter(first.values())), next(iter(second.values())))]
    return [(first[key], second[key]) for key in first if key in second]


def _otherwise(record: RunRecord, factor: str) -> str:
    """Return all of a run's configuration but one factor, so that equal strings mean otherwise equal runs."""
    config = {key: value for key, value in record.config.items() if key not in (*NOT_COMPARED, factor)}
    for role in ("detector", "recognizer"):
        kept = STAGE_FACTORS if factor == "model" else set(config[role])
        config[role] = {key: value for key, value in config[role].items() if key in kept and key != factor}
    config["dataset"] = {key: value for key, value in config["dataset"].items() if key != "root"}
    others = [value(record) for name, value in FACTORS.items() if name != factor and name in ENVIRONMENT_FACTORS]
    return json.dumps([config, others if factor else []], sort_keys=True, default=str)


def _find(path: Path, *, failed: bool) -> list[StoredRun]:
    if not path.exists():
        message = f"{path}: no such folder; expected a run or a folder of runs"
        raise ConfigError(message)
    found = []
    for file in sorted(path.glob(f"**/{RECORD}")):
        store = Store(file.parent.parent.parent)
        if store.root != file.parent.parent:
            continue
        record = store.find(file.parent.name)
        if record is not None and (failed or record.status == "ok"):
            found.append(StoredRun(record=record, store=store))
    if not found:
        message = f"{path}: holds no {'' if failed else 'finished '}run"
        raise ConfigError(message)
    return sorted(found, key=lambda run: run.record.started)


def _regions(run: StoredRun) -> tuple[Found, Found]:
    outcomes = run.store.outcomes(run.record.run_id)
    expected = {each.sample_id: each.expected for each in outcomes}
    return expected, {each.sample_id: each.predicted for each in outcomes}


def latency_change(
    before: Sequence[StoredRun], after: Sequence[StoredRun], margin: float, metric: str = "latency_p50_ms"
) -> Change | None:
    """Compare a time of the images that both sides read; None where they have none in common.

    Args:
        before: A: one run, or repeats of one cell.
        after: B.
        margin: Relative.
        metric: A key of ``TIMES``.
    """
    sides = [[_by_image(run, TIMES[metric]) for run in runs] for runs in (before, after)]
    shared = set.intersection(*(set(times.index) for side in sides for times in side))
    if not shared:
        return None
    order = sorted(shared)
    ratios = [[np.log(other[order].to_numpy() / one[order].to_numpy())] for one, other in _zip_longest(*sides)]
    values = [np.concatenate([times[order].to_numpy() for times in side]) for side in sides]
    return _widened(time_change(metric, values[0], values[1], ratios, margin), len(ratios))


def _incomparable(one: RunRecord, other: RunRecord) -> list[str]:
    """Say why two runs' speeds cannot be held against each other."""
    reasons = []
    for key in ("name", "cpu", "cores", "memory_bytes", "os"):
        values = [record.environment.get("host", {}).get(key) for record in (one, other)]
        if values[0] != values[1]:
            reasons.append(f"host {key} differs: {values[0]} and {values[1]}")
    scenarios = [record.config["scenario"] for record in (one, other)]
    if scenarios[0] != scenarios[1]:
        reasons.append("the scenario differs")
    return reasons


def _noise(runs: Sequence[StoredRun]) -> list[str]:
    return [f"{run.record.run_id} was noisy: {'; '.join(run.record.noisy)}" for run in runs if run.record.noisy]


def _speed_changes(
    before: Sequence[StoredRun], after: Sequence[StoredRun], margin: float, *, comparable: bool
) -> list[Change]:
    rate = shared_rate(before[-1].record, after[-1].record)
    timed = [latency_change(before, after, margin, metric) for metric in ({} if rate else TIMES)]
    changes = [each if comparable else replace(each, interval=None) for each in timed if each is not None]
    latencies = [
        np.concatenate([run.timings["latency_ns"].to_numpy(float) for run in runs]) for runs in (before, after)
    ]
    if all(len(times) for times in latencies):
        changes.append(tail_change(latencies[0], latencies[1], margin))
    for metric, unit in {**({rate: "images/s"} if rate else {}), "peak_rss_mb": "MB"}.items():
        pairs = _zip_longest(*([_value(run.record, metric) for run in runs] for runs in (before, after)))
        change = value_change(metric, unit, [one for one, _ in pairs], [other for _, other in pairs], margin)
        changes.append(change if comparable else replace(change, interval=None))
    return changes


def _widened(change: Change, runs: int) -> Change:
    """Allow for what differs between processes, of which too few runs say too little."""
    assert change.interval is not None
    if runs > 2:
        return change
    noise = NORMAL_95 * RUN_NOISE * np.sqrt(2 / runs)
    centre = np.log(change.interval.estimate)
    low = centre - np.hypot(centre - np.log(change.interval.low), noise)
    high = centre + np.hypot(np.log(change.interval.high) - centre, noise)
    interval = Interval(estimate=change.interval.estimate, low=float(np.exp(low)), high=float(np.exp(high)))
    return replace(change, interval=interval)


def _by_image(run: StoredRun, column: str) -> "pd.Series[float]":
    return run.timings.groupby("sample_id")[column].median().astype("float64")


def _zip_longest(before: Sequence[Item], after: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Pair runs in order; the last one of the shorter side serves again."""
    count = max(len(before), len(after))
    return [(before[min(i, len(before) - 1)], after[min(i, len(after) - 1)]) for i in range(count)]


def _value(record: RunRecord, metric: str) -> float:
    return next(score.value for score in record.scores if score.metric == metric)


def _label(record: RunRecord, runs: int) -> str:
    repeated = f" ({runs} runs)" if runs > 1 else ""
    return f"{record.run_id}{repeated}"


def _both(record: RunRecord, key: str) -> str:
    return f"{record.config['detector'][key]}+{record.config['recognizer'][key]}"
