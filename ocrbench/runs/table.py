"""The one schema of the tables: runs → pandas.

The long form has a row per run, stage and metric. The wide form, which people read, has a row per run and a column per
entry of ``columns.COLUMNS``; a failed run keeps its row, with the reason and the numbers that it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ocrbench.metrics.intervals import HALF_WIDTH
from ocrbench.records import Value
from ocrbench.runs.columns import COLUMNS, NAMES, NUMBERS, text
from ocrbench.runs.match import differing_settings
from ocrbench.runs.run import Run

LONG_COLUMNS = ("run_id", "stage", "metric", "value", "unit", "higher_is_better", "n")


def rows(runs: Sequence[Run]) -> list[Mapping[str, Value]]:
    """Return the row of each run.

    ``settings`` depends on the other runs: it holds what distinguishes a run from them where other columns do not.
    """
    return [{**run.row, "settings": settings} for run, settings in zip(runs, differing_settings(runs), strict=True)]


def wide(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row per run, with the columns ``columns.NAMES``."""
    return pd.DataFrame(rows(runs), columns=list(NAMES)).astype(dict.fromkeys(NUMBERS, "float64"))


def long(runs: Iterable[Run]) -> pd.DataFrame:
    """Return one row per run, stage and metric, with the columns ``LONG_COLUMNS``."""
    found = [
        (run.run_id, each.stage, each.metric, each.value, each.unit, each.higher_is_better, each.n)
        for run in runs
        for each in run.score_list
    ]
    return pd.DataFrame(found, columns=list(LONG_COLUMNS))


def shown_columns(frame: pd.DataFrame, *, details: bool = False) -> list[str]:
    """Choose the columns for people: those of scenarios and of troubles only where there is something.

    Args:
        frame: The wide table.
        details: Whether there is room for more columns.
    """
    wanted = {"always", "detail"} if details else {"always"}
    return [
        column.name
        for column in COLUMNS
        if column.shown in wanted or (column.matters is not None and column.matters(_values(frame[column.name])))
    ]


def _values(column: "pd.Series[Any]") -> list[Any]:
    return [None if missing else value for value, missing in zip(column, column.isna(), strict=True)]


def cells(frame: pd.DataFrame, columns: Sequence[str]) -> list[list[str]]:
    """Write each row's values as text, numbers with half the width of their interval where they have one."""
    return [[cell(row, name) for name in columns] for _, row in frame.iterrows()]


def cell(row: "pd.Series[Any]", name: str) -> str:
    """Write one value of a row.

    >>> cell(pd.Series({"e2e_hmean": 0.5, "e2e_hmean_pm": 0.0312}), "e2e_hmean")
    '0.500 ±0.031'
    """
    half = row.get(f"{name}{HALF_WIDTH}")
    return text(name, row[name]) + ("" if half is None or half != half else f" ±{text(name, half)}")
