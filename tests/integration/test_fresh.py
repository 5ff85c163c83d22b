"""Fresh processes by forking: each is one of its own, and what happens to it is noticed."""

import signal
from collections.abc import Iterator

import psutil
import pytest

from doubles import Silent
from ocrbench.config.composing import load
from ocrbench.errors import WorkerError
from ocrbench.measure.processes import FORKS, FreshProcesses, Worker
from ocrbench.worker.protocol import Convert

pytestmark = pytest.mark.skipif(not FORKS, reason="this system is not to fork")
LIMIT_SECONDS = 60
# Nothing is to be converted, so the answer comes at once.
ANYTHING = Convert(cell=load(), roles=())


@pytest.fixture
def source() -> Iterator[FreshProcesses]:
    with FreshProcesses(Worker, Silent()) as started:
        yield started


def copies(worker: Worker) -> list[psutil.Process]:
    return psutil.Process(worker.pid).children()


def test_each_is_a_process_of_its_own(source: FreshProcesses) -> None:
    seen = []
    for _ in range(2):
        with source.fresh() as worker:
            assert worker.ask(ANYTHING, Silent(), LIMIT_SECONDS) == {}
            (copy,) = copies(worker)
            seen.append(copy.pid)
        copy.wait(LIMIT_SECONDS)
    assert len({*seen, worker.pid}) == 3


def test_several_at_once_have_an_original_each(source: FreshProcesses) -> None:
    def pids() -> list[int]:
        with source.fresh() as one, source.fresh() as other:
            assert one.ask(ANYTHING, Silent(), LIMIT_SECONDS) == other.ask(ANYTHING, Silent(), LIMIT_SECONDS)
            return [one.pid, other.pid]

    first, second = pids(), pids()
    assert len(set(first)) == 2
    assert sorted(first) == sorted(second)


def test_a_copy_that_is_killed_takes_the_original_along(source: FreshProcesses) -> None:
    def work(worker: Worker) -> None:
        copies(worker)[0].kill()
        worker.ask(ANYTHING, Silent(), LIMIT_SECONDS)

    with pytest.raises(WorkerError, match="killed by SIGKILL during 'convert'"), source.fresh() as worker:
        work(worker)


def test_a_copy_that_hangs_is_ended_with_the_original(source: FreshProcesses) -> None:
    def work(worker: Worker) -> None:
        (copy,) = copies(worker)
        stopped.append(copy)
        copy.send_signal(signal.SIGSTOP)
        worker.ask(ANYTHING, Silent(), 1)

    stopped: list[psutil.Process] = []
    with pytest.raises(WorkerError, match="did not answer 'convert' within 1 s"), source.fresh() as worker:
        work(worker)
    stopped[0].wait(LIMIT_SECONDS)
