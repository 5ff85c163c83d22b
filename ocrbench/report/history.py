"""A metric over time: the runs of each series, and changes of its level."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from ocrbench.metrics.change_points import levels
from ocrbench.records import Score
from ocrbench.runs.columns import SEEN, UNSEEN
from ocrbench.runs.identity import known_to_one, same_host
from ocrbench.runs.run import Run

COLUMNS = (
    "series",
    "run_id",
    "started",
    "commit",
    "openvino",
    "devices",
    "status",
    "pictures",
    "value",
    "unit",
    "noisy",
    "level",
    "change",
    "error",
)
BARS = "▁▂▃▄▅▆▇█"
COMMIT_DIGITS = 9


def history(runs: Iterable[Run], metric: str) -> pd.DataFrame:
    """List every series' runs, oldest first.

    A series continues in that of a later version of ocrbench if both are the same but for keys that one of the versions
    lacks. It then has the later name.

    Args:
        runs: Runs of any series.
        metric: Name of a score.

    Returns:
        One row per run, with the columns ``COLUMNS``. ``pictures`` says which readings a speed is of: where some runs
        of a series timed no image at its first reading, those of the others are of images read again too. ``level`` is
        the median of the runs between two changes;
        ``change`` marks the beginning of another level. A run without a value has neither.
    """
    by_series: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda each: each.started):
        by_series.setdefault(run.series, []).append(run)
    rows = [row for line in _over_versions(list(by_series.values())) for row in _rows(line, metric)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": "float64", "level": "float64"})


def sparkline(values: Iterable[float]) -> str:
    """Draw values as bars between the smallest and the largest, and a run without a value as a cross.

    >>> sparkline([1.0, 2.0, float("nan"), 8.0])
    '▁▂×█'
    """
    drawn = list(values)
    known = [value for value in drawn if value == value]
    low, height = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)
    top = len(BARS) - 1
    return "".join(
        "×" if value != value else BARS[round((value - low) / height * top) if height else 0] for value in drawn
    )


def change_text(before: float, after: float, *, higher_is_better: bool) -> str:
    """Describe the difference of a level from the previous one.

    >>> change_text(100.0, 112.5, higher_is_better=False)
    '+12.5 % (worse)'
    """
    size = f"{(after / before - 1) * 100:+.1f} %" if before else f"{after - before:+g}"
    return f"{size} ({'better' if (after > before) == higher_is_better else 'worse'})"


def _over_versions(series: Sequence[list[Run]]) -> list[list[Run]]:
    """Join the series of one cell over versions of ocrbench, if there is only one choice."""
    lines: list[list[Run]] = []
    for runs in series:
        earlier = [line for line in lines if _goes_on(line, runs)]
        rivals = [
            other
            for other in series
            if other is not runs
            and other[0].environment.get("source") == runs[0].environment.get("source")
            and any(_goes_on(line, other) for line in earlier)
        ]
        if len(earlier) == 1 and not rivals:
            earlier[0] += runs
        else:
            lines.append([*runs])
    return lines


def _goes_on(line: Sequence[Run], runs: Sequence[Run]) -> bool:
    """Return whether a line of runs may continue with these, which are of a later version."""
    before, after = line[-1], runs[0]
    return (
        before.started < after.started
        and before.dataset_sha256 == after.dataset_sha256
        and same_host(before.environment.get("host", {})) == same_host(after.environment.get("host", {}))
        and known_to_one(before, after) is not None
    )


def _rows(runs: Sequence[Run], metric: str) -> list[dict[str, Any]]:
    seen = any(run.pictures == SEEN for run in runs if run.ok)
    rows = [{**_row(run, _score(run, metric, seen=seen), seen=seen), "series": runs[-1].series} for run in runs]
    measured = [row for row in rows if row["value"] is not None]
    higher = [score.higher_is_better for run in runs if (score := _score(run, metric, seen=seen)) is not None]
    before: float | None = None
    for level in levels([row["value"] for row in measured]):
        for row in measured[level.start : level.stop]:
            row["level"] = level.median
        if before is not None:
            measured[level.start]["change"] = change_text(before, level.median, higher_is_better=higher[0])
        before = level.median
    return rows


def _row(run: Run, score: Score | None, *, seen: bool) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "started": run.started,
        "commit": _commit(run),
        "openvino": str(run.environment.get("versions", {}).get("openvino", "")),
        "devices": _devices(run),
        "status": run.status,
        "pictures": SEEN if seen else UNSEEN,
        "value": None if score is None else score.value,
        "unit": "" if score is None else score.unit,
        "noisy": "; ".join(run.noisy),
        "level": None,
        "change": "",
        "error": run.error,
    }


def _devices(run: Run) -> str:
    """List the drivers and compilers of the devices; another text than before is an event."""
    devices = run.environment.get("devices", {})
    return "; ".join(
        " ".join([name, *(value for key, value in known.items() if key.endswith(("VERSION", "TYPE")))])
        for name, known in devices.items()
    )


def _commit(run: Run) -> str:
    """Shorten the commit; a plus means that files differed from it."""
    git = run.conditions.get("git", {})
    return str(git.get("commit", ""))[:COMMIT_DIGITS] + ("+" if git.get("dirty") else "")


def _score(run: Run, metric: str, *, seen: bool) -> Score | None:
    name = run.read_again(metric) if seen else metric
    # NaN, such as the mean of nothing, has no position on a line.
    found = (each for each in run.score_list if each.metric == name and each.value == each.value)
    return next(found, None)
