"""Several sides measured side by side."""

from collections.abc import Callable
from typing import Any

import pytest

from doubles import Clock
from ocrbench.compare import interleaved
from ocrbench.compare.interleaved import Interleaved, Plan
from ocrbench.compare.sides import Side
from ocrbench.config.composing import load
from ocrbench.progress import LogListener
from ocrbench.records import Region, StageTimes
from ocrbench.scenarios.interface import Measurement
from ocrbench.worker.protocol import Ran, Run

TIMES = StageTimes(**dict.fromkeys(StageTimes.__dataclass_fields__, 7))


class Loading:
    """A worker that does nothing but load."""

    def __init__(self, load: Callable[[], dict[str, float]]) -> None:
        self._load = load

    def ask(self, *_: object) -> dict[str, float]:
        return self._load()


def interrupted() -> dict[str, float]:
    raise KeyboardInterrupt


def test_who_interrupts_the_loading_leaves_no_side_with_more_rounds_than_another() -> None:
    side = Side(label="A", cell=load(["dataset.limit=3"]))
    measuring = Interleaved([side, side], Plan(), LogListener())
    measuring.artifacts = [{}, {}]
    workers: list[Any] = [Loading(lambda: {"detector": 1.0}), Loading(interrupted)]
    with pytest.raises(KeyboardInterrupt):
        measuring._load(workers)
    assert measuring.collected.compile_ms == [[], []]


class Reading(Loading):
    """A worker that reads one text after the other."""

    def __init__(self, *texts: str) -> None:
        self._texts = iter(texts)

    def ask(self, request: Run, *_: object) -> Ran:  # type: ignore[override]
        ((sample_id, _),) = request.samples
        measurement = Measurement(sample_id=sample_id, regions=(region(next(self._texts)),), times=TIMES)
        return Ran(measurements=(measurement,), wall_ns=1, peak_memory_bytes=1)


def test_each_side_is_held_against_its_own_first_reading() -> None:
    side = Side(label="A", cell=load(["dataset.limit=3"]))
    measuring = Interleaved([side, side], Plan(), LogListener())
    workers: list[Any] = [Reading("Exit", "Exit", "Exit", "Exit"), Reading("Ex1t", "Ex1t", "Exit", "Ex1t")]
    sample = measuring.samples[0]
    for _ in range(4):
        measuring._ask_all(workers, sample)
    assert [each.reread for each in measuring.collected.measured] == [{sample.id: True}, {sample.id: False}]
    assert [each.images for each in measuring.collected.measured] == [4, 4]


class Instant:
    """A worker that reads at once, and remembers what."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def ask(self, request: Run, *_: object) -> Ran:
        ((sample_id, _),) = request.samples
        new = sample_id not in self.read
        self.read.append(sample_id)
        measurement = Measurement(sample_id=sample_id, regions=(region("Exit"),), times=TIMES, first_seen=new)
        return Ran(measurements=(measurement,), wall_ns=1, peak_memory_bytes=1)


class TestRounds:
    """Rounds of processes, in which each question takes a second."""

    @pytest.fixture
    def measuring(self, monkeypatch: pytest.MonkeyPatch) -> Interleaved:
        clock = Clock()
        clock.rule(monkeypatch, interleaved)
        monkeypatch.setattr(Instant, "ask", takes(Instant.ask, clock))
        side = Side(label="A", cell=load(["scenario.warmup_images=4"]))
        return Interleaved([side, side], Plan(), LogListener())

    @staticmethod
    def run(measuring: Interleaved, seconds: float, *, rest: bool = False) -> list[str]:
        workers = [Instant(), Instant()]
        measuring.collected.times.append([])
        measuring._warm_up(workers, seconds)  # type: ignore[arg-type]
        warmed = len(workers[0].read)
        measuring._measure(workers, seconds, rest=rest)  # type: ignore[arg-type]
        assert workers[0].read == workers[1].read
        return workers[0].read[warmed:]

    def test_divide_the_images_and_time_each_once(self, measuring: Interleaved) -> None:
        first, second = (self.run(measuring, 12) for _ in range(2))
        assert len(first) == len(second) == 6
        assert not {*first} & {*second}
        assert [len(images) for images in measuring.collected.times] == [6, 6]
        assert measuring.collected.seconds == 24

    def test_what_is_left_is_read_for_the_accuracy(self, measuring: Interleaved) -> None:
        first = self.run(measuring, 12)
        rest = self.run(measuring, 0, rest=True)
        assert not {*first} & {*rest}
        assert measuring.unread == []
        assert set(measuring.collected.measured[0].regions) == set(measuring.expected)

    def test_end_when_every_image_was_timed_once(self, measuring: Interleaved) -> None:
        read = self.run(measuring, 1000)
        assert len(read) == len(set(read)) == 28

    def test_begin_anew_with_all_images_when_all_were_read(self, measuring: Interleaved) -> None:
        assert {*self.run(measuring, 1000)} == {*self.run(measuring, 1000)}

    def test_warm_up_on_images_that_are_not_timed(self, measuring: Interleaved) -> None:
        warming = {sample.id for sample in measuring._warming}
        read = self.run(measuring, 1000)
        assert len(warming) == 4
        assert not warming & set(read)

    def test_warm_up_for_a_quarter_of_the_time_but_on_two(self, measuring: Interleaved) -> None:
        self.run(measuring, 4)
        assert [each.warmup for each in measuring.collected.measured[0].timings] == [True, True, False, False]

    @pytest.mark.parametrize(
        ("seconds", "rounds", "counted"),
        # 28 images are timed; each takes two seconds.
        [(24, [6, 6], 3), (56, [14, 14], 2), (100, [25, 25], 2), (400, [28] * 8, 8)],
    )
    def test_are_as_many_as_planned_or_more_where_there_are_few_images(
        self, measuring: Interleaved, monkeypatch: pytest.MonkeyPatch, seconds: float, rounds: list[int], counted: int
    ) -> None:
        def once(seconds: float, *, rest: bool = False) -> None:
            self.run(measuring, seconds, rest=rest)

        monkeypatch.setattr(measuring, "run_processes", once)
        measuring._plan = Plan(seconds=seconds, processes=2)
        measuring.run()
        assert [len(images) for images in measuring.collected.times][: len(rounds)] == rounds
        assert len(measuring.collected.times) == counted
        assert measuring.unread == []


def takes(ask: Callable[..., Ran], clock: Clock) -> Callable[..., Ran]:
    def take(*words: Any) -> Ran:
        clock.sleep(1)
        return ask(*words)

    return take


def region(text: str) -> Region:
    return Region(polygon=((0, 0), (9, 0), (9, 9)), text=text)
