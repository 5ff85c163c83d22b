"""Hand finished runs to other programs: ``ocrbench export``."""

from pathlib import Path
from typing import Annotated

import typer

from ocrbench.cli.outputs import write_output
from ocrbench.compare.stored import find_runs
from ocrbench.report.benchmark_json import runs_to_benchmark_json

app = typer.Typer(help="Hand finished runs to other programs.", no_args_is_help=True)


@app.callback()
def formats() -> None:
    """Hand finished runs to other programs."""


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
