"""Files and folders that the user names."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ocrbench.errors import ConfigError
from ocrbench.files import why_unwritable, write_atomically

STANDARD_OUTPUT = Path("-")

ConfigDirOption = Annotated[
    Path | None,
    typer.Option("--config-dir", metavar="DIR", help="Folder of your own YAML, for example DIR/gate/NAME.yaml."),
]


def existing(config_dir: Path | None) -> str | None:
    """Check a folder of further configuration.

    Raises:
        ConfigError: It does not exist.
    """
    if config_dir is not None and not config_dir.is_dir():
        message = f"--config-dir {config_dir}: no such folder"
        raise ConfigError(message)
    return None if config_dir is None else str(config_dir)


def check_output(path: Path | None) -> None:
    """Make sure that a file which the user named can be written, before it is worked for.

    Raises:
        ConfigError: It cannot.
    """
    if path is None or path == STANDARD_OUTPUT:
        return
    reason = "it is a folder" if path.is_dir() else why_unwritable(path.parent)
    if reason:
        message = f"{path}: cannot be written: {reason}"
        raise ConfigError(message)


def write_output(path: Path, content: bytes) -> None:
    """Write a file that the user named; ``-`` is standard output.

    Raises:
        ConfigError: It cannot be written.
    """
    if path == STANDARD_OUTPUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    try:
        write_atomically(path, content)
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(message) from error
