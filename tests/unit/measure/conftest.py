"""Programs that stand in for a worker, a listener that remembers, and the default cell."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from doubles import Hearing, worker_program
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[[str], str]:
    """Make a program that runs in place of ``python -m ocrbench.worker``."""
    if os.name != "posix":
        pytest.skip("a stand-in for the interpreter is a script with a #! line")
    return partial(worker_program, tmp_path)


@pytest.fixture(scope="module")
def loaded() -> Cell:
    return load()
