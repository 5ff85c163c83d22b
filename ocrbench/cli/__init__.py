"""The command line: commands, logging, exit status.

Exit status: 0 all is well; 1 a cell, an image or a download failed, or doctor warns; 2 the user's mistake, or ours.
"""

import importlib
import logging
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rich.logging import RichHandler
from rich.text import Text

from ocrbench import __version__
from ocrbench.cli.commands import COMMANDS, make_console
from ocrbench.errors import ConfigError, OcrBenchError, last_line
from ocrbench.reading import check_exists, is_override

if TYPE_CHECKING:
    import typer

log = logging.getLogger(__name__)

# A mistake may be the user's or our own: 1 would say that something was measured and found wanting.
ABORTED, MISTAKE, INTERRUPTED = 1, 2, 130
# These end a command as Ctrl-C does.
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

# Commands, and options of commands, that ocrbench no longer has → what to use instead.
RETIRED = {
    "plan": "removed, as it saved under 1 % of a latency; set recognizer.width_step and recognizer.batch_size",
    "conversion --max-drop": "removed; gate=accuracy limits how much accuracy may be lost against FP32",
    "ab --block-images": "removed, leave it out; A and B always take turns image by image",
}


def application(command: str) -> "typer.Typer":
    """Import what a command needs."""
    app: typer.Typer = importlib.import_module(f"ocrbench.cli.{COMMANDS[command].module}").app
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ocrbench and exit with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verbose = "-v" in words or "--verbose" in words
    words = [word for word in words if word not in ("-v", "--verbose")]
    _set_up_logging(verbose=verbose)
    for each in ENDING:
        # Not where a program such as nohup lets this one go on.
        if signal.getsignal(each) == signal.SIG_DFL:
            signal.signal(each, _interrupt)
    try:
        sys.exit(_dispatch(words))
    except KeyboardInterrupt:
        make_console(stderr=True).print(Text("ocrbench: interrupted; what was finished is kept"))
        sys.exit(INTERRUPTED)
    except Exception as error:
        if verbose:
            log.exception("ocrbench was called with: %s", " ".join(words))
        told = str(error) if isinstance(error, OcrBenchError) else _unexpected(error, verbose=verbose)
        make_console(stderr=True).print(Text(f"ocrbench: {told}"), soft_wrap=True)
        sys.exit(MISTAKE)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _unexpected(error: Exception, *, verbose: bool) -> str:
    """Say in one line what nobody thought of."""
    # An error without a message is told by its type, once.
    told = ": ".join(dict.fromkeys((type(error).__name__, last_line(error))))
    return f"internal error: {told}{'' if verbose else ' (-v shows where)'}"


def _dispatch(words: list[str]) -> int:
    _refuse_retired(words)
    if "--version" in words:
        make_console().print(f"ocrbench {__version__}")
        return 0
    if words and words[0] in COMMANDS:
        if words[0] == "read" and "--help" not in words:
            return _read(words[1:])
        return _call(words[0], words[1:])
    if not words or _asks_for_help(words):
        from ocrbench.cli.overview import overview

        make_console().print(Text(overview(_config_dir(words))), soft_wrap=True)
        return 0
    from ocrbench.cli.run import run

    return run(words, tuple(COMMANDS))


def _call(command: str, words: list[str], shared: object = None) -> int:
    """Run a command and return its status; a wrong use gets one line, as every mistake.

    Args:
        command: Its name.
        words: Its options and arguments.
        shared: What its context holds.
    """
    app = application(command)
    import typer

    try:
        # A command that ends by itself returns nothing.
        return app(words, prog_name=f"ocrbench {command}", standalone_mode=False, obj=shared) or 0
    except typer.Abort:
        return ABORTED
    except Exception as error:
        # The class of these errors is not among the names that every version of Typer has.
        if not hasattr(error, "format_message"):
            raise
        message = str(error.format_message())
        if "\n" in message:
            # The help of a group of commands.
            sys.stderr.write(f"{message}\n")
            return MISTAKE
        name = getattr(getattr(error, "ctx", None), "command_path", f"ocrbench {command}")
        end = "" if message.endswith((".", "?")) else "."
        message = f"{name.removeprefix('ocrbench ')}: {message}{end} See {name} --help"
        raise ConfigError(message) from error


def _asks_for_help(words: Sequence[str]) -> bool:
    """Whether flags and overrides ask for help, and do not start with a mistyped command."""
    return bool({"--help", "-h"} & set(words)) and ("=" in words[0] or words[0].startswith("-"))


def _read(words: list[str]) -> int:
    """Check the paths and start the process that will read, before the command is imported: that takes long, too.

    A word after an option may be its value; the command checks it if it is not.
    """
    for before, word in pairwise(["", *words]):
        if not before.startswith("-") and not word.startswith("-") and not is_override(word):
            check_exists(word)
    from ocrbench.measure.processes import Worker

    with Worker() as worker:
        return _call("read", words, worker)


def _config_dir(words: Sequence[str]) -> str | None:
    given = [word.removeprefix("--config-dir=") for word in words if word.startswith("--config-dir=")]
    given += [after for word, after in pairwise(words) if word in ("--config-dir", "-cd")]
    if not given:
        return None
    from ocrbench.cli.files import existing

    return existing(Path(given[-1]))


def _refuse_retired(words: Sequence[str]) -> None:
    for given in (*words[:1], *(f"{words[0]} {word.partition('=')[0]}" for word in words[1:])):
        if given in RETIRED:
            message = f"ocrbench {given}: {RETIRED[given]}"
            raise ConfigError(message)


def _set_up_logging(*, verbose: bool) -> None:
    handler = RichHandler(console=make_console(stderr=True), show_time=False, show_path=False, rich_tracebacks=True)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(message)s", handlers=[handler])
    for noisy in ("hydra", "filelock", "urllib3", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
