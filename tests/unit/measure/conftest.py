"""Small programs that stand in for a worker, and a listener that remembers."""

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ocrbench.config import Cell
from ocrbench.config.composing import load

# It is asked first whether it has a package ocrbench of its own.
NO_PACKAGE = """
import sys
if sys.argv[1] == "-c":
    sys.exit("No module named ocrbench")
"""
STAGES = [
    f"{name}_ns" for name in ("read", "detect", "detect_infer", "crop", "recognize", "recognize_infer", "latency")
]


class Hearing:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.shares: list[tuple[str, float]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def advance(self, phase: str, done: float, total: float) -> None:
        self.shares.append((phase, done / total))


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[[str], str]:
    """Make a program that runs in place of ``python -m ocrbench.worker``."""

    def make(program: str) -> str:
        path = tmp_path / "interpreter"
        heading = f"#!{sys.executable} -S\nLOG = {str(tmp_path / 'requests')!r}\nSTAGES = {STAGES}\n"
        path.write_text(heading + NO_PACKAGE + program, encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture(scope="module")
def loaded() -> Cell:
    return load()
