"""Writes the table of columns in ``reports/README.md`` from ``ocrbench.runs.columns``.

    python docs/columns.py

A test checks that the page is up to date.
"""

import re
from pathlib import Path

from ocrbench.records import Column
from ocrbench.runs.columns import COLUMNS

PAGE = Path(__file__).resolve().parents[1] / "reports" / "README.md"
TABLE = re.compile(r"(\| column \| unit \| meaning \|\n\|---\|---\|---\|\n)(?:\|.*\n)*")


def fill(markdown: str) -> str:
    """Write the table of a page anew."""
    return TABLE.sub(lambda found: found[1] + "".join(map(_row, COLUMNS)), markdown)


def _row(column: Column) -> str:
    unit = f" {column.unit}" if column.unit else ""
    scenarios = f"scenario {', '.join(f'`{name}`' for name in column.scenarios)}: " if column.scenarios else ""
    return f"| `{column.name}` |{unit} | {scenarios}{column.meaning} |\n"


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
