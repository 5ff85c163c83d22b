"""One measurement at a time on a machine: two would measure each other."""

import contextlib
import getpass
import json
import logging
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic

from filelock import FileLock, Timeout

from ocrbench.config.schema import Cell
from ocrbench.errors import BusyError
from ocrbench.progress import Listener

log = logging.getLogger(__name__)

# Another session may have taken the lock when one has released it, so a wait looks up the holder from time to time.
SECONDS_BETWEEN_LOOKS = 10.0


@contextmanager
def alone(cell: Cell, listener: Listener, doing: str = "") -> Iterator[None]:
    """Wait until no other session measures, then keep others waiting.

    The lock is in the folder for temporary files, which the users of a machine share. It holds who has it, for those
    that wait.

    Args:
        cell: Says how long to wait.
        listener: Hears of the waiting.
        doing: What is done, for those that wait; by default the cell is measured.

    Raises:
        BusyError: Another session still measures after ``wait`` seconds.
    """
    lock = FileLock(Path(tempfile.gettempdir()) / "ocrbench-measuring.lock", mode=0o666)
    try:
        _acquire(lock, cell.wait, listener)
    except OSError as error:
        # Whoever may write there can make it unusable, on purpose or not.
        log.warning("%s cannot be locked, so other measurements may disturb this one: %s", lock.lock_file, error)
        yield
        return
    try:
        _sign(lock, doing or f"measuring {cell.title}")
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, wait: float | None, listener: Listener) -> None:
    deadline = math.inf if wait is None else monotonic() + wait
    said, timeout = "", 0.0
    while True:
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            holder, left = _holder(lock), deadline - monotonic()
            if left <= 0:
                message = f"wait={wait:g}: another session measures on this machine: {holder}"
                raise BusyError(message) from None
            if holder != said:
                listener.say(f"waiting for another measurement on this machine to end: {holder}")
            said, timeout = holder, min(left, SECONDS_BETWEEN_LOOKS)
        else:
            return


def _sign(lock: FileLock, doing: str) -> None:
    """Write into the lock's file who holds it."""
    since = f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
    signature = {"pid": os.getpid(), "user": _user(), "since": since, "doing": doing}
    # Windows lets nobody write into a locked file.
    with contextlib.suppress(OSError), Path(lock.lock_file).open("r+", encoding="utf-8") as file:
        file.write(json.dumps(signature))
        file.truncate()


def _holder(lock: FileLock) -> str:
    try:
        holder = json.loads(Path(lock.lock_file).read_text(encoding="utf-8"))
        return f"process {holder['pid']} of {holder['user']}, since {holder['since']}, {holder['doing']}"
    except (OSError, ValueError, KeyError, TypeError):
        return f"it does not say which ({lock.lock_file})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "an unknown user"
