"""Passes over the images, with a small program in the place of the worker."""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doubles import Clock, Hearing
from ocrbench import data
from ocrbench.config.schema import Cell
from ocrbench.environment.noise import Usage
from ocrbench.measure import passes
from ocrbench.measure.measured import Measured
from ocrbench.measure.passes import measure
from ocrbench.measure.processes import Worker
from ocrbench.progress import Listener
from ocrbench.records import Sample
from ocrbench.scenarios import SCENARIOS
from ocrbench.worker.protocol import Request, Run

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
        content = {"measurements": measurements, "wall_ns": 10, "peak_memory_bytes": 7, "facts": {"readers": 1}}
        # A network was compiled for a shape that was met.
        content["compile_ms"] = {"detector": 1.5, "recognizer": 2.5 + max(runs.values())}
        content["usage"] = {"capacity_s": 4.0, "busy_s": 3.0, "own_s": 2.0, "involuntary": 5}
    print(json.dumps({"event": "answer", "content": content}), flush=True)
"""


def takes_10_seconds(ask: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    def take(*words: Any) -> Any:
        clock.sleep(10)
        return ask(*words)

    return take


class TestMeasure:
    @pytest.fixture
    def run(
        self,
        loaded: Cell,
        hearing: Hearing,
        interpreter: Callable[[str], str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Callable[..., tuple[Measured, Any, list[dict[str, Any]]]]:
        def run(
            *names: str, program: str = PROGRAM, timeout_seconds: float = 20, block_images: int = 2, **scenario: Any
        ) -> tuple[Measured, Any, list[dict[str, Any]]]:
            start = functools.partial(Worker, interpreter(program))
            changed = replace(loaded.scenario, **{"min_seconds": 0, "options": {"warmup_images": 0}, **scenario})
            setup = SCENARIOS[changed.name].setup
            monkeypatch.setattr(setup, "block_images", block_images)
            monkeypatch.setattr(setup, "block_queries", 1)
            cell = replace(loaded, scenario=changed, timeout_seconds=timeout_seconds)
            samples = [Sample(id=name, image_path=Path(name)) for name in names]
            measured = measure(cell, {}, samples, hearing, start)
            requests = (tmp_path / "requests").read_text(encoding="utf-8").splitlines()
            return measured, hearing, [json.loads(line) for line in requests]

        return run

    @staticmethod
    def blocks(requests: list[dict[str, Any]], command: str = "run") -> list[list[str]]:
        return [[name for name, _ in each["samples"]] for each in requests if each["command"] == command]

    def test_each_image_is_timed_at_its_first_reading(self, run: Callable) -> None:
        measured, hearing, requests = run("a", "b", "c")
        assert self.blocks(requests) == [["a", "b"], ["c"]]
        assert [each["command"] for each in requests] == ["load", *["run"] * 2, "attest", "close"]
        assert measured.compile_ms == {"detector": 1.5, "recognizer": 3.5}
        assert (measured.images, measured.wall_ns, measured.peak_memory_bytes) == (3, 20, 7)
        assert measured.usage == Usage(capacity_s=8, busy_s=6, own_s=4, involuntary=10)
        assert [(each.sample_id, each.warmup, each.repeat) for each in measured.timings] == [
            (name, False, False) for name in "abc"
        ]
        assert hearing.shares == [("measure", 2 / 3), ("measure", 1)]

    def test_other_images_warm_up_and_count_for_nothing(self, run: Callable, loaded: Cell) -> None:
        measured, hearing, requests = run("a", "b", options={"warmup_images": 3})
        first, second, timed = self.blocks(requests)
        assert timed == ["a", "b"]
        known = {sample.id for sample in data.read(loaded.dataset)}
        assert len({*first, *second} & known) == 3
        assert set(measured.regions) == {"a", "b"}
        assert measured.images == 2
        assert [each.warmup for each in measured.timings] == [True] * 3 + [False] * 2
        assert [phase for phase, _ in hearing.shares] == ["warm-up", "warm-up", "measure"]

    def test_a_whole_dataset_lends_images_that_count_for_the_accuracy(self, run: Callable, loaded: Cell) -> None:
        names = [sample.id for sample in data.read(loaded.dataset)]
        measured, _, requests = run(*names, options={"warmup_images": 2})
        lent, *others = self.blocks(requests)
        assert len(lent) == 2
        assert sorted(lent + [name for block in others for name in block]) == sorted(names)
        assert set(measured.regions) == set(names)
        assert measured.images == len(names) - 2

    def test_repeats_are_a_measurement_of_their_own(self, run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock()
        clock.rule(monkeypatch, passes)
        monkeypatch.setattr(Worker, "ask", takes_10_seconds(Worker.ask, clock))
        measured, _, _ = run("a", "b", min_seconds=15)
        assert (measured.images, measured.wall_ns) == (2, 10)
        assert (measured.again_images, measured.again_wall_ns) == (4, 20)
        assert [each.repeat for each in measured.timings] == [False] * 2 + [True] * 4

    def test_images_that_come_again_by_design_are_all_read_before(self, run: Callable) -> None:
        measured, _, requests = run("a", name="server", options={"rate": 1.0, "bound_ms": 1000})
        assert self.blocks(requests) == [["a"]] * 3
        assert not measured.unseen
        assert [(each.warmup, each.repeat) for each in measured.timings] == [(True, False), (True, True), (False, True)]

    def test_predictions_are_those_of_the_first_pass(self, run: Callable) -> None:
        measured, _, _ = run("a", name="server", options={"rate": 1.0, "bound_ms": 1000})
        (region,) = measured.regions["a"]
        assert region.text == "1"
        assert region.polygon == ((0, 0), (9, 0), (9, 9))

    @pytest.mark.parametrize(("text", "same"), [("str(runs[sample_id])", False), ("sample_id", True)])
    def test_images_are_held_against_their_first_reading(self, run: Callable, text: str, same: bool) -> None:
        program = PROGRAM.replace("str(runs[sample_id])", text)
        measured, _, _ = run("a", "bad", program=program, name="server", options={"rate": 1.0, "bound_ms": 1000})
        assert measured.reread == {"a": same}

    def test_what_is_read_once_is_held_against_nothing(self, run: Callable) -> None:
        measured, _, _ = run("a", "b")
        assert measured.reread == {}

    @pytest.mark.parametrize(
        ("names", "seconds", "images"), [("ab", 35, 10), ("abc", 25, 8), ("abc", 5, 5), ("abc", 0, 3)]
    )
    def test_images_are_read_again_until_the_time_is_over(
        self, run: Callable, monkeypatch: pytest.MonkeyPatch, names: str, seconds: float, images: int
    ) -> None:
        """Each block takes ten seconds."""
        clock = Clock()
        clock.rule(monkeypatch, passes)
        monkeypatch.setattr(Worker, "ask", takes_10_seconds(Worker.ask, clock))
        measured, hearing, _ = run(*names, min_seconds=seconds)
        assert measured.images + measured.again_images == len(measured.timings) == images
        shares = [share for phase, share in hearing.shares if phase == "measure"]
        assert shares == sorted(shares)
        assert shares[-1] == 1

    def test_skipped_images_are_not_tried_again_nor_counted(self, run: Callable) -> None:
        measured, _, requests = run("a", "bad1", "b", "bad2", "bad3", "c", block_images=3)
        assert measured.skipped == {"bad1": "damaged", "bad2": "damaged", "bad3": "damaged"}
        assert self.blocks(requests) == [["a", "bad1", "b"], ["bad2", "bad3", "c"]]
        assert measured.images == 3
        assert set(measured.regions) == {"a", "b", "c"}

    def test_a_block_may_take_the_time_in_which_its_images_arrive(
        self, run: Callable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits: list[float] = []
        ask = Worker.ask

        def note(worker: Worker, request: Request[Any], listener: Listener, seconds: float) -> Any:
            if isinstance(request, Run):
                limits.append(seconds)
            return ask(worker, request, listener, seconds)

        monkeypatch.setattr(Worker, "ask", note)
        run("a", timeout_seconds=10, name="server", options={"rate": 0.25, "bound_ms": 1000})
        run("a", timeout_seconds=10)
        # The one arrival comes after 2.7 s.
        assert limits == [10, 10, pytest.approx(12.7, abs=0.05), 10]

    def test_a_search_reads_every_image(self, run: Callable) -> None:
        options = {"bound_ms": 1000, "search": True}
        measured, _, requests = run("bad1", "bad2", "a", "b", "c", name="server", options=options)
        assert set(measured.regions) == {"a", "b", "c"}
        assert set(measured.skipped) == {"bad1", "bad2"}
        assert self.blocks(requests)[:5] == [["bad1", "bad2"], ["a", "b"], ["c"], ["a", "b"], ["c"]]
        (drawn,) = {frozenset(block) for block in self.blocks(requests)[5:]}
        assert len(drawn) == measured.facts["searched_images"] == 2

    def test_a_search_draws_its_images_from_all(self, run: Callable, tmp_path: Path) -> None:
        drawn = set()
        for seed in range(5):
            (tmp_path / "requests").unlink(missing_ok=True)
            options = {"bound_ms": 1000, "search": True, "seed": seed}
            _, _, requests = run(*"abcdefgh", name="server", options=options)
            (block,) = {frozenset(block) for block in self.blocks(requests)[8:]}
            assert len(block) == 2
            drawn |= set(block)
        assert len(drawn) > 4

    def test_with_nothing_but_bad_images_it_ends(self, run: Callable) -> None:
        measured, _, requests = run("bad1", "bad2", min_seconds=30)
        assert measured.regions == {}
        assert set(measured.skipped) == {"bad1", "bad2"}
        assert self.blocks(requests) == [["bad1", "bad2"]]

    def test_precision_is_looked_up_on_the_images_with_most_text(self, run: Callable) -> None:
        _, _, requests = run("a", "bad", "b", "c", "d", "much")
        assert self.blocks(requests, "attest") == [["much", "a", "b", "c"]]
