"""One measurement at a time on a machine: two would measure each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ocrbench.config import Cell
from ocrbench.schedule.process import Listener


@contextmanager
def alone(cell: Cell, listener: Listener) -> Iterator[None]:
    """Wait until no other session measures, then keep others waiting.

    Args:
        cell: Names the cache folder, in which the lock is.
        listener: Hears of the waiting.
    """
    cache_dir = Path(cell.cache_dir).expanduser()
    cache_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache_dir / "measuring.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        listener.say("waiting for another measurement on this machine to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
