"""A metric over time: the runs of each series, and where its level changed."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from ocrbench.metrics.change_points import levels
from ocrbench.records import RunRecord, Score

COLUMNS = (
    "series",
    "run_id",
    "started",
    "commit",
    "openvino",
    "status",
    "value",
    "unit",
    "noisy",
    "level",
    "change",
    "error",
)
BARS = "▁▂▃▄▅▆▇█"
COMMIT_DIGITS = 9


def history(records: Iterable[RunRecord], metric: str) -> pd.DataFrame:
    """List every series' runs, oldest first.

    Args:
        records: Of any series.
        metric: The name of a score.

    Returns:
        One row per run, with the columns ``COLUMNS``. ``level`` is the median of the runs between two changes;
        ``change`` stands where another level begins. A run without a value has neither.
    """
    by_series: dict[str, list[RunRecord]] = {}
    for record in sorted(records, key=lambda each: each.started):
        by_series.setdefault(record.series, []).append(record)
    rows = [row for runs in by_series.values() for row in _rows(runs, metric)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": "float64", "level": "float64"})


def sparkline(values: Iterable[float]) -> str:
    """Draw values as bars between the smallest and the largest; a run without a value is a cross.

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
    """Say how a level differs from the one before.

    >>> change_text(100.0, 112.5, higher_is_better=False)
    '+12.5 % (worse)'
    """
    size = f"{(after / before - 1) * 100:+.1f} %" if before else f"{after - before:+g}"
    return f"{size} ({'better' if (after > before) == higher_is_better else 'worse'})"


def _rows(runs: Sequence[RunRecord], metric: str) -> list[dict[str, Any]]:
    rows = [_row(run, _score(run, metric)) for run in runs]
    measured = [row for row in rows if row["value"] is not None]
    higher = [score.higher_is_better for run in runs if (score := _score(run, metric)) is not None]
    before: float | None = None
    for level in levels([row["value"] for row in measured]):
        for row in measured[level.start : level.stop]:
            row["level"] = level.median
        if before is not None:
            measured[level.start]["change"] = change_text(before, level.median, higher_is_better=higher[0])
        before = level.median
    return rows


def _row(run: RunRecord, score: Score | None) -> dict[str, Any]:
    return {
        "series": run.series,
        "run_id": run.run_id,
        "started": run.started,
        "commit": _commit(run),
        "openvino": str(run.environment.get("versions", {}).get("openvino", "")),
        "status": run.status,
        "value": None if score is None else score.value,
        "unit": "" if score is None else score.unit,
        "noisy": "; ".join(run.noisy),
        "level": None,
        "change": "",
        "error": run.error,
    }


def _commit(run: RunRecord) -> str:
    """Shorten the commit; a plus says that files differed from it."""
    git = run.conditions.get("git", {})
    return str(git.get("commit", ""))[:COMMIT_DIGITS] + ("+" if git.get("dirty") else "")


def _score(run: RunRecord, metric: str) -> Score | None:
    # A number that is none, as of a mean of nothing, has no place on a line.
    found = (each for each in run.scores if each.metric == metric and each.value == each.value)
    return next(found, None)
