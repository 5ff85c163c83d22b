"""Run cells: ``python -m ocrbench KEY=VALUE …``."""

import logging
import shlex
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import hydra
from omegaconf import DictConfig
from rich.console import Console
from rich.text import Text

from ocrbench.cli.commands import make_console
from ocrbench.config.checking import closest
from ocrbench.config.composing import complete, load_matrix, parse, register_resolvers
from ocrbench.config.schema import Cell
from ocrbench.config.trust import FLAG, check_foreign
from ocrbench.errors import ConfigError, OcrBenchError
from ocrbench.files import packaged, write_atomically
from ocrbench.measure.preparing import check
from ocrbench.measure.task import Session, run_task, task_number
from ocrbench.profiling.run_files import LAYERS, TRACE
from ocrbench.progress import ConsoleListener
from ocrbench.report.console import profile_table, show
from ocrbench.report.tables import REPORTS
from ocrbench.runs.run import Run
from ocrbench.runs.table import wide
from ocrbench.runtime.devices import check_device

log = logging.getLogger(__name__)

OK, CELL_FAILED = 0, 1
# Long flags for the two keys that everybody needs.
ALIASES = ("--device", "--precision")
# They would put another configuration in the place of the one that was checked.
REPLACING_FLAGS = ("--config-name", "-cn", "--config-path", "-cp")
FLAGS_WITH_VALUE = ("--config-dir", "-cd", *REPLACING_FLAGS, "--cfg", "-c", "--package", "-p")
OTHER_FLAGS = ("-m", "--multirun", "--run", "-r", "--resolve", "--experimental-rerun")
ASKING_FLAGS = ("--hydra-help", "--cfg", "-c", "--info", "-i", "--shell-completion", "-sc")


def run(words: Sequence[str], commands: Sequence[str]) -> int:
    """Check every cell before the first one runs; leave the cells of a matrix to Hydra's launcher.

    Args:
        words: Hydra's flags and overrides.
        commands: What else the first word could have been, for the message.

    Returns:
        The exit status.

    Raises:
        OcrBenchError: A mistake was found before anything ran; or, once the other cells are done, something went wrong
            that nobody thought of.
    """
    flags, overrides = _split([word for word in words if word != FLAG], commands)
    folders = [after for flag, after in pairwise(flags) if flag in ("--config-dir", "-cd")]
    for folder in folders if FLAG not in words else ():
        check_foreign(Path(folder))
    if replacing := [flag for flag in flags if flag.partition("=")[0] in REPLACING_FLAGS]:
        message = f"{replacing[0]}: not taken; --config-dir FOLDER adds YAML of your own, and GROUP=CHOICE selects it"
        raise ConfigError(message)
    cells = [] if any(flag.partition("=")[0] in ASKING_FLAGS for flag in flags) else _checked(flags, overrides)
    if not cells:
        _hand_over(flags, overrides)
        return OK
    session = Session.new(Path(cells[0].reports_dir))
    first = not any(session.reports_dir.glob("runs/*/run.json"))
    try:
        if len(cells) == 1 and not _is_for_hydra(flags, overrides):
            # It is composed and checked; Hydra would compose it twice more.
            _run_one(cells[0], cells[0].title, session)
        else:
            _hand_over(flags, [*overrides, f"hydra.job.name={session.name}"])
    except KeyboardInterrupt:
        _finish(session, matrix=len(cells) > 1)
        raise
    status = _finish(session, matrix=len(cells) > 1)
    if first and status == OK:
        # Not to standard output: it is no result, and only the first run has it.
        make_console(stderr=True).print(Text(_next_steps(session.reports_dir, matrix=len(cells) > 1)), soft_wrap=True)
    return status


def one_cell(config: DictConfig) -> None:
    """Run a cell, as Hydra's task."""
    cell, number = parse(config), task_number()
    title = f"[{number}] {cell.title}" if number else cell.title
    _run_one(cell, title, Session.of_task(cell), number or 1)


def _run_one(cell: Cell, title: str, session: Session, number: int = 1) -> None:
    """Run a cell, and bring the tables of its session up to date."""
    with ConsoleListener(make_console(stderr=True), title) as listener:
        run_task(cell, listener, session, number)
    _write_tables(session)


