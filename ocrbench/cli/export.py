"""Hand stored runs to other programs: ``ocrbench export``."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ocrbench import table
from ocrbench.cli.commands import make_app
from ocrbench.cli.files import write_output
from ocrbench.compare.stored import find_runs
from ocrbench.report import delimited
from ocrbench.report.benchmark_json import runs_to_benchmark_json

DEFAULT_RUNS = "reports"

RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUNS]...", help="Runs, or any folders above runs.", show_default=DEFAULT_RUNS),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="The file to write.", show_default="standard output")
]
LongOption = Annotated[bool, typer.Option("--long", help="A row per run, stage and metric instead of one per run.")]

app = make_app("Hand stored runs to other programs.")


@app.callback()
def formats() -> None:
    """Hand stored runs to other programs."""


@app.command("benchmark-json")
def benchmark_json(
    folders: Annotated[list[str], typer.Argument(metavar="RUNS...", help="Runs, or any folders above runs.")],
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The file to write.")],
) -> None:
    """Write the times of finished runs as pytest-benchmark does.

    For example: ocrbench export benchmark-json reports --output benchmark.json
    """
    runs = find_runs(folders)
    stored = ((run.record, run.store.timings(run.record.run_id)) for run in runs)
    write_output(output, runs_to_benchmark_json(stored))
    typer.echo(f"{len(runs)} runs: {output}")


@app.command("csv")
def csv(runs: RunsArgument = None, output: OutputOption = None, long: LongOption = False) -> None:
    """Write the table of stored runs, failed ones too, as CSV.

    For example: ocrbench export csv reports --output runs.csv
    """
    _publish(delimited.to_csv(_table(runs, long=long)), output)


@app.command("json")
def json(runs: RunsArgument = None, output: OutputOption = None, long: LongOption = False) -> None:
    """Write the table of stored runs, failed ones too, as a JSON list of rows; empty numbers are null."""
    _publish(delimited.to_json(_table(runs, long=long)), output)


@app.command("parquet")
def parquet(
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The file to write.")],
    runs: RunsArgument = None,
    long: LongOption = False,
) -> None:
    """Write the table of stored runs, failed ones too, as Parquet."""
    _publish(delimited.to_parquet(_table(runs, long=long)), output)


def _table(folders: list[str] | None, *, long: bool) -> pd.DataFrame:
    records = [run.record for run in find_runs(folders or [DEFAULT_RUNS], failed=True)]
    return table.long(records) if long else table.wide(records)


def _publish(content: bytes, output: Path | None) -> None:
    if output is None:
        typer.echo(content, nl=False)
    else:
        write_output(output, content)
