"""Hand stored runs to other programs: ``ocrbench export``."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ocrbench.cli.commands import examples, make_app
from ocrbench.cli.files import STANDARD_OUTPUT, write_output
from ocrbench.report.benchmark_json import runs_to_benchmark_json
from ocrbench.report.tables import to_csv, to_json, to_parquet
from ocrbench.runs import table
from ocrbench.runs.store import find_runs

DEFAULT_RUNS = "reports"

RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUNS", help="Runs, or any folders above runs.", show_default=DEFAULT_RUNS),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="File to write.", show_default="standard output")
]
LongOption = Annotated[bool, typer.Option("--long", help="Write a row per run, stage and metric, not one per run.")]

app = make_app("export")


@app.command("benchmark-json", epilog=examples("ocrbench export benchmark-json reports --output benchmark.json"))
def benchmark_json(
    folders: Annotated[list[str], typer.Argument(metavar="RUNS", help="Runs, or any folders above runs.")],
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="File to write.")],
) -> None:
    """Write the times of finished runs as pytest-benchmark does."""
    runs = find_runs(folders)
    write_output(output, runs_to_benchmark_json(runs))
    if output != STANDARD_OUTPUT:
        typer.echo(f"{len(runs)} runs: {output}")


@app.command("csv", epilog=examples("ocrbench export csv reports --output runs.csv"))
def csv(runs: RunsArgument = None, output: OutputOption = None, long: LongOption = False) -> None:
    """Write the table of stored runs as CSV.

    Failed runs are rows too.
    """
    _publish(to_csv(_table(runs, long=long)), output)


@app.command("json", epilog=examples("ocrbench export json reports --long"))
def json(runs: RunsArgument = None, output: OutputOption = None, long: LongOption = False) -> None:
    """Write the table of stored runs as JSON.

    It is a list of rows, also of failed runs; empty numbers are null.
    """
    _publish(to_json(_table(runs, long=long)), output)


@app.command("parquet", epilog=examples("ocrbench export parquet reports --output runs.parquet"))
def parquet(
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="File to write.")],
    runs: RunsArgument = None,
    long: LongOption = False,
) -> None:
    """Write the table of stored runs as Parquet.

    Failed runs are rows too.
    """
    _publish(to_parquet(_table(runs, long=long)), output)


def _table(folders: list[str] | None, *, long: bool) -> pd.DataFrame:
    found = find_runs(folders or [DEFAULT_RUNS], failed=True)
    return table.long(found) if long else table.wide(found)


def _publish(content: bytes, output: Path | None) -> None:
    if output is None:
        typer.echo(content, nl=False)
    else:
        write_output(output, content)
