"""One measurement at a time on a machine: two would measure each other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from ocrbench.config import Cell
from ocrbench.schedule.process import Listener


@contextmanager
def alone(cell: Cell, listener: Listener) -> Iterator[None]:
    """Wait until no other session measures, then keep others waiting.

    The lock is in the folder for temporary files. Sessions that have another one, as in a container, are not noticed.

    Args:
        cell: Names the cache folder, in which the lock is where another user's is protected.
        listener: Hears of the waiting.
    """
    try:
        # All users of the machine share it.
        lock = _acquired(FileLock(Path(tempfile.gettempdir()) / "ocrbench-measuring.lock", mode=0o666), listener)
    except PermissionError:
        cache_dir = Path(cell.cache_dir).expanduser()
        cache_dir.mkdir(parents=True, exist_ok=True)
        lock = _acquired(FileLock(cache_dir / "measuring.lock"), listener)
    try:
        yield
    finally:
        lock.release()


def _acquired(lock: BaseFileLock, listener: Listener) -> BaseFileLock:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        listener.say("waiting for another measurement on this machine to end")
        lock.acquire()
    return lock
