"""Progress of long work: a bar on a terminal, plain lines elsewhere, or the log."""

import logging
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10


class Listener(Protocol):
    """A listener for the progress of a cell."""

    def say(self, text: str) -> None:
        """Receive a step."""

    def advance(self, phase: str, done: float, total: float) -> None:
        """Receive the progress of a phase; ``done`` never exceeds ``total``."""


class ConsoleListener:
    """Display of a cell's progress, as a context manager."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._phase, self._last = "", 0.0
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(title, total=None)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        self._line("started")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """Show a step."""
        self._bar.update(self._task, description=f"{self._title}: {text}", total=None)
        self._line(text)

    def advance(self, phase: str, done: float, total: float) -> None:
        """Show the progress of a phase."""
        self._bar.update(self._task, description=f"{self._title}: {phase}", completed=done, total=total)
        if phase != self._phase or monotonic() - self._last > SECONDS_BETWEEN_LINES or done >= total:
            self._line(f"{phase} {done / total:.0%}")
        self._phase = phase

    def _line(self, text: str) -> None:
        if not self._console.is_terminal:
            self._last = monotonic()
            self._console.print(Text(f"{self._title}: {text}"), soft_wrap=True)


class LogListener:
    """Progress of a cell in the log, for programs that call ocrbench."""

    def say(self, text: str) -> None:
        """Log a step."""
        log.info("%s", text)

    def advance(self, phase: str, done: float, total: float) -> None:
        """Log the progress of a phase."""
        log.debug("%s %.0f %%", phase, 100 * done / total)
