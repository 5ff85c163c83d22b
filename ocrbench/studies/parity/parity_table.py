"""Our times beside those of ``benchmark_app``: for people and for programs."""

import math
from collections.abc import Sequence

import pandas as pd
from rich.table import Table
from rich.text import Text

from ocrbench.studies.parity.turns import Parity

DECIMALS = {
    "ours_ms": 3,
    "benchmark_app_ms": 2,
    "ratio": 3,
    "ratio_low": 3,
    "ratio_high": 3,
    "fastest_ratio": 3,
    "around_ms": 2,
}


def to_frame(found: Sequence[Parity]) -> pd.DataFrame:
    """List what was timed, a row each."""
    return pd.DataFrame(
        {
            "stage": each.target.role,
            "model": each.target.stage.name,
            "precision": each.target.stage.precision,
            "device": each.target.stage.device,
            "shape": "×".join(map(str, each.target.shape)),
            "ours_ms": each.ours_ms,
            "benchmark_app_ms": each.application_ms,
            "ratio": each.ratio.estimate,
            "ratio_low": each.ratio.low,
            "ratio_high": each.ratio.high,
            "fastest_ratio": each.fastest_ratio,
            "around_ms": each.around_ms,
            "rounds": each.rounds,
            "calls": each.calls,
        }
        for each in found
    )


def to_table(frame: pd.DataFrame) -> Table:
    """Draw the rows of ``to_frame``."""
    table = Table()
    headings = ("stage", "precision", "shape", "ours ms", "benchmark_app ms", "ratio", "95 % interval", "fastest")
    for name in (*headings, "around ms", "rounds × calls"):
        table.add_column(name, overflow="fold")
    for row in frame.to_dict("records"):
        shown = {name: f"{row[name]:.{decimals}f}" for name, decimals in DECIMALS.items()}
        table.add_row(
            *(Text(str(row[name])) for name in ("stage", "precision", "shape")),
            *(shown[name] for name in ("ours_ms", "benchmark_app_ms", "ratio")),
            "–" if math.isnan(row["ratio_low"]) else f"{shown['ratio_low']} – {shown['ratio_high']}",
            shown["fastest_ratio"],
            shown["around_ms"],
            f"{row['rounds']} × {row['calls']}",
        )
    return table
