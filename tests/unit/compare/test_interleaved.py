"""Several sides measured side by side."""

from collections.abc import Callable
from typing import Any

import pytest

from ocrbench.compare.interleaved import Interleaved, Plan
from ocrbench.compare.sides import Side
from ocrbench.config.composing import load
from ocrbench.progress import LogListener
from ocrbench.records import Region
from ocrbench.scenarios import Measurement
from ocrbench.worker.protocol import Ran


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


def test_each_side_is_held_against_its_own_first_pass() -> None:
    side = Side(label="A", cell=load(["dataset.limit=3"]))
    measuring = Interleaved([side, side], Plan(), LogListener())
    measuring.collected.regions = [{"a": [region("Exit")]}, {"a": [region("Exit")]}]

    def answer(text: str) -> Ran:
        measurement = Measurement(sample_id="a", regions=(region(text),))
        return Ran(measurements=(measurement,), wall_ns=1, peak_memory_bytes=1)

    for second in ("Exit", "Ex1t", "Exit"):
        measuring._hold_against_first_pass([answer("Exit"), answer(second)])
    assert measuring.collected.reread == [{"a": True}, {"a": False}]


def region(text: str) -> Region:
    return Region(polygon=((0, 0), (9, 0), (9, 9)), text=text)
