"""Scenario ``throughput``: as many images per second as the device can do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.data.images import read_image
from ocrbench.engines.interface import Reader
from ocrbench.errors import DatasetError
from ocrbench.records import Image
from ocrbench.scenarios.interface import Block, Feed, Kind, ManySetup, Measurement, with_spare
from ocrbench.scenarios.sharing import share


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ThroughputSetup(ManySetup):
    """The keys of ``conf/scenario/throughput.yaml``.

    Attributes:
        together: So many images that follow each other form a group, whose crops share the recognizer's batches.
        processes: So many processes share the images. Each has its part of the cores, and networks of its own; what is
            said of requests, streams and threads is said of each.
    """

    # Filling and draining the readers are part of a block's time, so a block is long: a shorter dataset is repeated.
    block_images: ClassVar[int] = 128
    block_queries: ClassVar[int] = 128

    together: int = Field(default=1, ge=1)
    processes: int = Field(default=1, ge=1)

    @property
    def warming_up(self) -> Mapping[str, object]:
        """Let each process read all images, in their order.

        So all have met every shape before it counts, and have compiled a network of its own for the same ones.
        """
        return {"processes": 1}

    def in_flight(self, optimum: int) -> int:
        """Return the number that was chosen, or what keeps the device busy."""
        return self.requests or with_spare(optimum)


def throughput(readers: Sequence[Reader], feed: Feed, setup: ThroughputSetup, claims: Path | None = None) -> Block:
    """Keep every reader busy: each reads and runs the next group of images in a thread of its own.

    While one thread waits for the device, others read files, find boxes, cut crops and decode text. There is no queue:
    each reader holds the image that it works on and the crops of its group. The groups depend on the feed alone, not
    on which thread is faster.

    Args:
        readers: As many as groups are to be in flight.
        feed: (sample id, image file) pairs.
        setup: How large a group is.
        claims: An empty folder for processes that were all given the same feed. Each does the groups that it claims
            there.
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
    """Cut images into groups of those that follow each other.

    When there is not a whole group left for each worker they become smaller, so that all end at nearly the same time.

    >>> [len(group) for group in groups(23, 4, 2)]
    [4, 4, 4, 4, 3, 2, 1, 1]
    """
    first = 0
    while first < count:
        length = max(1, min(size, (count - first) // workers))
        yield range(first, first + length)
        first += length


def claimed(jobs: Iterable[range], claims: Path) -> Iterator[range]:
    """Leave out the jobs that another process was faster to claim.

    A claim is a file that did not exist: only one process can make it.
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
        else Measurement(
            sample_id=sample_id,
            regions=read[index].regions,
            times=replace(read[index].times, read_ns=read_ns[index]),
            first_seen=read[index].first_seen,
        )
        for index, (sample_id, _) in enumerate(feed)
    ]


KIND = Kind(setup=ThroughputSetup, run=throughput)
