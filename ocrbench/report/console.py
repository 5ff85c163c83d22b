"""The wide table on a terminal, and where the time of a profiled run went."""

from collections.abc import Iterator, Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocrbench.metrics.recognition import unrepeatable
from ocrbench.runs.run import Run
from ocrbench.runs.table import cell, cells, shown_columns, wide

# A table of fewer runs is easier to read with one line per column.
UPRIGHT_BELOW = 3
SKIPPED_SHOWN = 10
# What takes less than this share of its network's time is put into one row.
SHOWN_SHARE = 0.01


def show(console: Console, runs: Sequence[Run]) -> None:
    """Print the table, followed by doubts and skipped images."""
    show_table(console, runs)
    for run in runs:
        if run.noisy:
            noisy = f"Noisy, do not trust its times: {run.run_id}: {'; '.join(run.noisy)}"
            console.print(Text(noisy, style="yellow"), soft_wrap=True)
        if reason := unrepeatable(run.score_list):
            console.print(Text(f"Not repeatable: {run.run_id}: {reason}", style="yellow"), soft_wrap=True)
        _show_skipped(console, run)


def show_table(console: Console, runs: Sequence[Run]) -> None:
    """Print the table alone."""
    frame = wide(runs)
    console.print(_upright(frame) if len(frame) < UPRIGHT_BELOW else _table(frame))


def _table(frame: pd.DataFrame) -> Table:
    # Noise has lines of its own below.
    shown = [name for name in shown_columns(frame) if name != "noisy"]
    columns = [name for name in shown if name == "status" or len(frame[name].drop_duplicates()) > 1]
    constant = [name for name in shown if name not in columns]
    caption = ", ".join(f"{name} {cell(frame.iloc[0], name)}" for name in constant)
    table = Table(caption=Text(caption), caption_justify="left")
    for name in columns:
        table.add_column(name, justify="right" if frame[name].dtype == "float64" else "left", overflow="fold")
    for row in cells(frame, columns):
        table.add_row(*(Text(value) for value in row))
    return table


def _upright(frame: pd.DataFrame) -> Table:
    table = Table(show_header=False)
    table.add_column(style="bold")
    for _ in range(len(frame)):
        table.add_column(overflow="fold")
    for name in shown_columns(frame, details=True):
        # Noise has lines of its own below.
        if name != "noisy":
            table.add_row(name, *(Text(cell(row, name)) for _, row in frame.iterrows()))
    return table


def _show_skipped(console: Console, run: Run) -> None:
    if not run.skipped:
        return
    console.print(Text(f"Skipped {len(run.skipped)} images of {run.config['dataset']['name']}:"), soft_wrap=True)
    for sample_id, reason in list(run.skipped.items())[:SKIPPED_SHOWN]:
        console.print(Text(f"  {sample_id}: {reason}"), soft_wrap=True)
    if len(run.skipped) > SKIPPED_SHOWN:
        console.print(Text(f"  and {len(run.skipped) - SKIPPED_SHOWN} more, in {run.run_id}/run.json"), soft_wrap=True)


def profile_table(run: Run) -> Table | None:
    """Draw the time per layer type and executed precision; None for a run without a profile."""
    table = Table(title="Milliseconds per image by type of layer", title_justify="left")
    for name in ("stage", "layer type", "executed", "layers", "ms", "share"):
        table.add_column(name, justify="right" if name in ("layers", "ms", "share") else "left", overflow="fold")
    for role, networks in run.execution.items():
        for name, network in networks.items():
            types = network.get("layer_types", [])
            total = sum(each["ms"] for each in types)
            stage = role if len(networks) == 1 else f"{role} {name}"
            for kind, executed, layers, ms in _rows(types, SHOWN_SHARE * total):
                table.add_row(Text(stage), Text(kind), executed, str(layers), f"{ms:.3f}", f"{ms / total:.1%}")
            if types:
                layers = sum(each["layers"] for each in types)
                table.add_row(Text(stage), "all", "", str(layers), f"{total:.3f}", "", end_section=True)
    return table if table.row_count else None


def _rows(types: list[dict[str, float | str]], least: float) -> Iterator[tuple[str, str, int, float]]:
    rest: list[tuple[int, float]] = []
    for each in types:
        layers, ms = int(each["layers"]), float(each["ms"])
        if ms >= least:
            yield str(each["type"]), str(each["executed"]), layers, ms
        else:
            rest.append((layers, ms))
    if rest:
        yield "others", "", sum(layers for layers, _ in rest), sum(ms for _, ms in rest)
