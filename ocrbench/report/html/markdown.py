"""The short report for a pull request or a wiki: warnings, winners, table."""

from collections.abc import Mapping
from typing import Any

from ocrbench.report.html.model import Report, ReportData
from ocrbench.report.pull_request import code
from ocrbench.report.tables import escape
from ocrbench.report.tables import to_markdown as table_to_markdown
from ocrbench.runs.table import wide

LINES_SHOWN = 5


def to_markdown(report: Report, data: ReportData) -> bytes:
    """Write the short report; everything from runs is escaped."""
    summary = data.sections["summary"]
    parts = [f"# {escape(report.title)}\n", *(_warning(each) for each in summary["warnings"])]
    parts += [_group(group) for group in summary["groups"]]
    parts.append(table_to_markdown(wide(report.runs)).decode())
    return "\n".join(parts).encode(errors="backslashreplace")


def _warning(warning: Mapping[str, Any]) -> str:
    lines = [f"  - {escape(line['label'])}: {code(line['text'], 200)}\n" for line in warning["lines"][:LINES_SHOWN]]
    more = len(warning["lines"]) - LINES_SHOWN
    return f"- **{escape(warning['title'])}**\n" + "".join(lines) + (f"  - and {more} more\n" if more > 0 else "")


def _group(group: Mapping[str, Any]) -> str:
    said = [
        f"- {winner['goal']}: **{escape(winner['label'])}** {escape(winner['numbers'])} {escape(winner['margin'])}\n"
        for winner in group["winners"]
    ]
    return f"{escape(group['name'])}:\n\n" + "".join(said)
