"""The commands of ocrbench: what each is for, and what their applications have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

from ocrbench.neutral import for_terminal

if TYPE_CHECKING:
    import typer


@dataclass(frozen=True, kw_only=True)
class Command:
    """What the overview and the command's own help say of it.

    Attributes:
        module: Name of its module in ``ocrbench.cli``, imported only when the command is called.
        words: Its arguments, for the overview.
        summary: Its purpose, in one line.
        details: Further paragraphs, without line breaks of their own.
        examples: Command lines.
    """

    module: str
    words: str = ""
    summary: str
    details: Sequence[str] = ()
    examples: Sequence[str]

    @property
    def help(self) -> str:
        """The text above the options in the command's own help."""
        return "\n\n".join([self.summary, *self.details])

    @property
    def epilog(self) -> str:
        """The text below them."""
        return examples(*self.examples)


def examples(*lines: str) -> str:
    r"""Set example command lines for the end of a help text, in which ``\b`` keeps line breaks.

    >>> examples("ocrbench read photo.jpg")
    '\x08\nExamples:\n  ocrbench read photo.jpg'
    """
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


# Where there is no terminal, tables are wide enough not to be folded.
WIDTH_ELSEWHERE = 160
VERDICT_STATUS = (
    "Exit status: 0 no worse (or the gate is passed), 1 worse (or the gate fails), 3 undecided, unless --undecided "
    "makes that 0 or 1."
)

COMMANDS = {
    "read": Command(
        module="read",
        words="IMAGE",
        summary="Print the text of images, and draw it on them.",
        examples=("ocrbench read photo.jpg", "ocrbench read photos/ device=AUTO model=ppocrv4_mobile --crops"),
    ),
    "fetch": Command(
        module="fetch",
        words="MODEL",
        summary="Download and convert models ahead of time.",
        examples=("ocrbench fetch ppocrv6_small", "ocrbench fetch horizontal-text-detection-0001 precision=FP32"),
    ),
    "list": Command(
        module="listing",
        words="WHAT",
        summary="List devices, models, datasets, or columns of the tables.",
        examples=("ocrbench list devices", "ocrbench list models"),
    ),
    "ab": Command(
        module="ab",
        words="A B",
        summary="Measure two configurations in turns; say which is better.",
        details=(
            "Compares speed and accuracy, with intervals. A gate sets limits, for CI.",
            VERDICT_STATUS,
        ),
        examples=(
            "ocrbench ab precision=FP32 precision=BF16 dataset.limit=20",
            "ocrbench ab '' detector.limit_side=640 precision=INT8 gate=ci",
        ),
    ),
    "compare": Command(
        module="compare",
        words="RUNS RUNS",
        summary="Compare finished runs, image by image.",
        details=(
            "Pairs accuracy by image, and compares speed where host and environment agree.",
            VERDICT_STATUS,
        ),
        examples=("ocrbench compare baseline/runs reports/runs gate=ci", "ocrbench compare reports --by device"),
    ),
    "score": Command(
        module="score",
        words="RUNS",
        summary="Score stored runs again by another rule, without measuring.",
        details=(
            "Each run keeps its own rule where no key is given; scores that it lacks, such as those of a new scorer, "
            "are added. The scores lie beside the run, with their rule.",
        ),
        examples=("ocrbench score reports scoring.case_sensitive=true", "ocrbench score reports"),
    ),
    "conversion": Command(
        module="conversion",
        summary="Measure what INT8 gains and costs against FP32 and AUTO.",
        details=(
            "Shows size, compile time, speed and accuracy with intervals, and each word that is read differently.",
            "The limits of a gate are held against FP32.",
            "Exit status: 0 measured (and the gate is passed), 1 the gate fails, 2 a mistake or a side that cannot be "
            "measured, 3 the gate is undecided, unless --undecided makes that 0 or 1.",
        ),
        examples=(
            "ocrbench conversion",
            "ocrbench conversion model=ppocrv4_mobile precision=BF16 gate=accuracy",
        ),
    ),
    "doctor": Command(
        module="doctor",
        summary="Check whether this machine measures well.",
        details=("Takes about six seconds. Exit status: 0 nothing to change, 1 something to change.",),
        examples=("ocrbench doctor", "ocrbench doctor reports_dir=/data/reports --json"),
    ),
    "sensitivity": Command(
        module="sensitivity",
        words="MODEL",
        summary="Show which layers cost accuracy or time when quantised.",
        details=(
            "Compares each layer that NNCF quantised with the float model on images of the dataset (8 of them, unless "
            "dataset.limit says otherwise), and times it in FP32, in INT8 and as OpenVINO runs it by default (AUTO). "
            "The float networks are rewritten only as the INT8 one is (see folding.rewrites), so that all have the "
            "same layers.",
        ),
        examples=("ocrbench sensitivity ppocrv6_small --stage detector --sort time --top 20",),
    ),
    "parity": Command(
        module="parity",
        summary="Time the networks alone, beside OpenVINO's benchmark_app.",
        details=(
            "Both run the model that ocrbench compiles, with the pre- and post-processing folded into it, on the same "
            "device with the same properties, shape and input. OpenVINO itself takes both times; a ratio above 1 means "
            "that ocrbench is slower.",
            'The column "around" is the time that ocrbench\'s calls take beyond that. It is part of the times in '
            "ocrbench's tables, but benchmark_app does not count it.",
            "Each turn is a process of its own, so a round takes a few seconds more than it measures. The machine must "
            "be idle.",
        ),
        examples=(
            "ocrbench parity precision=BF16",
            "ocrbench parity reports/runs/RUN --stage recognizer --batch 8",
        ),
    ),
    "report": Command(
        module="report",
        words="[RUNS]",
        summary="Make one HTML page of runs, which opens offline.",
        details=("Writes a short Markdown file beside it. --serve shows the page while a matrix runs.",),
        examples=("ocrbench report", "ocrbench report reports --output report.html"),
    ),
    "export": Command(
        module="export",
        words="FORMAT",
        summary="Write stored runs as CSV, JSON, Parquet or benchmark JSON.",
        examples=("ocrbench export csv reports --output runs.csv",),
    ),
    "history": Command(
        module="history",
        words="METRIC",
        summary="Show a metric over time, and where its level changed.",
        examples=("ocrbench history latency_p50_ms --series ppocrv6_small-FP16",),
    ),
}


def make_app(group: str | None = None) -> typer.Typer:
    """Make the application of one command, or of a command that is a group of others."""
    # Takes longer to import than the overview takes.
    import typer

    described = COMMANDS[group] if group else None
    return typer.Typer(
        help=described.help if described else None,
        epilog=described.epilog if described else None,
        no_args_is_help=described is not None,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the function behind a command of ``COMMANDS``, whose help is taken from there."""
    return app.command(name, help=COMMANDS[name].help, epilog=COMMANDS[name].epilog)


def make_console(*, stderr: bool = False) -> Console:
    """Make a console for standard output or standard error."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_ELSEWHERE
    console = Console(stderr=stderr, width=width, highlight=False)
    console.push_render_hook(_Neutral())
    return console


class _Neutral(RenderHook):
    """Makes all that a console prints harmless; what the console itself says to the terminal stays."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap each."""
        return [_Harmless(each) for each in renderables]


class _Harmless:
    def __init__(self, shown: ConsoleRenderable) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            yield segment if segment.control else Segment(for_terminal(segment.text), segment.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._shown)
