"""The wide table on a terminal."""

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocrbench.metrics.repeatability import unrepeatable
from ocrbench.records import RunRecord
from ocrbench.report.columns import cells, setting_columns, shown_columns, text
from ocrbench.table import LOADGEN_COLUMN, SERVER_COLUMNS

# A table of fewer runs reads better with a line per column.
UPRIGHT_BELOW = 3
SKIPPED_SHOWN = 10
UPRIGHT_COLUMNS = (
    "detector",
    "recognizer",
    "dataset",
    "device",
    "precision",
    "detector_executed",
    "recognizer_executed",
    "images",
    "words",
    "det_precision",
    "det_recall",
    "det_hmean",
    "rec_word_accuracy",
    "e2e_hmean",
    "latency_p50_ms",
    "latency_p90_ms",
    "latency_p99_ms",
    "throughput_ips",
    "detect_p50_ms",
    "recognize_p50_ms",
    "compile_ms",
    "model_mb",
    "peak_rss_mb",
    "status",
    "error",
)


def show(console: Console, frame: pd.DataFrame, records: Sequence[RunRecord]) -> None:
    """Print the table, and below it what is doubtful and what was skipped."""
    console.print(_upright(frame) if len(frame) < UPRIGHT_BELOW else _table(frame))
    for record in records:
        if record.noisy:
            noisy = f"Noisy, do not trust its times: {record.run_id}: {'; '.join(record.noisy)}"
            console.print(Text(noisy, style="yellow"), soft_wrap=True)
        if reason := unrepeatable(record.scores):
            console.print(Text(f"Not repeatable: {record.run_id}: {reason}", style="yellow"), soft_wrap=True)
        _show_skipped(console, record)


def _table(frame: pd.DataFrame) -> Table:
    # Noise has lines of its own below.
    shown = [name for name in shown_columns(frame) if name != "noisy"]
    columns = [name for name in shown if name == "status" or len(frame[name].drop_duplicates()) > 1]
    constant = [name for name in shown if name not in columns]
    caption = ", ".join(f"{name} {text(name, frame[name].iloc[0])}" for name in constant)
    table = Table(caption=Text(caption), caption_justify="left")
    for name in columns:
        table.add_column(name, justify="right" if frame[name].dtype == "float64" else "left", overflow="fold")
    for row in cells(frame, columns):
        table.add_row(*(Text(value) for value in row))
    return table


def _upright(frame: pd.DataFrame) -> Table:
    table = Table(show_header=False)
    table.add_column(style="bold")
    failed = (frame["status"] == "failed").any()
    for _ in range(len(frame)):
        table.add_column(overflow="fold")
    device, executed, at = map(UPRIGHT_COLUMNS.index, ("device", "detector_executed", "detect_p50_ms"))
    service = [name for name in shown_columns(frame) if name in (*SERVER_COLUMNS, LOADGEN_COLUMN)]
    scenario, settings = setting_columns(frame)
    first = (*UPRIGHT_COLUMNS[:device], *scenario, *UPRIGHT_COLUMNS[device:executed], *settings)
    for name in (*first, *UPRIGHT_COLUMNS[executed:at], *service, *UPRIGHT_COLUMNS[at:]):
        if name == "error" and not failed:
            continue
        table.add_row(name, *(Text(text(name, value)) for value in frame[name]))
    return table


def _show_skipped(console: Console, record: RunRecord) -> None:
    if not record.skipped:
        return
    console.print(Text(f"Skipped {len(record.skipped)} images of {record.config['dataset']['name']}:"), soft_wrap=True)
    for sample_id, reason in list(record.skipped.items())[:SKIPPED_SHOWN]:
        console.print(Text(f"  {sample_id}: {reason}"), soft_wrap=True)
    if len(record.skipped) > SKIPPED_SHOWN:
        console.print(
            Text(f"  and {len(record.skipped) - SKIPPED_SHOWN} more, in {record.run_id}/run.json"), soft_wrap=True
        )
