"""The parent's side of the worker protocol, against small programs that speak it."""

import functools
import json
import logging
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any, Self, cast

import pytest
from filelock import FileLock, Timeout

from ocrbench.config import Cell, Precision
from ocrbench.config.composing import load
from ocrbench.environment.usage import Usage
from ocrbench.errors import DatasetError, WorkerError
from ocrbench.records import Sample
from ocrbench.scenarios import SCENARIOS, Measurement
from ocrbench.schedule import Measured, Worker, WorkerPool, alone, measure, prepare
from ocrbench.worker.protocol import Describe, Ran, Request, Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in interpreter is a script with a #! line")

# Answers requests: images named "bad…" are skipped, each has the text of how often it was run.
PROGRAM = """
import json, sys
runs = {}
for line in sys.stdin:
    request = json.loads(line)
    with open(LOG, "a") as log:
        log.write(line)
    if request["command"] == "close":
        break
    content = {"detector": 1.5, "recognizer": 2.5} if request["command"] == "load" else {}
    if request["command"] == "run":
        measurements = []
        for sample_id, path in request["samples"]:
            runs[sample_id] = runs.get(sample_id, 0) + 1
            region = {"polygon": [[0, 0], [9, 0], [9, 9]], "text": str(runs[sample_id]), "confidence": 0.5}
            times = dict.fromkeys(STAGES, runs[sample_id])
            bad = sample_id.startswith("bad")
            measurements.append({
                "sample_id": sample_id, "skipped": "damaged" if bad else "", "first_seen": runs[sample_id] == 1,
                "regions": [] if bad else [region] * (2 if sample_id == "much" else 1), "times": None if bad else times,
            })
        content = {"measurements": measurements, "wall_ns": 10, "peak_memory_bytes": 7}
        # A network was compiled for a shape that was met.
        content["compile_ms"] = {"detector": 1.5, "recognizer": 2.5 + max(runs.values())}
        content["usage"] = {"capacity_s": 4.0, "busy_s": 3.0, "own_s": 2.0, "involuntary": 5}
    print(json.dumps({"event": "answer", "content": content}), flush=True)
"""
# It is asked first whether it has a package ocrbench of its own.
NO_PACKAGE = """
import sys
if sys.argv[1] == "-c":
    sys.exit("No module named ocrbench")
"""
STAGES = [
    f"{name}_ns" for name in ("read", "detect", "detect_infer", "crop", "recognize", "recognize_infer", "latency")
]


