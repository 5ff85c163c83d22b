"""Stand-ins that several tests share. No OpenVINO is among them: networks that tests need are real ones."""

import stat
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

# What a worker is asked first: whether its interpreter has a package ocrbench of its own.
_NO_PACKAGE = """
import sys
if sys.argv[1] == "-c":
    sys.exit("No module named ocrbench")
"""
_STAGES = [
    f"{name}_ns" for name in ("read", "detect", "detect_infer", "crop", "recognize", "recognize_infer", "latency")
]


class Silent:
    """A listener that ignores what it hears."""

    def say(self, text: str) -> None:
        pass

    def advance(self, phase: str, done: float, total: float) -> None:
        pass


class Hearing(Silent):
    """A listener that remembers.

    Attributes:
        said: The steps.
        shares: Phases with the share that was done.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.shares: list[tuple[str, float]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def advance(self, phase: str, done: float, total: float) -> None:
        self.shares.append((phase, done / total))


class Clock:
    """A clock that stands still unless somebody sleeps, and then is ahead at once.

    In several threads it is the same clock, so what one of them takes passes for the others too.

    Attributes:
        now_ns: What the clock shows.
        tick_ns: How far it goes on with each look at it.
    """

    def __init__(self, tick_ns: int = 0) -> None:
        # Not zero, as nobody may rely on that.
        self.now_ns = 1_000_000_000_000
        self.tick_ns = tick_ns
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now_ns += round(seconds * 1e9)

    def perf_counter_ns(self) -> int:
        with self._lock:
            self.now_ns += self.tick_ns
            return self.now_ns

    def monotonic(self) -> float:
        return self.perf_counter_ns() / 1e9

    def rule(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        """Take the place of the functions that modules have imported from ``time``."""
        for module in modules:
            names = {"sleep", "perf_counter_ns", "monotonic"} & set(vars(module))
            assert names, f"{module.__name__} asks for no time"
            for name in names:
                monkeypatch.setattr(module, name, getattr(self, name))


def worker_program(folder: Path, program: str) -> str:
    """Write a program that runs in the place of ``python -m ocrbench.worker``, and return its path.

    Args:
        folder: Where it is written; the constant ``LOG`` of the program is the file ``requests`` in there.
        program: Speaks the worker's protocol; the constant ``STAGES`` holds the names of the times.
    """
    path = folder / "interpreter"
    heading = f"#!{sys.executable} -S\nLOG = {str(folder / 'requests')!r}\nSTAGES = {_STAGES}\n"
    path.write_text(heading + _NO_PACKAGE + program, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)
