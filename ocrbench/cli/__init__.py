"""The command line: commands, logging, exit status.

Exit status: 0 all is well; 1 a cell, an image or a download failed, or doctor warns; 2 the user's mistake.
"""

import logging
import sys
from collections.abc import Sequence

import typer
from rich.logging import RichHandler
from rich.text import Text

from ocrbench import __version__
from ocrbench.cli import (
    compare,
    conversion,
    doctor,
    export,
    fetch,
    history,
    listing,
    parity,
    plan,
    read,
    report,
    run,
    sensitivity,
    stored,
)
from ocrbench.cli.console import make_console
from ocrbench.errors import OcrBenchError

log = logging.getLogger(__name__)

MISTAKE, INTERRUPTED = 2, 130

app = typer.Typer(
    help="Benchmark and evaluate OCR pipelines on OpenVINO devices and precisions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(listing.app, name="list")
app.command("read")(read.read)
app.command("fetch")(fetch.fetch)
app.command("ab")(compare.ab)
app.command("compare")(stored.compare)
app.command("conversion")(conversion.conversion)
app.add_typer(export.app, name="export")
app.command("doctor")(doctor.doctor)
app.command("history")(history.show_history)
app.command("report")(report.report)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("plan")(plan.plan)
app.command("parity")(parity.parity)
COMMANDS = (
    *(str(each.name) for each in app.registered_groups),
    *(str(each.name) for each in app.registered_commands),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ocrbench and exit with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verbose = "-v" in words or "--verbose" in words
    words = [word for word in words if word not in ("-v", "--verbose")]
    _set_up_logging(verbose=verbose)
    try:
        sys.exit(_dispatch(words))
    except OcrBenchError as error:
        if verbose:
            log.exception("ocrbench was called with: %s", " ".join(words))
        make_console(stderr=True).print(Text(f"ocrbench: {error}"), soft_wrap=True)
        sys.exit(MISTAKE)
    except KeyboardInterrupt:
        make_console(stderr=True).print(Text("ocrbench: interrupted; what was finished is kept"))
        sys.exit(INTERRUPTED)


def _dispatch(words: list[str]) -> int:
    if "--version" in words:
        make_console().print(f"ocrbench {__version__}")
        return 0
    if words and words[0] in COMMANDS:
        app(words, prog_name="ocrbench")
        return 0
    return run.run(words, COMMANDS)


def _set_up_logging(*, verbose: bool) -> None:
    handler = RichHandler(console=make_console(stderr=True), show_time=False, show_path=False, rich_tracebacks=True)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(message)s", handlers=[handler])
    for noisy in ("hydra", "filelock", "urllib3", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
