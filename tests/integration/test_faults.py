"""What goes wrong on real machines: nothing finished is lost, the cell gets its row, the same command resumes."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import pandas as pd
import psutil
import pytest

from ocrbench.runs.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals, limits and mounts as on Linux")

SMALL_IMAGES = "detector.limit_side=160"

# Loaded by every Python process that finds it on its path; only the first worker that measures acts.
FAULT = """
import builtins, os, pathlib, sys
if "ocrbench.worker" in getattr(sys, "orig_argv", []):
    build = builtins.__build_class__
    def build_with_fault(body, name, *bases, **more):
        made = build(body, name, *bases, **more)
        if (made.__module__, name) == ("ocrbench.worker.session", "Session"):
            break_loading(made)
        return made
    def break_loading(session):
        marker = pathlib.Path(os.environ["FAULT_MARKER"])
        loading = session.load
        def load(self, request):
            answer = loading(self, request)
            try:
                marker.touch(exist_ok=False)
            except FileExistsError:
                return answer
            ACTION
            return answer
        session.load = load
    builtins.__build_class__ = build_with_fault
"""


@pytest.fixture
def matrix(model: str) -> tuple[str, ...]:
    """Two small cells."""
    small = ("dataset.limit=1", "scenario.min_seconds=0", "scenario.warmup_images=0", "attest=off", SMALL_IMAGES)
    return ("-m", "precision=FP32,BF16", *small, model)


@pytest.fixture
def broken(tmp_path: Path, environment: Mapping[str, str]) -> Callable[[str], dict[str, str]]:
    """Make an environment in which the first worker that loads a pipeline suffers a fault."""

    def make(action: str) -> dict[str, str]:
        folder = tmp_path / "fault"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(FAULT.replace("ACTION", action), encoding="utf-8")
        path = os.pathsep.join([str(folder), environment["PYTHONPATH"]])
        return {**environment, "PYTHONPATH": path, "FAULT_MARKER": str(tmp_path / "happened")}

    return make


def run(environment: Mapping[str, str], *words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the matrix to its end."""
    command = [sys.executable, "-m", "ocrbench", *map(str, words)]
    return subprocess.run(
        command, cwd=folder, env=dict(environment), capture_output=True, encoding="utf-8", timeout=300, check=False
    )


def rows(folder: Path) -> list[tuple[str, str, str]]:
    """Read (precision, status, error) of the latest table."""
    frame = pd.read_parquet(folder / "reports" / "latest.parquet")
    return list(frame[["precision", "status", "error"]].itertuples(index=False, name=None))


def check_failed(done: subprocess.CompletedProcess[str], message: str, folder: Path) -> None:
    """Check that the first cell failed for a reason and the second one was measured."""
    (first, second), runs = rows(folder), Store(folder / "reports").runs()
    assert done.returncode == 1, done.stderr
    assert first[:2] == ("FP32", "failed")
    assert message in first[2]
    assert second == ("BF16", "ok", "")
    assert sorted(record.status for record in runs) == ["failed", "ok"]


class TestAWorkerThatFails:
    @pytest.mark.parametrize(
        ("action", "words", "message"),
        [
            pytest.param("import ctypes; ctypes.string_at(0)", (), "SIGSEGV", id="crash"),
            pytest.param(
                "os.kill(os.getpid(), 19)",
                ("timeout_seconds=20", "prepare_timeout_seconds=20"),
                "within 20 s",
                id="hang",
            ),
        ],
    )
    def test_its_cell_says_so_and_the_matrix_goes_on(
        self,
        action: str,
        words: tuple[str, ...],
        message: str,
        broken: Callable[[str], dict[str, str]],
        matrix: tuple[str, ...],
        tmp_path: Path,
    ) -> None:
        check_failed(run(broken(action), *matrix, *words, folder=tmp_path), message, tmp_path)

    def test_the_same_command_resumes(
        self, broken: Callable[[str], dict[str, str]], matrix: tuple[str, ...], tmp_path: Path
    ) -> None:
        environment = broken("raise MemoryError('no room')")
        check_failed(run(environment, *matrix, folder=tmp_path), "MemoryError", tmp_path)

        resumed = run(environment, *matrix, folder=tmp_path)

        assert resumed.returncode == 0, resumed.stderr
        assert [row[:2] for row in rows(tmp_path)] == [("FP32", "ok"), ("BF16", "ok")]
        assert resumed.stderr.count("measured before") == 1

    def test_too_little_memory_is_a_failed_row(
        self, environment: Mapping[str, str], model: str, tmp_path: Path
    ) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))

        command = [sys.executable, "-m", "ocrbench", model, "dataset.limit=1", "scenario.min_seconds=0", "force=true"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
            preexec_fn=limit,
        )

        assert "Traceback" not in done.stderr
        if done.returncode == 0:
            pytest.skip("this machine runs the cell within 1.5 GB of address space")
        assert done.returncode == 1, done.stderr
        ((_, status, error),) = rows(tmp_path)
        assert status == "failed"
        assert error


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 2 MB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs more rights")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_loses_nothing_that_was_finished(
    environment: Mapping[str, str], matrix: tuple[str, ...], tiny_disk: Path, tmp_path: Path
) -> None:
    words = (*matrix, f"reports_dir={tiny_disk}")
    before = run(environment, *words[:1], "precision=FP32", *words[2:], folder=tmp_path)
    assert before.returncode == 0, before.stderr
    fill(tiny_disk / "filler")

    full = run(environment, *words, folder=tmp_path)

    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert "No space left on device" in full.stdout + full.stderr
    assert [record.status for record in Store(tiny_disk).runs()] == ["ok"]

    (tiny_disk / "filler").unlink()
    resumed = run(environment, *words, folder=tmp_path)

    assert resumed.returncode == 0, resumed.stderr
    assert [record.status for record in Store(tiny_disk).runs()] == ["ok", "ok"]


