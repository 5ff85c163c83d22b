"""One measurement at a time."""

import os
import stat
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout

from ocrbench.config import Cell
from ocrbench.measure.locks import alone
from ocrbench.progress import LogListener

LOCK = "ocrbench-measuring.lock"


class TestAlone:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def test_sessions_with_different_cache_folders_wait_for_each_other(
        self, loaded: Cell, hearing: Any, tmp_path: Path
    ) -> None:
        order = []

        def second() -> None:
            with alone(replace(loaded, cache_dir=str(tmp_path / "other")), hearing):
                order.append("second")

        thread = threading.Thread(target=second)
        with alone(replace(loaded, cache_dir=str(tmp_path / "one")), LogListener()):
            thread.start()
            for _ in range(200):
                if hearing.said:
                    break
                thread.join(0.1)
            order.append("first")
        thread.join(20)
        assert order == ["first", "second"]
        assert hearing.said == [f"waiting for another measurement on this machine to end ({tmp_path / LOCK})"]

    def test_every_user_may_lock(self, loaded: Cell, tmp_path: Path) -> None:
        before = os.umask(0o077)
        try:
            with alone(loaded, LogListener()):
                assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == 0o666
        finally:
            os.umask(before)

    def test_a_cache_folder_is_locked_where_the_shared_lock_is_unusable(self, loaded: Cell, tmp_path: Path) -> None:
        (tmp_path / LOCK).mkdir()
        with alone(replace(loaded, cache_dir=str(tmp_path / "cache")), LogListener()):
            lock = FileLock(tmp_path / "cache" / "measuring.lock")
            with pytest.raises(Timeout):
                lock.acquire(timeout=0)
