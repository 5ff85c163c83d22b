"""Compare two configurations side by side: ``ocrbench ab``."""

from typing import Annotated

import typer

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.cli.comparison import (
    BenchmarkJsonOption,
    JsonOption,
    JunitOption,
    MarkdownOption,
    Outputs,
    UndecidedOption,
    report,
)
from ocrbench.cli.files import ConfigDirOption, existing
from ocrbench.compare.interleaved import Plan
from ocrbench.compare.live import compare_live
from ocrbench.compare.sides import check_shared, parse_side
from ocrbench.compare.verdict import check_limits
from ocrbench.measure.preparing import check
from ocrbench.progress import ConsoleListener

app = make_app()


@command(app, "ab")
def ab(  # noqa: PLR0913 - each is an option of the command
    before: Annotated[
        str, typer.Argument(metavar="A", help="KEY=VALUE words, experiment=NAME, python=PATH, env.NAME=VALUE.")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="The same for the other side; '' changes nothing.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="What both have in common; gate=ci sets limits.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, metavar="N", help="Measuring time, over all pairs of processes.")
    ] = 30.0,
    processes: Annotated[int, typer.Option(min=1, metavar="N", help="Pairs of processes, one after the other.")] = 6,
    until_decided: Annotated[bool, typer.Option("--until-decided", help="Go on until there is a verdict.")] = False,
    max_seconds: Annotated[float, typer.Option(min=1, metavar="N", help="Time budget of --until-decided.")] = 600.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Decides the order of images.")] = 0,
    undecided: UndecidedOption = None,
    config_dir: ConfigDirOption = None,
    junit: JunitOption = None,
    markdown: MarkdownOption = None,
    json: JsonOption = None,
    benchmark_json: BenchmarkJsonOption = None,
) -> None:
    """Measure two configurations side by side and say which is faster and which is more accurate."""
    common, folder = overrides or [], existing(config_dir)
    first, second = (parse_side(side, common, folder) for side in (before, after))
    for side in (first, second):
        check(side.cell)
    check_shared(first, second)
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
        seed=seed,
    )
    with ConsoleListener(make_console(stderr=True), "ab") as listener:
        comparison = compare_live(first, second, plan, listener)
    status = report([comparison], gate, outputs, undecided)
    if comparison.interrupted:
        raise KeyboardInterrupt
    raise typer.Exit(status)
