"""One measurement at a time."""

import os
import re
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from doubles import Hearing
from ocrbench.config.schema import Cell
from ocrbench.errors import BusyError
from ocrbench.measure.locks import alone
from ocrbench.progress import LogListener

LOCK = "ocrbench-measuring.lock"
WAIT_SECONDS = 20


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@contextmanager
def measuring(cell: Cell, *doing: str) -> Iterator[None]:
    """Measure in another thread for as long as the block lasts."""
    begun, end = threading.Event(), threading.Event()

    def measure() -> None:
        with alone(cell, LogListener(), *doing):
            begun.set()
            assert end.wait(WAIT_SECONDS)

    thread = threading.Thread(target=measure)
    thread.start()
    assert begun.wait(WAIT_SECONDS)
    try:
        yield
    finally:
        end.set()
        thread.join(WAIT_SECONDS)


class Releasing(Hearing):
    """A listener that does something at the first word."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then

    def say(self, text: str) -> None:
        super().say(text)
        self._then()


def test_sessions_with_different_cache_folders_wait_for_each_other_and_say_for_whom(loaded: Cell) -> None:
    other = measuring(replace(loaded, cache_dir="/one"))
    other.__enter__()
    listener = Releasing(lambda: other.__exit__(None, None, None))
    with alone(replace(loaded, cache_dir="/other"), listener):
        (said,) = listener.said
    holder = (
        rf"process {os.getpid()} of \S+, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d, measuring {re.escape(loaded.title)}"
    )
    assert re.fullmatch(rf"waiting for another measurement on this machine to end: {holder}", said)


@pytest.mark.parametrize("wait", [0, 0.001])
def test_a_wait_is_bounded(wait: float, loaded: Cell, hearing: Hearing) -> None:
    with (
        measuring(loaded, "comparing A with B"),
        pytest.raises(
            BusyError, match=rf"^wait={wait}: another session measures on this machine: .*comparing A with B$"
        ),
        alone(replace(loaded, wait=wait), hearing),
    ):
        pass
    assert bool(hearing.said) is bool(wait)


def test_who_need_not_wait_is_told_nothing(loaded: Cell, hearing: Hearing) -> None:
    for _ in range(2):
        with alone(replace(loaded, wait=0), hearing):
            pass
    assert hearing.said == []


def test_a_holder_that_says_nothing_is_waited_for_all_the_same(loaded: Cell, tmp_path: Path, hearing: Hearing) -> None:
    with measuring(loaded):
        (tmp_path / LOCK).write_text("{", encoding="utf-8")
        with pytest.raises(BusyError, match="it does not say which"), alone(replace(loaded, wait=0), hearing):
            pass


def test_every_user_may_lock(loaded: Cell, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with alone(loaded, LogListener()):
            assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == 0o666
    finally:
        os.umask(before)


def test_where_the_lock_is_unusable_a_warning_says_so(
    loaded: Cell, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / LOCK).mkdir()
    with alone(loaded, LogListener()):
        assert "cannot be locked" in caplog.text
