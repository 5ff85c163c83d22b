"""The command line: commands, logging, exit status.

Exit status: 0 all cells finished; 1 a cell failed; 2 the user's mistake.
"""

import logging
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import hydra
import pandas as pd
import typer
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from ocrbench import __version__, table
from ocrbench.cell import Finished, check, run_cell
from ocrbench.config import Cell, closest, load_matrix, packaged, parse, register_resolvers
from ocrbench.errors import ConfigError, OcrBenchError
from ocrbench.progress import ConsoleListener
from ocrbench.report import REPORTS
from ocrbench.report.console import show
from ocrbench.runtime import check_device, devices
from ocrbench.store import write_atomically

log = logging.getLogger(__name__)

OK, CELL_FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130
CI_WIDTH = 160

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
listing = typer.Typer(no_args_is_help=True, help="List what there is to choose from.")
app.add_typer(listing, name="list")
COMMANDS = ("list",)
FLAGS_WITH_VALUE = ("--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--cfg", "-c", "--package", "-p")
ASKING_FLAGS = ("--help", "-h", "--hydra-help", "--cfg", "-c", "--info", "-i", "--shell-completion", "-sc")


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
        _console(stderr=True).print(Text(f"ocrbench: {error}"), soft_wrap=True)
        sys.exit(MISTAKE)
    except KeyboardInterrupt:
        _console(stderr=True).print(Text("ocrbench: interrupted; finished cells are kept"))
        sys.exit(INTERRUPTED)


def _dispatch(words: list[str]) -> int:
    if "--version" in words:
        _console().print(f"ocrbench {__version__}", highlight=False)
        return OK
    if words and words[0] in COMMANDS:
        app(words, prog_name="ocrbench")
        return OK
    return _run(*_split(words))


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part Hydra's flags from the overrides.

    Raises:
        ConfigError: A word is neither.
    """
    flags: list[str] = []
    overrides: list[str] = []
    for before, word in pairwise(["", *words]):
        if word.startswith("-") or before in FLAGS_WITH_VALUE:
            flags.append(word)
        elif "=" in word or word.startswith("~"):
            overrides.append(word)
        else:
            message = f"{word}: expected KEY=VALUE or a command; {closest(word, COMMANDS)}. See --help"
            raise ConfigError(message)
    return flags, overrides


def _run(flags: list[str], overrides: list[str]) -> int:
    """Check every cell, then hand over to Hydra, which calls back once per cell."""
    cells = [] if any(flag.partition("=")[0] in ASKING_FLAGS for flag in flags) else _checked(flags, overrides)
    session = Session(matrix=len(cells) > 1)

    def one_cell(config: DictConfig) -> None:
        session.run(parse(config))

    register_resolvers()
    # Hydra's parser wants its flags before the overrides.
    sys.argv = ["ocrbench", *flags, *overrides]
    hydra.main(version_base="1.3", config_path=packaged("conf"), config_name="config")(one_cell)()
    return session.finish() if cells else OK


def _checked(flags: Sequence[str], overrides: Sequence[str]) -> list[Cell]:
    """Find mistakes in every cell before the first one runs."""
    config_dir = next((value for flag, value in pairwise(flags) if flag in ("--config-dir", "-cd")), None)
    if config_dir is not None and not Path(config_dir).is_dir():
        message = f"--config-dir {config_dir}: no such folder"
        raise ConfigError(message)
    cells = load_matrix(overrides, sweep=bool({"-m", "--multirun"} & set(flags)), config_dir=config_dir)
    for cell in cells:
        check(cell)
    if len(cells) == 1:
        check_device(cells[0].detector.device)
        check_device(cells[0].recognizer.device)
    return cells


class Session:
    """One invocation: runs its cells, and keeps the tables up to date after each."""

    def __init__(self, *, matrix: bool) -> None:
        self._matrix = matrix
        self._finished: list[Finished] = []
        self._reports_dir = Path()
        self._progress = _console(stderr=True)

    def run(self, cell: Cell) -> None:
        """Run one cell and write the tables."""
        self._reports_dir = Path(cell.reports_dir)
        number = f"[{HydraConfig.get().job.num + 1}] " if self._matrix else ""
        title = f"{number}{cell.detector.name} {cell.precision} on {cell.device}, {cell.dataset.name}"
        with ConsoleListener(self._progress, title) as listener:
            finished = run_cell(cell, listener)
            if finished.reused:
                listener.say("measured before; that run is shown (force=true measures again)")
        self._finished.append(finished)
        for suffix, write in REPORTS.items():
            write_atomically(self._reports_dir / f"latest.{suffix}", write(self._frame()))

    def finish(self) -> int:
        """Show the table, say where everything is, and return the exit status."""
        records = [each.record for each in self._finished]
        console = _console()
        show(console, self._frame(), records)
        files = ", ".join(str(self._reports_dir / f"latest.{suffix}") for suffix in REPORTS)
        runs = self._finished[0].folder if len(records) == 1 else self._reports_dir / "runs"
        console.print(Text(f"Tables: {files}\nRuns: {runs}"), soft_wrap=True)
        return OK if all(record.status == "ok" for record in records) else CELL_FAILED

    def _frame(self) -> pd.DataFrame:
        return table.wide([each.record for each in self._finished])


@app.callback()
def _commands() -> None:
    """Benchmark and evaluate OCR pipelines on OpenVINO devices and precisions."""


@listing.command("devices")
def list_devices() -> None:
    """Show the devices that OpenVINO finds, and the precisions that each has instructions for."""
    shown = Table("name", "full name", "native precisions", "capabilities")
    for device in devices():
        native, capabilities = ", ".join(device.native), ", ".join(device.capabilities)
        shown.add_row(*(Text(value) for value in (device.name, device.full_name, native, capabilities)))
    _console().print(shown)


def _console(*, stderr: bool = False) -> Console:
    """Make a console; where there is no terminal, wide enough that tables are not folded."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else CI_WIDTH
    return Console(stderr=stderr, width=width, highlight=False)


def _set_up_logging(*, verbose: bool) -> None:
    handler = RichHandler(console=_console(stderr=True), show_time=False, show_path=False, rich_tracebacks=True)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(message)s", handlers=[handler])
    for noisy in ("hydra", "filelock", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
