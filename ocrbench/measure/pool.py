"""Several workers that share the images of one cell, and the cores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from ocrbench.config.schema import Cell
from ocrbench.environment import allowed_cores
from ocrbench.environment.machine import split_cores
from ocrbench.environment.noise import Usage
from ocrbench.errors import ConfigError
from ocrbench.measure.processes import FORKS, Worker
from ocrbench.progress import Listener
from ocrbench.scenarios import setup_of
from ocrbench.scenarios.interface import Measurement
from ocrbench.worker.protocol import Answer, Load, Ran, Request, Run


class WorkerPool:
    """Asked like one worker. Each of its members has a part of the cores for itself.

    No member waits for another: whoever is free claims the next images. While warming up each reads all of them, and
    what the first one found is the answer.
    """

    def __init__(self, members: Sequence[Worker], cores: Sequence[Sequence[int]]) -> None:
        """Take the members, which have loaded nothing yet.

        Args:
            members: Two workers or more.
            cores: Which cores each may use.
        """
        self._members, self._cores = members, cores

    def ask(self, request: Request[Answer], listener: Listener, seconds: float) -> Answer:
        """Ask all members to load or to run, and put their answers together; ask anything else of the first member.

        Args:
            request: See ``ocrbench.worker.protocol``.
            listener: Hears of progress.
            seconds: How long each member may take.

        Raises:
            OcrBenchError: A member reports it.
            WorkerError: A member died or took too long.
        """
        if isinstance(request, Load):
            return cast("Answer", self._load(request, listener, seconds))
        if isinstance(request, Run):
            return cast("Answer", self._run(request, listener, seconds))
        return self._members[0].ask(request, listener, seconds)

    def _load(self, request: Load, listener: Listener, seconds: float) -> dict[str, float]:
        requests = [replace(request, cores=cores) for cores in self._cores]
        # What is compiled is kept in one folder, where two must not write the same file at once.
        alone = 1 if request.cell.model_cache else 0
        first = [self._members[0].ask(each, listener, seconds) for each in requests[:alone]]
        return _slowest([*first, *_ask(self._members[alone:], requests[alone:], listener, seconds)])

    def _run(self, request: Run, listener: Listener, seconds: float) -> Ran:
        changes = dict(request.changes)
        # Not passed on: the images are grouped as they will be when they are shared, or batches would have other sizes.
        each_alone = changes.pop("processes", None) == 1
        with TemporaryDirectory(prefix="ocrbench-claims-") as claims:
            shared = replace(request, changes=changes, claims=None if each_alone else Path(claims))
            answers = _ask(self._members, [shared] * len(self._members), listener, seconds)
        return replace(
            answers[0],
            measurements=answers[0].measurements if each_alone else _in_order(answers),
            taken=(),
            wall_ns=_wall_ns(answers),
            usage=sum((answer.usage for answer in answers), Usage()),
            peak_memory_bytes=sum(answer.peak_memory_bytes for answer in answers),
            pss_bytes=sum(answer.pss_bytes for answer in answers),
            compile_ms=_slowest([answer.compile_ms for answer in answers]),
            spans=[spans for answer in answers for spans in answer.spans],
        )


@contextmanager
def workers_for(
    cell: Cell, start: Callable[[], AbstractContextManager[Worker]] = Worker
) -> Iterator[Worker | WorkerPool]:
    """Start what measures a cell: one worker, or a pool where its scenario wants several processes.

    Args:
        cell: What is measured.
        start: Makes a worker.

    Raises:
        ConfigError: There are not enough cores.
    """
    cores = cores_for(cell)
    with ExitStack() as stack:
        members = [stack.enter_context(start()) for _ in cores]
        yield WorkerPool(members, cores) if len(members) > 1 else members[0]


def cores_for(cell: Cell) -> list[list[int]]:
    """Say which cores each process of a cell's scenario may use.

    Raises:
        ConfigError: There are fewer cores than processes, or this system cannot confine a process to some cores.
    """
    processes = setup_of(cell.scenario).processes
    if processes > 1 and not FORKS:
        message = f"scenario.processes={processes}: only Linux can give each process cores of its own; expected 1"
        raise ConfigError(message)
    cores = split_cores(allowed_cores(), processes)
    if not all(cores):
        most = sum(map(bool, cores))
        message = f"scenario.processes={processes}: each process needs a physical core; expected 1 to {most}"
        raise ConfigError(message)
    return cores


def _ask(
    members: Sequence[Worker], requests: Sequence[Request[Answer]], listener: Listener, seconds: float
) -> list[Answer]:
    """Ask all at the same time. Where one fails, or the user interrupts, all are ended: nobody waits for the others."""
    with ThreadPoolExecutor(len(members), thread_name_prefix="worker") as threads:
        asked = [
            threads.submit(member.ask, request, listener, seconds)
            for member, request in zip(members, requests, strict=True)
        ]
        try:
            done, _ = wait(asked, return_when=FIRST_EXCEPTION)
            for each in done:
                each.result()
        except BaseException:
            for member in members:
                member.kill()
            raise
        return [each.result() for each in asked]


def _in_order(answers: Sequence[Ran]) -> tuple[Measurement, ...]:
    """Put the images that the members took back in the order of the feed."""
    taken = [pair for each in answers for pair in zip(each.taken, each.measurements, strict=True)]
    return tuple(measurement for _, measurement in sorted(taken, key=lambda pair: pair[0]))


def _wall_ns(answers: Sequence[Ran]) -> int:
    """Return the time from the first member's start to the last one's end; what they then report is not timed.

    On Linux, where alone there are several, all processes read the same clock (CLOCK_MONOTONIC).
    """
    starts = [answer.ended_ns - answer.wall_ns for answer in answers]
    return max(answer.ended_ns for answer in answers) - min(starts)


def _slowest(times: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the time of the slowest of several members that worked at once, for each role."""
    return {role: max(each[role] for each in times) for role in times[0]}
