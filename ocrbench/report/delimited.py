"""Tables for programs: CSV, Parquet and JSON."""

import io
import json
import math

import pandas as pd


def to_csv(frame: pd.DataFrame) -> bytes:
    """Write every column, numbers in full."""
    return frame.to_csv(index=False).encode()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Write every column with its type."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def to_json(frame: pd.DataFrame) -> bytes:
    """Write a list with an object per row; numbers that are not there, or not finite, are null."""
    rows = [{name: _finite(value) for name, value in row.items()} for row in frame.to_dict("records")]
    # File names may hold bytes that are not text.
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace") + b"\n"


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
