"""Follow a metric over commits and dates: ``ocrbench history METRIC``."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table
from rich.text import Text

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.config.checking import closest
from ocrbench.errors import ConfigError
from ocrbench.metrics.change_points import MIN_RUNS
from ocrbench.report.history import history, sparkline
from ocrbench.report.tables import to_csv
from ocrbench.runs.columns import NUMBERS, SEEN, text
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store

app = make_app()

SHOWN = ("run_id", "started", "commit", "openvino", "devices", "status", "pictures", "value", "noisy", "change")


@command(app, "history")
def show_history(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="A column with numbers, for example latency_p50_ms.")],
    reports: Annotated[Path, typer.Option(metavar="DIR", help="Folder whose runs are shown.")] = Path("reports"),
    series: Annotated[
        str, typer.Option("--series", "--cell", metavar="TEXT", help="Show only runs whose name contains this.")
    ] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Print every column as CSV.")] = False,
) -> None:
    """Show the runs of each cell over time, and at which run a metric's level changed."""
    reports = reports.expanduser()
    stored = Store(reports).runs()
    _check(metric, stored)
    chosen = [each for each in stored if any(series in name for name in (each.series, each.cell_id, each.run_id))]
    if not chosen:
        names = {each.series or each.cell_id for each in stored}
        message = f"no runs of '{series}' in {reports / 'runs'}; {closest(series, names)}"
        raise ConfigError(message if stored else f"no runs in {reports / 'runs'}")
    frame = history(chosen, metric)
    console = make_console()
    if csv:
        console.print(Text(to_csv(frame).decode(), end=""), soft_wrap=True)
        return
    for name, runs in frame.groupby("series", sort=False):
        console.print(Text(f"{name}  {metric}  {sparkline(runs['value'])}", style="bold"), soft_wrap=True)
        console.print(_table(runs, metric))
        console.print(Text(summary(runs) + "\n"), soft_wrap=True)


def summary(runs: pd.DataFrame) -> str:
    """Say in a sentence where the level of one series changed."""
    count = int(runs["value"].notna().sum())
    if count < MIN_RUNS:
        return f"Runs with a value: {count}. To tell a change from noise, {MIN_RUNS} are needed."
    changed = runs[runs["change"] != ""]
    if changed.empty:
        return f"No change of level in {count} runs."
    said = [f"{row['change']} from {row['run_id']} on" for _, row in changed.iterrows()]
    return "The level changed: " + ", ".join(said) + "."


def _check(metric: str, runs: list[Run]) -> None:
    valid = {*NUMBERS, *(name for run in runs for name in run.scores)}
    if metric not in valid:
        message = f"{metric}: no such metric; {closest(metric, valid)}"
        raise ConfigError(message)


def _table(runs: pd.DataFrame, metric: str) -> Table:
    shown = Table()
    # Processors have no drivers.
    columns = [name for name in SHOWN if name != "devices" or any(runs["devices"])]
    columns = [name for name in columns if name != "pictures" or SEEN in set(runs["pictures"])]
    for name in columns:
        shown.add_column(name, justify="right" if name == "value" else "left", overflow="fold")
    for _, row in runs.iterrows():
        noisy = {"noisy": "yes" if row["noisy"] else "", "value": text(metric, row["value"])}
        shown.add_row(*(Text(text(name, {**row, **noisy}[name])) for name in columns))
    return shown
