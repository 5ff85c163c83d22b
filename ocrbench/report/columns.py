"""Which columns of the wide table a person sees, and how their values are written."""

from collections.abc import Sequence

import pandas as pd

from ocrbench.metrics.repeatability import LEAST_REPEATABILITY, REPEATABILITY
from ocrbench.table import LOADGEN_COLUMN, SERVER_COLUMNS

ALWAYS = (
    "detector",
    "recognizer",
    "dataset",
    "device",
    "precision",
    "detector_executed",
    "recognizer_executed",
    "det_hmean",
    "e2e_hmean",
    "latency_p50_ms",
    "latency_p99_ms",
    "throughput_ips",
    "status",
)
DECIMALS = {
    "hmean": 3,
    "repeatability": 3,
    "precision": 3,
    "recall": 3,
    "accuracy": 3,
    "cer": 3,
    "ned": 3,
    "ms": 1,
    "bound": 3,
    "ips": 2,
    "mb": 1,
}
EMPTY = "–"


def shown_columns(frame: pd.DataFrame) -> list[str]:
    """Choose the columns for people; those of a scenario and of troubles only where there is something."""
    at = ALWAYS.index("status")
    service = [name for name in SERVER_COLUMNS if frame[name].notna().any()]
    service += [LOADGEN_COLUMN] if frame[LOADGEN_COLUMN].astype(bool).any() else []
    troubles = [REPEATABILITY] if (frame[REPEATABILITY] < LEAST_REPEATABILITY).any() else []
    troubles += [name for name in ("noisy", "error") if frame[name].astype(bool).any()]
    device, executed = ALWAYS.index("device"), ALWAYS.index("detector_executed")
    scenario, settings = setting_columns(frame)
    first = [*ALWAYS[:device], *scenario, *ALWAYS[device:executed], *settings, *ALWAYS[executed:at]]
    return [*first, *service, *ALWAYS[at:], *troubles]


def setting_columns(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Name the columns of the scenario, where there is another one than one image at a time, and of settings."""
    scenario = ["scenario"] if (frame["scenario"] != "latency").any() else []
    return scenario, ["settings"] if frame["settings"].astype(bool).any() else []


def cells(frame: pd.DataFrame, columns: Sequence[str]) -> list[list[str]]:
    """Write each row's values as text."""
    return [[text(name, row[name]) for name in columns] for _, row in frame.iterrows()]


def text(column: str, value: object) -> str:
    """Write one value with the decimals that its unit deserves; a dash where there is none.

    >>> text("latency_p50_ms", 12.345), text("det_hmean", 0.5), text("error", None)
    ('12.3', '0.500', '–')
    """
    if value is None or value == "" or (isinstance(value, float) and pd.isna(value)):
        return EMPTY
    if isinstance(value, float):
        return f"{value:.{DECIMALS.get(column.rpartition('_')[2], 0)}f}"
    return str(value)
