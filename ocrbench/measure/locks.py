"""One measurement at a time on a machine: two would measure each other."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ocrbench.config import Cell
from ocrbench.progress import Listener

log = logging.getLogger(__name__)


@contextmanager
def alone(cell: Cell, listener: Listener) -> Iterator[None]:
    """Wait until no other session measures, then keep others waiting.

    There are two locks: in the cache folder, which containers may share, and in the folder for temporary files, which
    the users of a machine share. Sessions that have neither in common are not noticed.

    Args:
        cell: Names the cache folder.
        listener: Hears of the waiting.
    """
    cache_dir = Path(cell.cache_dir).expanduser()
    cache_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as locked:
        locked.enter_context(_acquired(FileLock(cache_dir / "measuring.lock"), listener))
        shared = Path(tempfile.gettempdir()) / "ocrbench-measuring.lock"
        try:
            locked.enter_context(_acquired(FileLock(shared, mode=0o666), listener))
        except OSError as error:
            # Whoever may write there can make it unusable, on purpose or not.
            log.debug("%s cannot be locked: %s", shared, error)
        yield


@contextmanager
def _acquired(lock: FileLock, listener: Listener) -> Iterator[None]:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        listener.say(f"waiting for another measurement on this machine to end ({lock.lock_file})")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
