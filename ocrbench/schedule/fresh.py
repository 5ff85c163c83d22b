"""Fresh processes, again and again: what differs from one process to the next should be drawn often."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from ocrbench.schedule.process import Listener, Worker

FORK_SECONDS = 60
# macOS has system libraries that do not survive it.
FORKS = sys.platform == "linux"


class FreshProcesses:
    """A source of processes that have loaded nothing yet, as a context manager.

    On Linux, one process imports everything once, when the first is wanted, and each fresh one is a copy of it, made in
    milliseconds. Its networks are compiled and placed in memory anew, which is what makes processes differ in speed.
    """

    def __init__(self, start: Callable[[], Worker], listener: Listener) -> None:
        """Prepare.

        Args:
            start: Makes a worker.
            listener: Hears what the workers say.
        """
        self._start, self._listener = start, listener
        self._original: Worker | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """End the process that the others are copies of; by force where something went wrong."""
        if self._original is not None:
            self._original.__exit__(kind, *rest)

    @contextmanager
    def fresh(self) -> Iterator[Worker]:
        """Give a process for as long as the block lasts.

        Raises:
            WorkerError: It cannot be started.
        """
        if not FORKS:
            with self._start() as worker:
                yield worker
            return
        if self._original is None:
            self._original = self._start().__enter__()
        self._original.ask("fork", self._listener, FORK_SECONDS)
        yield self._original
        self._original.ask("leave", self._listener, FORK_SECONDS)
