"""Every run as a row; the page has the rows already, so this adds what filters offer and the failures' reasons."""

from collections.abc import Mapping
from typing import Any

from ocrbench.report.html.model import Report

# Columns with few values, which the reader can choose from.
FILTERS = ("status", "detector", "recognizer", "precision", "device", "scenario", "dataset", "host", "openvino")


def build(report: Report) -> Mapping[str, Any]:
    """List the values of each column that tells runs apart."""
    values = {name: sorted({str(run.row[name]) for run in report.runs if run.row[name]}) for name in FILTERS}
    return {"filters": {name: found for name, found in values.items() if len(found) > 1}}
