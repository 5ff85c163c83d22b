"""Run cells: ``python -m ocrbench KEY=VALUE …``."""

import logging
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from rich.console import Console
from rich.text import Text

from ocrbench.cli.console import make_console
from ocrbench.config import Cell, closest, packaged
from ocrbench.config.composing import complete, load_matrix
from ocrbench.config.parsing import parse, register_resolvers
from ocrbench.errors import ConfigError
from ocrbench.files import write_atomically
from ocrbench.measure.cell import run_cell
from ocrbench.measure.checks import check
from ocrbench.profiling.run_files import LAYERS, TRACE
from ocrbench.progress import ConsoleListener
from ocrbench.report.console import profile_table, show
from ocrbench.report.tables import REPORTS
from ocrbench.runs.run import Run
from ocrbench.runs.table import wide
from ocrbench.runtime import check_device

log = logging.getLogger(__name__)

OK, CELL_FAILED = 0, 1
# They would put another configuration in the place of the one that was checked.
REPLACING_FLAGS = ("--config-name", "-cn", "--config-path", "-cp")
FLAGS_WITH_VALUE = ("--config-dir", "-cd", *REPLACING_FLAGS, "--cfg", "-c", "--package", "-p")
ASKING_FLAGS = ("--hydra-help", "--cfg", "-c", "--info", "-i", "--shell-completion", "-sc")


def run(words: Sequence[str], commands: Sequence[str]) -> int:
    """Check every cell, then hand over to Hydra, which calls back once per cell.

    Args:
        words: Hydra's flags and overrides.
        commands: What else the first word could have been, for the message.

    Returns:
        The exit status.

    Raises:
        OcrBenchError: A mistake was found before anything ran.
        Exception: What nobody thought of, once the other cells are done.
    """
    flags, overrides = _split(words, commands)
    if replacing := [flag for flag in flags if flag.partition("=")[0] in REPLACING_FLAGS]:
        message = f"{replacing[0]}: not taken; --config-dir FOLDER adds YAML of your own, and GROUP=CHOICE selects it"
        raise ConfigError(message)
    cells = [] if any(flag.partition("=")[0] in ASKING_FLAGS for flag in flags) else _checked(flags, overrides)
    session = Session(matrix=len(cells) > 1)
    unexpected: list[Exception] = []

    def one_cell(config: DictConfig) -> None:
        try:
            session.run(parse(config))
        except Exception as error:
            # Hydra would print its traceback and exit with 1. The other cells go on in any case.
            log.debug("unexpected", exc_info=True)
            unexpected.append(error)

    register_resolvers()
    # Hydra's parser wants its flags before the overrides.
    sys.argv = ["ocrbench", *flags, *map(complete, overrides)]
    try:
        hydra.main(version_base="1.3", config_path=packaged("conf"), config_name="config")(one_cell)()
    except KeyboardInterrupt:
        session.finish()
        raise
    status = session.finish() if cells else OK
    if unexpected:
        raise unexpected[0]
    return status


def _split(words: Sequence[str], commands: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part Hydra's flags from the overrides."""
    flags: list[str] = []
    overrides: list[str] = []
    words = [part for word in words for part in (word.split("=", 1) if word.startswith("--config-dir=") else [word])]
    for before, word in pairwise(["", *words]):
        if word.startswith("-") or before in FLAGS_WITH_VALUE:
            flags.append(word)
        elif "=" in word or word.startswith("~"):
            overrides.append(word)
        else:
            message = f"{word}: expected KEY=VALUE or a command; {closest(word, commands)}. See --help"
            raise ConfigError(message)
    return flags, overrides


def _checked(flags: Sequence[str], overrides: Sequence[str]) -> list[Cell]:
    """Find mistakes in every cell before the first one runs."""
    config_dir = next((value for flag, value in pairwise(flags) if flag in ("--config-dir", "-cd")), None)
    if config_dir is not None and not Path(config_dir).is_dir():
        message = f"--config-dir {config_dir}: no such folder"
        raise ConfigError(message)
    for word in overrides:
        if word.lstrip("+").startswith("gate"):
            message = f"{word}: a run is not held against limits; see ocrbench ab --help and ocrbench compare --help"
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
        self._runs: list[Run] = []
        self._reports_dir = Path()
        self._unwritten = False
        self._progress = make_console(stderr=True)

    def run(self, cell: Cell) -> None:
        """Run one cell and write the tables."""
        self._reports_dir = Path(cell.reports_dir)
        number = f"[{HydraConfig.get().job.num + 1}] " if self._matrix else ""
        title = f"{number}{cell.detector.name} {cell.precisions} on {cell.devices}, {cell.dataset.name}"
        with ConsoleListener(self._progress, title) as listener:
            self._runs.append(run_cell(cell, listener))
        try:
            for suffix, write in REPORTS.items():
                write_atomically(self._reports_dir / f"latest.{suffix}", write(wide(self._runs)))
        except OSError as error:
            self._unwritten = True
            log.warning("The tables in %s are not up to date: %s", self._reports_dir, error)

    def finish(self) -> int:
        """Show the table, say where everything is, and return the exit status."""
        if not self._runs:
            return CELL_FAILED
        console = make_console()
        show(console, self._runs)
        for run in self._runs:
            self._show_profile(console, run)
        files = ", ".join(str(self._reports_dir / f"latest.{suffix}") for suffix in REPORTS)
        folder = self._runs[0].folder if len(self._runs) == 1 else None
        console.print(Text(f"Tables: {files}\nRuns: {folder or self._reports_dir / 'runs'}"), soft_wrap=True)
        return OK if all(run.ok for run in self._runs) and not self._unwritten else CELL_FAILED

    def _show_profile(self, console: Console, run: Run) -> None:
        """Show where the time went, if that was asked for."""
        table = profile_table(run) if run.config.get("profile") else None
        if table is None:
            return
        if self._matrix:
            console.print(Text(run.run_id, style="bold"), soft_wrap=True)
        console.print(table)
        for name in (LAYERS, TRACE):
            for path in run.folder.glob(f"logs-*/{name}") if run.folder else ():
                console.print(Text(f"{name}: {path}"), soft_wrap=True)
