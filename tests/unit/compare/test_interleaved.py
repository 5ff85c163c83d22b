"""Several sides measured side by side."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocrbench.compare.interleaved import Interleaved, Plan
from ocrbench.compare.sides import Side
from ocrbench.config.composing import load
from ocrbench.progress import LogListener
from ocrbench.records import Region, Sample, StageTimes
from ocrbench.scenarios.interface import Measurement
from ocrbench.worker.protocol import Ran

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

    def ask(self, *_: object) -> Ran:  # type: ignore[override]
        measurement = Measurement(sample_id="a", regions=(region(next(self._texts)),), times=TIMES)
        return Ran(measurements=(measurement,), wall_ns=1, peak_memory_bytes=1)


def test_each_side_is_held_against_its_own_first_reading() -> None:
    side = Side(label="A", cell=load(["dataset.limit=3"]))
    measuring = Interleaved([side, side], Plan(), LogListener())
    workers: list[Any] = [Reading("Exit", "Exit", "Exit", "Exit"), Reading("Ex1t", "Ex1t", "Exit", "Ex1t")]
    sample = Sample(id="a", image_path=Path("a.png"))
    for _ in range(4):
        measuring._ask_all(workers, sample)
    assert [each.reread for each in measuring.collected.measured] == [{"a": True}, {"a": False}]
    assert [each.images for each in measuring.collected.measured] == [4, 4]


def region(text: str) -> Region:
    return Region(polygon=((0, 0), (9, 0), (9, 9)), text=text)
