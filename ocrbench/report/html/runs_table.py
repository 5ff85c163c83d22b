"""Columns and filters of the table of runs; the page has the rows already."""

from collections.abc import Mapping, Sequence
from typing import Any

from ocrbench.config.stage import ROLES
from ocrbench.report.html.model import Report
from ocrbench.runs.columns import COLUMNS
from ocrbench.runs.run import Run
from ocrbench.runs.table import shown_columns, wide

# Columns with few values, which become filters.
FILTERS = ("status", *ROLES, "precision", "device", "scenario", "dataset", "host", "openvino")
# Units that follow a number.
UNITS = ("ms", "images/s", "MB")


def build(report: Report) -> Mapping[str, Any]:
    """List the values of each column that distinguishes runs."""
    values = {name: sorted({str(run.row[name]) for run in report.runs if run.row[name]}) for name in FILTERS}
    return {"filters": {name: found for name, found in values.items() if len(found) > 1}}


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
