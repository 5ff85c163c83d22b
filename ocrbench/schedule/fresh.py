"""Fresh processes, again and again: what differs from one process to the next should be drawn often."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from ocrbench.schedule.process import Listener, Worker
from ocrbench.worker.protocol import Fork, Leave

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
        self._originals = ExitStack()
        self._idle: list[Worker] = []

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the processes that the others are copies of; by force where something went wrong."""
        self._originals.__exit__(*error)  # type: ignore[arg-type]

    @contextmanager
    def fresh(self) -> Iterator[Worker]:
        """Give a process for as long as the block lasts. Several at once are copies of as many originals.

        Raises:
            WorkerError: It cannot be started.
        """
        if not FORKS:
            with self._start() as worker:
                yield worker
            return
        if not self._idle:
            self._idle.append(self._originals.enter_context(self._start()))
        original = self._idle.pop()
        original.ask(Fork(), self._listener, FORK_SECONDS)
        yield original
        original.ask(Leave(), self._listener, FORK_SECONDS)
        self._idle.append(original)
