"""Compare two configurations: ``ocrbench ab``, ``ocrbench compare``."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocrbench.cell import check
from ocrbench.cli.commands import make_app
from ocrbench.cli.console import make_console
from ocrbench.cli.files import ConfigDirOption, existing
from ocrbench.cli.outputs import (
    BenchmarkJsonOption,
    JsonOption,
    JunitOption,
    MarkdownOption,
    Outputs,
    exit_status,
    publish,
)
from ocrbench.compare.interleaved import Plan
from ocrbench.compare.live import compare_live
from ocrbench.compare.sides import parse_side
from ocrbench.compare.verdict import Checked, Comparison, check_gate, check_limits
from ocrbench.config import Gate
from ocrbench.progress import ConsoleListener
from ocrbench.report.columns import text
from ocrbench.report.comparison import Judged, sentence, to_frame

app = make_app()

FLIPPED_SHOWN = 10


@app.command("ab")
def ab(  # noqa: PLR0913 - each is an option of the command
    before: Annotated[str, typer.Argument(metavar="A", help="Overrides, an experiment, python=PATH, env.NAME=VALUE.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Likewise; '' is the common configuration.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Of both; gate=ci sets limits.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Measuring time, over all pairs of processes.")] = 30.0,
    processes: Annotated[int, typer.Option(min=1, help="Pairs of processes, one after the other.")] = 6,
    until_decided: Annotated[bool, typer.Option("--until-decided", help="Go on until there is a verdict.")] = False,
    max_seconds: Annotated[float, typer.Option(min=1, help="Time budget of --until-decided.")] = 600.0,
    block_images: Annotated[int, typer.Option(min=1, help="Images that one side reads before the other.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the order of blocks.")] = 0,
    config_dir: ConfigDirOption = None,
    junit: JunitOption = None,
    markdown: MarkdownOption = None,
    json: JsonOption = None,
    benchmark_json: BenchmarkJsonOption = None,
) -> None:
    """Measure two configurations side by side and say which is faster and which is more accurate.

    For example: ocrbench ab precision=FP32 precision=BF16 dataset.limit=20

    Exit status: 0 no worse (or the gate is passed), 1 worse (or the gate fails), 3 undecided.
    """
    common, folder = overrides or [], existing(config_dir)
    first, second = (parse_side(side, common, folder) for side in (before, after))
    for side in (first, second):
        check(side.cell)
    gate = first.cell.gate
    check_limits(gate)
    outputs = Outputs(junit=junit, markdown=markdown, json=json, benchmark_json=benchmark_json)
    outputs.check()
    plan = Plan(
        seconds=seconds,
        processes=processes,
        until_decided=until_decided,
        max_seconds=max_seconds,
        margin=gate.margin,
        block_images=block_images,
        seed=seed,
    )
    with ConsoleListener(make_console(stderr=True), "ab") as listener:
        comparison = compare_live(first, second, plan, listener)
    status = report([comparison], gate, outputs)
    if comparison.interrupted:
        raise KeyboardInterrupt
    raise typer.Exit(status)


def report(comparisons: Sequence[Comparison], gate: Gate, outputs: Outputs) -> int:
    """Show comparisons and what the gate says of each, write the files, and return the exit status."""
    console = make_console()
    judged = []
    for comparison in comparisons:
        show_comparison(console, comparison)
        checked = check_gate(gate, comparison)
        show_gate(console, checked)
        judged.append(Judged(comparison=comparison, gate=gate, checked=checked))
    publish(judged, outputs)
    return exit_status(judged)


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Print the table of changes, the warnings and the verdict."""
    console.print(Text(f"A: {comparison.before}\nB: {comparison.after}"), soft_wrap=True)
    frame = to_frame(comparison)
    shown = Table("metric", "A", "B", "change [95 % interval]", "verdict", "n")
    for _, row in frame.iterrows():
        metric = str(row["metric"])
        values = (metric, text(metric, row["A"]), text(metric, row["B"]), row["change"], row["verdict"], str(row["n"]))
        shown.add_row(*(Text(str(value)) for value in values))
    console.print(shown)
    for sample_id, expected, one, other in comparison.flipped[:FLIPPED_SHOWN]:
        console.print(Text(f"flipped in {sample_id}: {expected!r}: A {one!r}, B {other!r}"), soft_wrap=True)
    if len(comparison.flipped) > FLIPPED_SHOWN:
        console.print(Text(f"and {len(comparison.flipped) - FLIPPED_SHOWN} more flipped words"))
    for warning in comparison.warnings:
        console.print(Text(f"note: {warning}"), soft_wrap=True)
    console.print(Text(sentence(comparison), style="bold"), soft_wrap=True)


def show_gate(console: Console, checked: list[Checked]) -> None:
    """Print the outcome of each limit."""
    for each in checked:
        console.print(Text(f"gate {each.outcome}: {each.limit.metric} {each.reason}"), soft_wrap=True)
