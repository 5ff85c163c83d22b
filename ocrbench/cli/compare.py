"""Compare finished runs: ``ocrbench compare``."""

from typing import Annotated

import typer
from rich.text import Text

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
from ocrbench.compare.stored import compare_matched
from ocrbench.compare.verdict import check_limits
from ocrbench.config.checking import closest
from ocrbench.config.composing import load
from ocrbench.errors import ConfigError
from ocrbench.runs.match import COMPARABLE_FACTORS, Matched, match_runs, pairs_by
from ocrbench.runs.store import find_runs

app = make_app()


@command(app, "compare")
def compare(  # noqa: PLR0913 - each is an option of the command
    words: Annotated[
        list[str], typer.Argument(metavar="RUNS|gate=NAME", help="Folders of runs: A, then B; with --by any number.")
    ],
    by: Annotated[
        str,
        typer.Option(metavar="FACTOR", help=f"Compare runs that differ only in this: {', '.join(COMPARABLE_FACTORS)}."),
    ] = "",
    undecided: UndecidedOption = None,
    config_dir: ConfigDirOption = None,
    junit: JunitOption = None,
    markdown: MarkdownOption = None,
    json: JsonOption = None,
    benchmark_json: BenchmarkJsonOption = None,
) -> None:
    """Compare finished runs: accuracy paired by image, speed where host and environment agree."""
    overrides = [word for word in words if "=" in word]
    if others := [word for word in overrides if not word.lstrip("+").startswith("gate")]:
        message = f"compare: {' '.join(others)}: finished runs stay as they are; expected folders and gate=NAME"
        raise ConfigError(message)
    gate = load(overrides, existing(config_dir)).gate
    check_limits(gate)
    matched = _matched([word for word in words if "=" not in word], by)
    comparisons = [compare_matched(each, gate.margin) for each in matched]
    outputs = Outputs(junit=junit, markdown=markdown, json=json, benchmark_json=benchmark_json)
    raise typer.Exit(report(comparisons, gate, outputs, undecided))


def _matched(folders: list[str], by: str) -> list[Matched]:
    if by and by not in COMPARABLE_FACTORS:
        message = f"--by {by}: no such factor; {closest(by, COMPARABLE_FACTORS)}"
        raise ConfigError(message)
    if by:
        pairs = pairs_by(find_runs(folders), by)
        if not pairs:
            message = f"no two of these runs differ in {by} only"
            raise ConfigError(message)
        return pairs
    if len(folders) != 2:
        message = f"compare: expected two folders of runs, A and B, not {len(folders)}; or --by FACTOR"
        raise ConfigError(message)
    found = match_runs(find_runs(folders[:1], failed=True), find_runs(folders[1:], failed=True))
    matched = [each for each in found if each.after or each.failed]
    if not matched:
        message = f"{folders[0]} and {folders[1]} hold no run of the same cell"
        raise ConfigError(message)
    for each in found:
        if each not in matched:
            said = f"left out: {each.before[-1].run_id}: {each.missing} in {folders[1]}"
            make_console(stderr=True).print(Text(said), soft_wrap=True)
    return matched
