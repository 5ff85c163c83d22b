"""The wide table in files: CSV, Parquet, JSON and Markdown."""

import html
import io
import json
import math
import re
from collections.abc import Callable

import pandas as pd

from ocrbench.neutral import for_spreadsheet, for_terminal
from ocrbench.runs.table import cells, shown_columns

# What begins or ends markup or a cell; inside a word an underscore does neither.
MARKUP = re.compile(r"[\\`*~|\[\]]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def to_markdown(frame: pd.DataFrame) -> bytes:
    """Write the columns that differ or matter; cell text is escaped, so that nothing in it is markup."""
    columns = shown_columns(frame)
    rows = [[escape(text) for text in row] for row in cells(frame, columns)]
    heading = "| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns) + "\n"
    return (heading + "".join("| " + " | ".join(row) + " |\n" for row in rows)).encode()


def escape(text: str) -> str:
    """Escape text in a cell; line breaks become spaces."""
    flat = for_terminal(" ".join(text.split()))
    return MARKUP.sub(r"\\\g<0>", html.escape(flat, quote=False))


def to_csv(frame: pd.DataFrame) -> bytes:
    """Write every column, numbers in full, and texts so that no spreadsheet computes them."""
    harmless = frame.map(lambda value: for_spreadsheet(value) if isinstance(value, str) else value)
    return harmless.to_csv(index=False).encode()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Write every column with its type."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def to_json(frame: pd.DataFrame) -> bytes:
    """Write a list with an object per row; numbers that are not there, or not finite, are null."""
    rows = [{name: _finite(value) for name, value in row.items()} for row in frame.to_dict("records")]
    # File names may contain bytes that are not text.
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace") + b"\n"


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


# The tables that every run leaves behind: the suffix of ``reports/latest`` → its content.
REPORTS: dict[str, Callable[[pd.DataFrame], bytes]] = {"csv": to_csv, "parquet": to_parquet, "md": to_markdown}
