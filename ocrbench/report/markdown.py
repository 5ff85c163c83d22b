"""The wide table for people who read Markdown: one line per run."""

import html
import re

import pandas as pd

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
    """Make text stand for itself in a cell; line breaks become spaces."""
    flat = " ".join(text.split())
    return MARKUP.sub(r"\\\g<0>", html.escape(flat, quote=False))