class Hearing:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.shares: list[tuple[str, float]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def advance(self, phase: str, done: float, total: float) -> None:
        self.shares.append((phase, done / total))


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[[str], str]:
    """Make a program that runs in place of ``python -m ocrbench.worker``."""

    def make(program: str) -> str:
        path = tmp_path / "interpreter"
        heading = f"#!{sys.executable} -S\nLOG = {str(tmp_path / 'requests')!r}\nSTAGES = {STAGES}\n"
        path.write_text(heading + NO_PACKAGE + program, encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


@pytest.fixture(scope="module")
def loaded() -> Cell:
    return load()


class TestWorker:
    def test_progress_is_heard_and_the_answer_returned(self, interpreter: Callable[[str], str]) -> None:
        program = """
import sys
sys.stdin.readline()
print('{"event": "progress", "text": "half way: \\u00fc"}', flush=True)
print('{"event": "answer", "content": {"x": [1]}}', flush=True)
sys.stdin.readline()
"""
        hearing = Hearing()
        with Worker(interpreter(program)) as worker:
            assert worker.ask(Describe(), hearing, 20) == {"x": [1]}
        assert hearing.said == ["half way: ü"]

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ("Segmentation", "answered 'describe' with something else: Segmentation"),
            ('{"event": "answer", "content": [1]}', "answer to 'describe' cannot be read"),
        ],
    )
    def test_nonsense_is_refused(self, said: str, message: str, interpreter: Callable[[str], str]) -> None:
        program = f"import sys\nsys.stdin.readline()\nprint({said!r}, flush=True)\nsys.stdin.readline()"
        with Worker(interpreter(program)) as worker, pytest.raises(WorkerError, match=message):
            worker.ask(Describe(), Hearing(), 20)

    def test_its_warnings_are_logged_here(
        self, interpreter: Callable[[str], str], caplog: pytest.LogCaptureFixture
    ) -> None:
        program = """
import sys
sys.stdin.readline()
print('{"event": "warning", "text": "the cached model is damaged"}', flush=True)
print('{"event": "answer", "content": {}}', flush=True)
sys.stdin.readline()
"""
        with Worker(interpreter(program)) as worker:
            worker.ask(Describe(), Hearing(), 20)
        assert [(each.levelname, each.message) for each in caplog.records if each.levelno >= logging.WARNING] == [
            ("WARNING", "the cached model is damaged")
        ]

    def test_an_error_keeps_its_class_and_message(self, interpreter: Callable[[str], str]) -> None:
        program = """
import sys
sys.stdin.readline()
print('{"event": "error", "kind": "DatasetError", "message": "image x: empty"}', flush=True)
sys.stdin.readline()
"""
        with Worker(interpreter(program)) as worker, pytest.raises(DatasetError, match=r"^image x: empty$"):
            worker.ask(Run(samples=[]), Hearing(), 20)

    @pytest.mark.parametrize(
        ("death", "message"),
        [
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"killed by SIGKILL during 'run'.*memory"),
            ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"killed by SIGSEGV during 'run'$"),
            ("sys.exit('no module named x')", r"status 1 during 'run': no module named x"),
            ("sys.exit(3)", r"status 3 during 'run': no message"),
        ],
    )
    def test_a_death_is_explained(self, death: str, message: str, interpreter: Callable[[str], str]) -> None:
        program = f"import sys\nsys.stdin.readline()\n{death}"
        with Worker(interpreter(program)) as worker, pytest.raises(WorkerError, match=message):
            worker.ask(Run(samples=[]), Hearing(), 20)

    def test_a_worker_that_is_dead_already(self, interpreter: Callable[[str], str]) -> None:
        with Worker(interpreter("raise SystemExit('bad start')")) as worker:
            worker._process.wait()
            with pytest.raises(WorkerError, match="bad start"):
                worker.ask(Describe(), Hearing(), 20)

    def test_one_that_hangs_is_stopped(self, interpreter: Callable[[str], str]) -> None:
        with Worker(interpreter("import time\ntime.sleep(60)")) as worker:
            with pytest.raises(WorkerError, match=r"did not answer 'run' within 0.2 s and was stopped"):
                worker.ask(Run(samples=[]), Hearing(), 0.2)
            process = worker._process
        assert process.returncode is not None


def test_the_failure_of_one_ends_all_of_a_pool(interpreter: Callable[[str], str]) -> None:
    hangs = functools.partial(Worker, interpreter("import time\ntime.sleep(600)"))
    with hangs() as one, hangs() as other, hangs() as third:
        other._process.kill()
        with pytest.raises(WorkerError, match="killed by SIGKILL during 'run'"):
            WorkerPool([one, other, third], [[0], [1], [2]]).ask(Run(samples=[]), Hearing(), 600)
        assert all(each._process.wait(20) for each in (one, third))


class Reporting:
    """A worker that has run, and takes its time to say so."""

    def __init__(self, answer: Ran) -> None:
        self._answer = answer

    def ask(self, *_: object) -> Ran:
        sleep(0.02)
        return self._answer


def test_a_pool_took_from_its_first_start_to_its_last_end() -> None:
    """What members then need to report what they found is not timed."""
    members = [
        Reporting(
            Ran(
                measurements=(Measurement(sample_id=str(place)),),
                taken=(place,),
                wall_ns=wall_ns,
                ended_ns=ended_ns,
                peak_memory_bytes=0,
            )
        )
        for place, wall_ns, ended_ns in [(1, 20, 100), (0, 25, 110)]
    ]
    answer = WorkerPool(cast("list[Worker]", members), [[0], [1]]).ask(Run(samples=[]), Hearing(), 600)
    assert (answer.wall_ns, [each.sample_id for each in answer.measurements]) == (30, ["0", "1"])