def _hand_over(flags: Sequence[str], overrides: Sequence[str]) -> None:
    register_resolvers()
    # Hydra's parser wants its flags before the overrides.
    sys.argv = ["ocrbench", *flags, *map(complete, overrides)]
    hydra.main(version_base="1.3", config_path=packaged("conf"), config_name="config")(one_cell)()


def _is_for_hydra(flags: Sequence[str], overrides: Sequence[str]) -> bool:
    return any(flag in ("-m", "--multirun") for flag in flags) or any(
        word.lstrip("+~").startswith("hydra.") for word in overrides
    )


def _split(words: Sequence[str], commands: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part Hydra's flags from the overrides."""
    flags: list[str] = []
    overrides: list[str] = []
    split = ("--config-dir", *ALIASES)
    words = [part for word in words for part in (word.split("=", 1) if word.partition("=")[0] in split else [word])]
    for before, word in pairwise(["", *words]):
        if before in ALIASES:
            overrides.append(f"{before.removeprefix('--')}={word}")
        elif word in ALIASES:
            continue
        elif before in FLAGS_WITH_VALUE:
            flags.append(word)
        elif word.startswith("-"):
            known = {"--help", FLAG, *ALIASES, *FLAGS_WITH_VALUE, *ASKING_FLAGS, *OTHER_FLAGS}
            if word.partition("=")[0] not in known:
                message = f"{word}: no such flag; {closest(word, known)}. See ocrbench --help"
                raise ConfigError(message)
            flags.append(word)
        elif "=" in word or word.startswith("~"):
            overrides.append(word)
        else:
            message = f"{word}: expected KEY=VALUE or a command; {closest(word, commands)}. See ocrbench --help"
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


def _write_tables(session: Session) -> bool:
    """Write the tables of the session's runs so far; False where that is not possible."""
    try:
        for suffix, write in REPORTS.items():
            write_atomically(session.reports_dir / f"latest.{suffix}", write(wide(session.runs)))
    except OSError as error:
        log.warning("The tables in %s are not up to date: %s", session.reports_dir, error)
        return False
    return True


def _finish(session: Session, *, matrix: bool) -> int:
    """Show the table, say where everything is, and return the exit status.

    Raises:
        OcrBenchError: Something went wrong that nobody thought of.
    """
    runs, errors = session.runs, session.errors
    console = make_console()
    if runs:
        show(console, runs)
    for run in runs:
        _show_profile(console, run, named=matrix)
    written = _write_tables(session)
    session.end()
    if runs:
        files = ", ".join(str(session.reports_dir / f"latest.{suffix}") for suffix in REPORTS)
        folder = runs[0].folder if len(runs) == 1 else session.reports_dir / "runs"
        console.print(Text(f"Tables: {files}\nRuns: {folder}"), soft_wrap=True)
    if errors:
        message = f"internal error: {errors[0]} (-v shows where)"
        raise OcrBenchError(message)
    return OK if runs and written and all(run.ok for run in runs) else CELL_FAILED


def _next_steps(reports_dir: Path, *, matrix: bool) -> str:
    """Suggest what to do after the first run."""
    folder = "" if reports_dir == Path("reports") else f" {shlex.quote(str(reports_dir))}"
    compare = "ocrbench ab precision=FP16 precision=BF16", "find the better of two configurations"
    steps = {
        f"ocrbench report{folder}": "make an HTML page of the runs",
        **dict([compare] if matrix else [("ocrbench -m precision=FP32,BF16,INT8", "measure several precisions")]),
        "ocrbench dataset=icdar2015 dataset.root=PATH": "measure with images of your own",
    }
    width = max(map(len, steps))
    return "\n".join(["Next steps:", *(f"  {command:{width}}  {purpose}" for command, purpose in steps.items())])


def _show_profile(console: Console, run: Run, *, named: bool) -> None:
    """Show where the time went, if that was asked for."""
    table = profile_table(run) if run.config.get("profile") else None
    if table is None:
        return
    if named:
        console.print(Text(run.run_id, style="bold"), soft_wrap=True)
    console.print(table)
    for name in (LAYERS, TRACE):
        for path in run.folder.glob(f"logs-*/{name}") if run.folder else ():
            console.print(Text(f"{name}: {path}"), soft_wrap=True)
