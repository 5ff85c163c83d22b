"""The wide table for programs: CSV and Parquet."""

import io

import pandas as pd


def to_csv(frame: pd.DataFrame) -> bytes:
    """Write every column, numbers in full."""
    return frame.to_csv(index=False).encode()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Write every column with its type."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
