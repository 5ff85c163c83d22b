"""The end of ``ocrbench ab`` and ``ocrbench compare``: what is shown, files for CI, and the exit status."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocrbench import environment
from ocrbench.cli.commands import make_console
from ocrbench.cli.files import STANDARD_OUTPUT, check_output, write_output
from ocrbench.compare.verdict import Checked, Comparison, check_gate, outcome_of
from ocrbench.config.schema import Gate
from ocrbench.report.benchmark_json import comparisons_to_benchmark_json
from ocrbench.report.comparison import Judged, sentence, to_frame, to_json
from ocrbench.report.junit import to_junit
from ocrbench.report.pull_request import annotations, to_pull_request
from ocrbench.runs.columns import text

FLIPPED_SHOWN = 10
UNDECIDED = 3
# Without a gate the verdict decides.
STATUS_OF_VERDICT = {"improved": 0, "equivalent": 0, "trade-off": 0, "regressed": 1, "undecided": UNDECIDED}
STATUS_OF_GATE = {"pass": 0, "fail": 1, "undecided": UNDECIDED}
# Of several comparisons the gravest counts.
GRAVITY = (1, UNDECIDED, 0)
# What an undecided comparison or limit counts as; None for neither.
Undecided = Literal["pass", "fail"] | None
COUNTED_AS = {"pass": "passed", "fail": "failed"}

JunitOption = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")]
MarkdownOption = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a Markdown summary.")]
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")]
BenchmarkJsonOption = Annotated[
    Path | None, typer.Option("--benchmark-json", metavar="FILE", help="Write the times as pytest-benchmark does.")
]
UndecidedOption = Annotated[
    Undecided, typer.Option("--undecided", help="Exit status of what is undecided: 0 or 1 instead of 3.")
]


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The files that were asked for."""

    junit: Path | None = None
    markdown: Path | None = None
    json: Path | None = None
    benchmark_json: Path | None = None

    def check(self) -> None:
        """Make sure that the files can be written, before anything is measured.

        Raises:
            ConfigError: One cannot.
        """
        for path in self._paths:
            check_output(path)

    @property
    def to_standard_output(self) -> bool:
        """Whether one of them goes there, so that nothing else may."""
        return STANDARD_OUTPUT in self._paths

    @property
    def _paths(self) -> tuple[Path | None, ...]:
        return self.junit, self.markdown, self.json, self.benchmark_json


def report(comparisons: Sequence[Comparison], gate: Gate, outputs: Outputs, undecided: Undecided) -> int:
    """Show comparisons and what the gate says of each, write the files, and return the exit status."""
    console = make_console(stderr=outputs.to_standard_output)
    judged = []
    for comparison in comparisons:
        checked = check_gate(gate, comparison)
        show_comparison(console, comparison, None if checked else undecided)
        show_gate(console, checked, undecided)
        judged.append(Judged(comparison=comparison, gate=gate, checked=checked))
    publish(judged, outputs)
    return exit_status(judged, undecided)


def show_comparison(console: Console, comparison: Comparison, undecided: Undecided = None) -> None:
    """Print the table of changes, the warnings and the verdict, and what an undecided one counts as."""
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
    verdict = sentence(comparison) + _counts(comparison.verdict, undecided)
    console.print(Text(verdict, style="bold"), soft_wrap=True)


def show_gate(console: Console, checked: list[Checked], undecided: Undecided) -> None:
    """Print the outcome of each limit, and what an undecided one counts as."""
    for each in checked:
        line = f"gate {each.outcome}: {each.limit.metric} {each.reason}" + _counts(each.outcome, undecided)
        console.print(Text(line), soft_wrap=True)


def _counts(outcome: str, undecided: Undecided) -> str:
    return f"; counts as {COUNTED_AS[undecided]}" if outcome == "undecided" and undecided else ""


def publish(judged: Sequence[Judged], outputs: Outputs) -> None:
    """Write the files, and in GitHub Actions the step summary and annotations too.

    Raises:
        ConfigError: A file cannot be written.
    """
    if outputs.junit is not None:
        write_output(outputs.junit, to_junit(judged, _properties()))
    if outputs.markdown is not None:
        write_output(outputs.markdown, to_pull_request(judged))
    if outputs.json is not None:
        write_output(outputs.json, to_json(judged))
    if outputs.benchmark_json is not None:
        write_output(outputs.benchmark_json, comparisons_to_benchmark_json([each.comparison for each in judged]))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("ab") as stream:
            stream.write(to_pull_request(judged) + b"\n")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in annotations(judged):
            typer.echo(line)


def exit_status(judged: Sequence[Judged], undecided: Undecided = None) -> int:
    """Return the status by which CI goes on or stops: 0 fine, 1 worse, 3 undecided and not counted as either."""
    found = {
        status_of_gate(each.checked, undecided)
        if each.checked
        else _settled(STATUS_OF_VERDICT[each.comparison.verdict], undecided)
        for each in judged
    }
    return next(status for status in GRAVITY if status in found)


def status_of_gate(checked: Sequence[Checked], undecided: Undecided) -> int:
    """Return the exit status of a gate."""
    return _settled(STATUS_OF_GATE[outcome_of(checked)], undecided)


def _settled(status: int, undecided: Undecided) -> int:
    return STATUS_OF_GATE[undecided] if status == UNDECIDED and undecided else status


def _properties() -> dict[str, str]:
    """Describe the machine that compared; runs may come from elsewhere."""
    host, versions = environment.host(), environment.versions()
    return {
        "host": str(host["name"]),
        "cpu": str(host["cpu"]),
        "cores": str(host["cores"]),
        "os": str(host["os"]),
        **{f"version.{name}": version for name, version in versions.items()},
    }
