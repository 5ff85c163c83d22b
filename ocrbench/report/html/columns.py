"""The wide table's columns, described for the page."""

from collections.abc import Sequence
from typing import Any

from ocrbench.runs.columns import COLUMNS
from ocrbench.runs.run import Run
from ocrbench.runs.table import shown_columns, wide

# Units that stand behind a number.
UNITS = ("ms", "images/s", "MB")


def columns(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Describe each column: its kind, unit, decimals, whether more is better, and whether people see it at first."""
    shown = shown_columns(wide(runs))
    return [
        {
            "name": column.name,
            "number": column.number,
            "unit": column.unit if column.unit in UNITS else "",
            "decimals": column.decimals or 0,
            "higher_is_better": column.higher_is_better,
            "description": column.meaning,
            "shown": column.name in shown,
        }
        for column in COLUMNS
    ]
