"""Scenario ``throughput``: as many images per second as the device can do."""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import ClassVar, TypeVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.data.images import read_image
from ocrbench.engines.interface import Reader
from ocrbench.errors import DatasetError
from ocrbench.records import Image
from ocrbench.scenarios.interface import Block, Feed, Kind, ManySetup, Measurement, UnseenSetup, with_spare

Job = TypeVar("Job")


class _Shared(Iterator[Job]):
    """An iterator for several threads, which can be stopped early."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(jobs)
        self._lock = threading.Lock()
        self._ended = False

    def __next__(self) -> Job:
        with self._lock:
            if self._ended:
                raise StopIteration
            return next(self._jobs)

    def end(self) -> None:
        with self._lock:
            self._ended = True


def share(workers: Sequence[Callable[[Job], None]], jobs: Iterable[Job]) -> None:
    """Give each worker a thread in which it takes the next job whenever it is free.

    Jobs wait only in ``jobs``, so the number of running jobs is that of the workers. Calls with the same number of
    workers use the same threads; they must not overlap.

    Args:
        workers: Workers; no two threads use the same one.
        jobs: Jobs; the next one is requested only when a worker is free.

    Raises:
        Exception: The first exception of a worker. No job starts after it; running jobs are completed.
    """
    shared = _Shared(jobs)

    def work(worker: Callable[[Job], None]) -> None:
        for job in shared:
            worker(job)

    pool = _threads(len(workers))
    working = [pool.submit(work, worker) for worker in workers]
    try:
        done, _ = wait(working, return_when=FIRST_EXCEPTION)
    finally:
        shared.end()
        wait(working)
    for each in done:
        each.result()


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    """Keep threads between calls.

    A new thread may get a part of the heap (glibc: an arena) that has not grown yet, so the process would grow with
    each call.
    """
    return ThreadPoolExecutor(count, thread_name_prefix="reader")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ThroughputSetup(ManySetup, UnseenSetup):
    """The keys of ``conf/scenario/throughput.yaml``.

    Attributes:
        together: Number of consecutive images in a group, whose crops share the recognizer's batches.
        processes: Number of processes that share the images. Each has a part of the cores and its own networks;
            requests are per process.
    """

    # Filling and draining the readers is part of a block's time, so a block is long: a shorter dataset is repeated.
    block_images: ClassVar[int] = 128
    block_queries: ClassVar[int] = 128

    together: int = Field(default=1, ge=1)
    processes: int = Field(default=1, ge=1)

    @property
    def warming_up(self) -> Mapping[str, object]:
        """Let each process read all images of the warm-up, in their order, so that all compile for the same shapes."""
        return {"processes": 1}

    def in_flight(self, optimum: int) -> int:
        """Return the chosen number, or one that keeps the device busy."""
        return self.requests or with_spare(optimum)


def throughput(readers: Sequence[Reader], feed: Feed, setup: ThroughputSetup, claims: Path | None = None) -> Block:
    """Keep every reader busy: each reads and runs the next group of images in a thread of its own.

    While one thread waits for the device, others read files, find boxes, cut crops and decode text. There is no queue:
    each reader has the image that it works on and the crops of its group. The groups depend on the feed alone, not on
    the speed of threads.

    Args:
        readers: Readers, one per group in flight.
        feed: (sample id, image file) pairs.
        setup: Setup with the size of a group.
        claims: Empty folder for processes with the same feed. Each process does the groups that it claims there.
    """
    measurements: dict[int, Measurement] = {}

    def work(reader: Reader, group: range) -> None:
        for index, measurement in zip(group, _measure(reader, [feed[i] for i in group]), strict=True):
            measurements[index] = measurement

    jobs = groups(len(feed), setup.together, len(readers) * setup.processes)
    start = perf_counter_ns()
    share([partial(work, reader) for reader in readers], claimed(jobs, claims) if claims else jobs)
    wall_ns = perf_counter_ns() - start
    taken = tuple(sorted(measurements))
    return Block(
        measurements=tuple(measurements[index] for index in taken), taken=taken if claims else (), wall_ns=wall_ns
    )


def groups(count: int, size: int, workers: int) -> Iterator[range]:
    """Split images into groups of consecutive ones.

    When fewer than one whole group per worker is left, groups become smaller, so that all end at nearly the same time.

    >>> [len(group) for group in groups(23, 4, 2)]
    [4, 4, 4, 4, 3, 2, 1, 1]
    """
    first = 0
    while first < count:
        length = max(1, min(size, (count - first) // workers))
        yield range(first, first + length)
        first += length


def claimed(jobs: Iterable[range], claims: Path) -> Iterator[range]:
    """Leave out the jobs that another process claimed first.

    A claim is a new file, which only one process can create.
    """
    for number, job in enumerate(jobs):
        try:
            (claims / str(number)).touch(exist_ok=False)
        except FileExistsError:
            continue
        yield job


def _measure(reader: Reader, feed: Feed) -> list[Measurement]:
    """Measure a group, whose images are decoded one by one."""
    skipped: dict[int, str] = {}
    read_ns: dict[int, int] = {}

    def images() -> Iterator[Image]:
        for index, (sample_id, path) in enumerate(feed):
            start = perf_counter_ns()
            try:
                image = read_image(path)
            except DatasetError as error:
                skipped[index] = str(error)
                continue
            end = perf_counter_ns()
            read_ns[index] = end - start
            reader.note("read", start, end, sample_id)
            yield image

    results = reader.read_together(images())
    read = dict(zip(read_ns, results, strict=True))
    return [
        Measurement(sample_id=sample_id, skipped=skipped[index])
        if index in skipped
        else Measurement.of(sample_id, read[index], replace(read[index].times, read_ns=read_ns[index]))
        for index, (sample_id, _) in enumerate(feed)
    ]


KIND = Kind(run=throughput, setup=ThroughputSetup, decisive=lambda _: "throughput_ips")
