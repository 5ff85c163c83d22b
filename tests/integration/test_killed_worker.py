"""The process that measures is killed in the middle of a cell, as the kernel does when memory runs out."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from ocrbench.runs.store import Store

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 180


def worker_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The copy of the worker that measures, which has no further one."""
    processes = psutil.Process(process.pid).children(recursive=True)
    workers = [each for each in processes if "ocrbench.worker" in each.cmdline() and not each.children()]
    assert len(workers) == 1, processes
    return workers[0]


def read_until(stream: IO[str], *words: str) -> str:
    """Read lines until one holds all the words."""
    seen = []
    for line in stream:
        seen.append(line)
        if all(word in line for word in words):
            return "".join(seen)
    raise AssertionError("".join(seen))


def test_its_cell_fails_with_the_reason_and_the_next_one_is_measured(
    sample_run: tuple[Path, object],
    environment: dict[str, str],
    model: str,
    latest: Callable[[Path], list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    reports = shutil.copytree(sample_run[0], tmp_path / "reports")
    (earlier,) = (path for path in (reports / "runs").iterdir() if path.is_dir())
    before = {path.name: path.read_bytes() for path in earlier.iterdir()}
    words = [
        "precision=FP32,AUTO",
        model,
        "dataset.limit=3",
        "scenario.min_seconds=10",
        f"reports_dir={reports}",
    ]
    with (
        (tmp_path / "stdout").open("w") as stdout,
        subprocess.Popen(
            [sys.executable, "-m", "ocrbench", "-m", *words],
            cwd=tmp_path,
            env=environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process,
    ):
        watchdog = threading.Timer(LIMIT_SECONDS, process.kill)
        watchdog.start()
        assert process.stderr is not None
        # Both in good time: a cell on a busy machine may be short.
        said = read_until(process.stderr, "[1]", "warm-up")
        worker = worker_of(process)
        said += read_until(process.stderr, "[1]", "measure")
        worker.kill()
        rest = said + process.stderr.read()
        status = process.wait()
        watchdog.cancel()
    assert status == 1, rest
    assert "Traceback" not in rest

    killed, ok = latest(reports)
    assert (killed["precision"], killed["status"]) == ("FP32", "failed")
    assert "killed by SIGKILL during 'run'" in killed["error"]
    assert killed["error"] in " ".join((tmp_path / "stdout").read_text(encoding="utf-8").split())
    assert killed["det_hmean"] != killed["det_hmean"]
    assert (ok["precision"], ok["status"]) == ("AUTO", "ok")
    assert ok["det_hmean"] > 0.2

    assert {path.name: path.read_bytes() for path in earlier.iterdir()} == before
    assert sorted(record.status for record in Store(reports).runs()) == ["failed", "ok", "ok"]
