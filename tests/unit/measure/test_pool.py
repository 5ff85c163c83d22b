"""Several workers that share a block."""

import functools
from collections.abc import Callable
from typing import cast

import pytest

from ocrbench.errors import WorkerError
from ocrbench.measure.pool import WorkerPool
from ocrbench.measure.processes import Worker
from ocrbench.progress import LogListener
from ocrbench.scenarios.interface import Measurement
from ocrbench.worker.protocol import Ran, Run


def test_the_failure_of_one_ends_all_of_a_pool(interpreter: Callable[[str], str]) -> None:
    hangs = functools.partial(Worker, interpreter("import signal\nsignal.pause()"))
    with hangs() as one, hangs() as other, hangs() as third:
        other._process.kill()
        with pytest.raises(WorkerError, match="killed by SIGKILL during 'run'"):
            WorkerPool([one, other, third], [[0], [1], [2]]).ask(Run(samples=[]), LogListener(), 600)
        assert all(each._process.wait(20) for each in (one, third))


class Reporting:
    """A worker that has run."""

    def __init__(self, answer: Ran) -> None:
        self._answer = answer

    def ask(self, *_: object) -> Ran:
        return self._answer


def test_a_pool_took_from_its_first_start_to_its_last_end() -> None:
    """Whatever else passes, such as the time to report what was found, is far more than these nanoseconds."""
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
    answer = WorkerPool(cast("list[Worker]", members), [[0], [1]]).ask(Run(samples=[]), LogListener(), 600)
    assert (answer.wall_ns, [each.sample_id for each in answer.measurements]) == (30, ["0", "1"])
