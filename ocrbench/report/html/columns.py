"""The wide table's columns, described for the page."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ocrbench import table
from ocrbench.metrics.scoring import METRICS
from ocrbench.report.columns import DECIMALS, shown_columns
from ocrbench.report.html.model import ReportRun

NUMBERS = (*table.NUMBER_COLUMNS, *table.SERVER_COLUMNS)
# Long texts, which a table has last.
LAST = ("noisy", "error")
UNITS = {"ms": "ms", "ips": "images/s", "mb": "MB"}


def columns(runs: Sequence[ReportRun]) -> list[dict[str, Any]]:
    """Describe each column: its kind, unit, decimals, whether more is better, and whether people see it at first."""
    shown = shown_columns(pd.DataFrame([run.row for run in runs], columns=list(table.WIDE_COLUMNS)))
    higher = {score.metric: score.higher_is_better for run in runs for score in run.record.scores}
    ordered = [*(name for name in table.WIDE_COLUMNS if name not in LAST), *LAST]
    return [_column(name, shown=name in shown, higher=higher.get(name)) for name in ordered]


def _column(name: str, *, shown: bool, higher: bool | None) -> dict[str, Any]:
    suffix = name.rpartition("_")[2]
    number = name in NUMBERS
    return {
        "name": name,
        "number": number,
        "unit": UNITS.get(suffix, "") if number else "",
        "decimals": DECIMALS.get(suffix, 0) if number else 0,
        "higher_is_better": higher if number else None,
        "description": METRICS[name].meaning if name in METRICS else "",
        "shown": shown,
    }