class Asked:
    """A worker that remembers how long it might have taken."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ask(self, request: Request[Any], _: object, seconds: float) -> dict[str, Any]:
        self.seconds[request.command] = seconds
        return {}


@pytest.mark.parametrize(
    ("precisions", "method", "seconds"),
    [
        (("INT8", "INT8"), "accuracy_control", 50 + 2 * 90),
        (("INT8", "FP16"), "accuracy_control", 50 + 90),
        (("FP16", "FP16"), "accuracy_control", 50),
        (("INT8", "INT8"), "recipe", 50),
    ],
)
def test_a_search_may_take_its_own_time(
    precisions: tuple[Precision, Precision], method: Any, seconds: float, loaded: Cell
) -> None:
    detector, recognizer = (
        replace(stage, precision=precision)
        for stage, precision in zip((loaded.detector, loaded.recognizer), precisions, strict=True)
    )
    quantization = replace(loaded.quantization, method=method, max_minutes=1.5)
    cell = replace(loaded, detector=detector, recognizer=recognizer, quantization=quantization)
    asked = Asked()
    prepare(replace(cell, prepare_timeout_seconds=50), Hearing(), start=lambda: cast("Worker", asked))
    assert asked.seconds == {"describe": 50, "convert": seconds}


class TestMeasure:
    @pytest.fixture
    def run(
        self, loaded: Cell, interpreter: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., tuple[Measured, Hearing, list[dict[str, Any]]]]:
        def run(
            *names: str, program: str = PROGRAM, timeout_seconds: float = 20, block_images: int = 2, **scenario: Any
        ) -> tuple[Measured, Hearing, list[dict[str, Any]]]:
            start = functools.partial(Worker, interpreter(program))
            changed = replace(loaded.scenario, **{"min_seconds": 0, "warmup_passes": 1, **scenario})
            setup = SCENARIOS[changed.name].setup
            monkeypatch.setattr(setup, "block_images", block_images)
            monkeypatch.setattr(setup, "block_queries", 1)
            cell = replace(loaded, scenario=changed, timeout_seconds=timeout_seconds)
            hearing = Hearing()
            samples = [Sample(id=name, image_path=Path(name)) for name in names]
            measured = measure(cell, {}, samples, hearing, start)
            requests = (tmp_path / "requests").read_text(encoding="utf-8").splitlines()
            return measured, hearing, [json.loads(line) for line in requests]

        return run

    @staticmethod
    def blocks(requests: list[dict[str, Any]], command: str = "run") -> list[list[str]]:
        return [[name for name, _ in each["samples"]] for each in requests if each["command"] == command]

    def test_a_warm_up_and_one_pass_in_blocks(self, run: Callable) -> None:
        measured, hearing, requests = run("a", "b", "c")
        assert self.blocks(requests) == [["a", "b"], ["c"]] * 2
        assert [each["command"] for each in requests] == ["load", *["run"] * 4, "attest", "close"]
        assert measured.compile_ms == {"detector": 1.5, "recognizer": 4.5}
        assert (measured.images, measured.wall_ns, measured.peak_memory_bytes) == (3, 20, 7)
        assert measured.usage == Usage(capacity_s=8, busy_s=6, own_s=4, involuntary=10)
        assert [(each.sample_id, each.warmup, each.first_seen) for each in measured.timings] == [
            *((name, True, True) for name in "abc"),
            *((name, False, False) for name in "abc"),
        ]
        assert measured.timings[-1].times.latency_ns == 2
        assert hearing.shares == [
            ("warm-up 1", 2 / 3),
            ("warm-up 1", 1),
            ("measure", 2 / 3),
            ("measure", 1),
        ]

    def test_predictions_are_those_of_the_first_pass(self, run: Callable) -> None:
        measured, _, _ = run("a", warmup_passes=2)
        (region,) = measured.predictions["a"].regions
        assert region.text == "1"
        assert region.polygon == ((0, 0), (9, 0), (9, 9))

    @pytest.mark.parametrize(("text", "same"), [("str(runs[sample_id])", False), ("sample_id", True)])
    def test_images_are_held_against_their_first_reading(self, run: Callable, text: str, same: bool) -> None:
        program = PROGRAM.replace("str(runs[sample_id])", text)
        measured, _, _ = run("a", "bad", program=program)
        assert measured.reread == {"a": same}

    def test_what_is_read_once_is_held_against_nothing(self, run: Callable) -> None:
        measured, _, _ = run("a", "b", warmup_passes=0)
        assert measured.reread == {}

    def test_passes_go_on_until_the_time_is_over(self, run: Callable) -> None:
        measured, hearing, _ = run("a", "b", warmup_passes=0, min_seconds=0.3)
        assert measured.images > 4
        assert measured.images == len(measured.timings)
        shares = [share for _, share in hearing.shares]
        assert shares == sorted(shares)
        assert shares[-1] <= 1

    def test_skipped_images_are_not_tried_again_nor_counted(self, run: Callable) -> None:
        measured, _, requests = run("a", "bad1", "b", "bad2", "bad3", "c", block_images=3)
        assert measured.skipped == {"bad1": "damaged", "bad2": "damaged", "bad3": "damaged"}
        assert self.blocks(requests) == [["a", "bad1", "b"], ["bad2", "bad3", "c"], ["a", "b"], ["c"]]
        assert measured.images == 3
        assert set(measured.predictions) == {"a", "b", "c"}

    def test_a_block_may_take_the_time_in_which_its_images_arrive(self, run: Callable) -> None:
        """The one arrival comes after 2.7 s, so an answer after 2 s is none too late; the limit is 1 s."""
        slow = PROGRAM.replace(
            "        measurements = []\n", "        measurements = __import__('time').sleep(2) or []\n"
        )
        limits = {"program": slow, "timeout_seconds": 1, "warmup_passes": 0}
        measured, _, _ = run("a", **limits, name="server", options={"rate": 0.25, "bound_ms": 1000})
        assert measured.images == 1
        with pytest.raises(WorkerError, match="did not answer 'run' within 1 s"):
            run("a", **limits)

    def test_a_search_without_warm_up_still_reads_every_image(self, run: Callable) -> None:
        options = {"bound_ms": 1000, "search": True}
        measured, _, requests = run("bad1", "bad2", "a", "b", "c", warmup_passes=0, name="server", options=options)
        assert set(measured.predictions) == {"a", "b", "c"}
        assert set(measured.skipped) == {"bad1", "bad2"}
        assert self.blocks(requests)[:3] == [["bad1", "bad2"], ["a", "b"], ["c"]]
        (drawn,) = {tuple(block) for block in self.blocks(requests)[3:]}
        assert len(drawn) == measured.facts["searched_images"] == 2

    def test_a_search_draws_its_images_from_all(self, run: Callable, tmp_path: Path) -> None:
        drawn = set()
        for seed in range(5):
            (tmp_path / "requests").unlink(missing_ok=True)
            options = {"bound_ms": 1000, "search": True, "seed": seed}
            _, _, requests = run(*"abcdefgh", name="server", options=options)
            (block,) = {tuple(block) for block in self.blocks(requests)[4:]}
            assert len(block) == 2
            drawn |= set(block)
        assert len(drawn) > 4

    def test_with_nothing_but_bad_images_it_ends(self, run: Callable) -> None:
        measured, _, requests = run("bad1", "bad2", min_seconds=30)
        assert measured.predictions == {}
        assert set(measured.skipped) == {"bad1", "bad2"}
        assert self.blocks(requests) == [["bad1", "bad2"]]

    def test_precision_is_looked_up_on_the_images_with_most_text(self, run: Callable) -> None:
        _, _, requests = run("a", "bad", "b", "c", "d", "much")
        assert self.blocks(requests, "attest") == [["much", "a", "b", "c"]]


LOCK = "ocrbench-measuring.lock"


class TestAlone:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def test_sessions_with_different_cache_folders_wait_for_each_other(self, loaded: Cell, tmp_path: Path) -> None:
        hearing, order = Hearing(), []

        def second() -> None:
            with alone(replace(loaded, cache_dir=str(tmp_path / "other")), hearing):
                order.append("second")

        thread = threading.Thread(target=second)
        with alone(replace(loaded, cache_dir=str(tmp_path / "one")), Hearing()):
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
            with alone(loaded, Hearing()):
                assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == 0o666
        finally:
            os.umask(before)

    def test_a_cache_folder_is_locked_where_the_shared_lock_is_unusable(self, loaded: Cell, tmp_path: Path) -> None:
        (tmp_path / LOCK).mkdir()
        with alone(replace(loaded, cache_dir=str(tmp_path / "cache")), Hearing()):
            lock = FileLock(tmp_path / "cache" / "measuring.lock")
            with pytest.raises(Timeout):
                lock.acquire(timeout=0)