def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(
    environment: Mapping[str, str], matrix: tuple[str, ...], tmp_path: Path
) -> None:
    # The second cell takes long enough to be interrupted, however late this process gets its turn.
    lengths = {"precision=FP32,BF16": "precision=FP32", "scenario.min_seconds=0": "scenario.min_seconds=0,8"}
    cells = [lengths.get(word, word) for word in matrix]
    command = [sys.executable, "-m", "ocrbench", *cells]
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as stderr:
        process = interruptible(command, environment, tmp_path, stderr)
        wait_for(lambda: "[2]" in (tmp_path / "stderr").read_text(encoding="utf-8"), process)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        said = (tmp_path / "stderr").read_text(encoding="utf-8")

    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert "FP32" in output
    assert [record.status for record in Store(tmp_path / "reports").runs()] == ["ok"]
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive


def test_ctrl_c_in_a_comparison_shows_what_the_finished_pairs_say(
    environment: Mapping[str, str], model: str, tmp_path: Path
) -> None:
    words = ("dataset.limit=1", SMALL_IMAGES, "attest=off", model, "--seconds", "60", "--processes", "60")
    command = [sys.executable, "-m", "ocrbench", "ab", "", "env.OCRBENCH_SIDE=B", *words, "--json", "found.json"]
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as stderr:
        process = interruptible(command, environment, tmp_path, stderr)
        wait_for(lambda: "processes 2" in (tmp_path / "stderr").read_text(encoding="utf-8"), process)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "latency_p50_ms" in output
    assert "note: interrupted: " in output
    (found,) = json.loads((tmp_path / "found.json").read_bytes())["comparisons"]
    assert {"latency_p50_ms", "e2e_hmean"} <= {each["metric"] for each in found["changes"]}


def test_two_matrices_on_one_store_share_their_runs(
    environment: Mapping[str, str], matrix: tuple[str, ...], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "ocrbench", *matrix]
    both = [
        subprocess.Popen(
            command,
            cwd=tmp_path,
            env=dict(environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert sum(text.count("measured before") for text in said) == 2
    assert [record.status for record in Store(tmp_path / "reports").runs()] == ["ok", "ok"]


@pytest.mark.slow
def test_a_matrix_killed_at_random_instants_leaves_a_store_that_opens(
    environment: Mapping[str, str], model: str, tmp_path: Path
) -> None:
    """``OCRBENCH_KILLS`` says how often; each round kills a matrix of fast cells with all its processes."""
    small = ("scenario.min_seconds=0", "scenario.warmup_images=0", "attest=off", "force=true", model)
    command = [sys.executable, "-m", "ocrbench", "-m", "detector.limit_side=160,192", "dataset.limit=1", *small]
    generator, store = random.Random(0), Store(tmp_path / "reports")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env=dict(environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    began = time.monotonic()
    assert start().wait(timeout=300) == 0
    whole, finished = time.monotonic() - began, len(store.runs())
    assert finished == 2
    for _ in range(int(os.environ.get("OCRBENCH_KILLS", "2"))):
        process = start()
        time.sleep(generator.uniform(0, whole))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

        records = store.runs()
        # What was finished before is still there, and what is listed is whole.
        assert len(records) >= finished
        finished = len(records)
        for record in records:
            assert record.status == "ok"
            assert len(store.find(record.run_id).timings) == 1
            assert len(store.find(record.run_id).outcomes) == 1
        assert len(pd.read_parquet(tmp_path / "reports" / "latest.parquet")) > 0


def interruptible(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, stderr: IO[str]
) -> subprocess.Popen[str]:
    """Start a process that hears of Ctrl-C as in a terminal.

    A shell that runs the tests in the background has its processes ignore it.
    """
    return subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=stderr,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            return


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Wait until a condition holds while a process runs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the process ended too early"
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
