"""Section."""

from collections.abc import Mapping
from typing import Any

from ocrbench.report.html.model import Report


def build(report: Report) -> Mapping[str, Any] | None:
    """Build it."""
    return {"runs": len(report.runs)}
