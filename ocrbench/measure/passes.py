"""Passes over the images of a cell: warm up, measure, look up what ran.

What a user waits for is an image that the process has not read before. Networks prepare anew for each input shape that
they meet, so a repeated image is faster, and by how much depends on the precision. Images are therefore timed at their
first reading, in a process that has warmed up on others; repeats are a measurement of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

from ocrbench.config.schema import Cell
from ocrbench.data.warm_up import warm_up_samples
from ocrbench.measure.measured import Measured, with_most_text
from ocrbench.measure.pool import WorkerPool, workers_for
from ocrbench.measure.processes import Worker
from ocrbench.progress import Listener
from ocrbench.records import Artifacts, Sample
from ocrbench.scenarios import SCENARIOS, setup_of
from ocrbench.scenarios.interface import Attempt, Feed
from ocrbench.worker.protocol import Attest, Load, Ran, Run


def measure(
    cell: Cell,
    artifacts: Artifacts,
    samples: Sequence[Sample],
    listener: Listener,
    start: Callable[[], AbstractContextManager[Worker]] = Worker,
) -> Measured:
    """Measure a cell: warm up, then what its scenario wants; at last look up what ran.

    What was found is that of the first pass.

    Args:
        cell: What to measure.
        artifacts: Its networks.
        samples: Its images.
        listener: Hears of progress.
        start: Makes the worker.

    Raises:
        OcrBenchError: The worker reports it.
        WorkerError: The worker died or hung.
    """
    with workers_for(cell, start) as worker:
        listener.say("compiling")
        request = Load(cell=cell, artifacts=artifacts)
        compile_ms = worker.ask(request, listener, cell.prepare_timeout_seconds)
        measuring = _Measuring(cell, samples, listener, worker, Measured(compile_ms=compile_ms))
        measuring.warm_up()
        SCENARIOS[cell.scenario.name].measure(measuring.setup, measuring)
        measured = measuring.measured
        if cell.attest != "off" or cell.profile:
            listener.say("looking up which precision ran")
            feed = with_most_text(samples, measured.regions)
            measured.execution = worker.ask(Attest(samples=feed), listener, cell.timeout_seconds)
    return measured


class _Measuring:
    """A cell while it is being measured; see ``scenarios.interface.Measuring``."""

    def __init__(
        self,
        cell: Cell,
        samples: Sequence[Sample],
        listener: Listener,
        worker: Worker | WorkerPool,
        measured: Measured,
    ) -> None:
        self.setup, self.measured = setup_of(cell.scenario), measured
        self._cell, self._samples, self._listener, self._worker = cell, samples, listener, worker

    def say(self, text: str) -> None:
        self._listener.say(text)

    def warm_up(self) -> None:
        count = self.setup.warm_up_images
        if count is None:
            for number in range(self.setup.warm_up_passes):
                for done, block in self._blocks():
                    self._warm_up(block)
                    self._listener.advance(f"warm-up {number + 1}", done, len(self._samples))
            return
        dataset, cache_dir = self._cell.dataset, Path(self._cell.cache_dir).expanduser()
        chosen = warm_up_samples(dataset, self._samples, count, cache_dir)
        own = {sample.id for sample in self._samples}
        for done, block in blocks_of(self.setup.block_images, chosen, self.measured):
            self._warm_up(block, foreign=block[0][0] not in own)
            self._listener.advance("warm-up", done, len(chosen))

    def passes(self) -> None:
        unseen = self.measured.unseen = self.setup.warm_up_images is not None
        if unseen:
            self._first_readings()
        limit = self._cell.scenario.min_seconds
        start, passes, number = monotonic(), 0, 0
        while (passes == 0 and not unseen) or (monotonic() - start < limit and self.measured.images):
            blocks = self._blocks()
            times = copies(blocks, self.setup.block_queries)
            for done, block in blocks:
                if (passes or unseen) and monotonic() - start >= limit:
                    return
                self.measured.add(self._run(list(block) * times, self.setup.in_pass(number)), again=unseen)
                number += 1
                share = done / len(self._samples) if passes == 0 and not unseen else 1.0
                phase = "again" if unseen else "measure"
                self._listener.advance(phase, min(share, (monotonic() - start) / limit) if limit else share, 1.0)
            passes += 1

    def _first_readings(self) -> None:
        """Measure every image that was not read before."""
        unread = [sample for sample in self._samples if sample.id not in self.measured.regions]
        for done, block in blocks_of(self.setup.block_images, unread, self.measured):
            self.measured.add(self._run(block, self.setup.in_pass(0)))
            self._listener.advance("measure", done, len(unread))

    def readable(self) -> list[Sample]:
        return [sample for sample in self._samples if sample.id not in self.measured.skipped]

    def attempt(self, feed: Feed, changes: Mapping[str, object]) -> Measured:
        attempt = self.measured.apart()
        attempt.add(self._run(feed, changes))
        # It only grows, so the last one is the largest.
        self.measured.peak_memory_bytes = attempt.peak_memory_bytes
        self.measured.pss_bytes = max(self.measured.pss_bytes, attempt.pss_bytes)
        return attempt

    def keep(self, attempts: Sequence[Attempt], facts: Mapping[str, Any]) -> None:
        self.measured.keep([each for each in attempts if isinstance(each, Measured)], facts)

    def _warm_up(self, block: Feed, *, foreign: bool = False) -> None:
        self.measured.add(self._run(block, self.setup.warming_up), warmup=True, foreign=foreign)

    def _run(self, block: Feed, changes: Mapping[str, object]) -> Ran:
        limit = self._cell.timeout_seconds + replace(self.setup, **changes).least_seconds(len(block))
        return self._worker.ask(Run(samples=block, changes=changes), self._listener, limit)

    def _blocks(self) -> list[tuple[int, Feed]]:
        return blocks_of(self.setup.block_images, self._samples, self.measured)


def blocks_of(size: int, samples: Sequence[Sample], measured: Measured) -> list[tuple[int, Feed]]:
    """Cut the samples into blocks of nearly the same length, leaving out those already skipped.

    Args:
        size: The largest length.
        samples: In the dataset's order.
        measured: Knows what was skipped.

    Returns:
        Each block as (sample id, path) pairs, with the count of samples done after it.
    """
    count = -(-len(samples) // size)
    edges = [-(-len(samples) * number // count) for number in range(count + 1)] if count else []
    blocks: list[tuple[int, Feed]] = []
    for start, end in pairwise(edges):
        chosen = [(sample.id, sample.image_path) for sample in samples[start:end] if sample.id not in measured.skipped]
        if chosen:
            blocks.append((end, chosen))
    return blocks


def copies(blocks: Sequence[tuple[int, Feed]], queries: int) -> int:
    """Say how often each block is to be repeated, all alike, so that the longest has enough images.

    >>> copies([(2, [("a", "a.png"), ("b", "b.png")]), (3, [("c", "c.png")])], 3)
    2
    """
    return -(-queries // max((len(block) for _, block in blocks), default=1))
