"""What a comparison leaves behind for machines: files, GitHub's step summary, annotations."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ocrbench import environment
from ocrbench.cli.files import check_output, write_output
from ocrbench.compare.verdict import outcome_of
from ocrbench.report.benchmark_json import comparisons_to_benchmark_json
from ocrbench.report.comparison import Judged, to_json
from ocrbench.report.junit import to_junit
from ocrbench.report.pull_request import annotations, to_pull_request

# Without a gate the verdict decides.
STATUS_OF_VERDICT = {"improved": 0, "equivalent": 0, "trade-off": 0, "regressed": 1, "undecided": 3}
STATUS_OF_GATE = {"pass": 0, "fail": 1, "undecided": 3}
# Of several comparisons the gravest counts.
GRAVITY = (1, 3, 0)

JunitOption = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")]
MarkdownOption = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a Markdown summary.")]
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")]
BenchmarkJsonOption = Annotated[
    Path | None, typer.Option("--benchmark-json", metavar="FILE", help="Write the times as pytest-benchmark does.")
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
        for path in (self.junit, self.markdown, self.json, self.benchmark_json):
            check_output(path)


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


def exit_status(judged: Sequence[Judged]) -> int:
    """Return the status by which CI goes on or stops: 0 fine, 1 worse, 3 undecided."""
    found = {
        STATUS_OF_GATE[outcome_of(each.checked)] if each.checked else STATUS_OF_VERDICT[each.comparison.verdict]
        for each in judged
    }
    return next(status for status in GRAVITY if status in found)


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
