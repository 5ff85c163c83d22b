"""Passes over the images of a cell: warm up, measure, look up what ran."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import pairwise
from time import monotonic

from ocrbench.config.schema import Cell
from ocrbench.data import choose
from ocrbench.measure.measured import Measured, with_most_text
from ocrbench.measure.pool import workers_for
from ocrbench.measure.processes import Worker
from ocrbench.measure.searching import search_rate
from ocrbench.progress import Listener
from ocrbench.records import Artifacts, Sample
from ocrbench.scenarios import Feed, ServerSetup, setup_of
from ocrbench.worker.protocol import Attest, Load, Run


def measure(
    cell: Cell,
    artifacts: Artifacts,
    samples: Sequence[Sample],
    listener: Listener,
    start: Callable[[], AbstractContextManager[Worker]] = Worker,
) -> Measured:
    """Measure a cell: warm-up passes, then passes until both the time and one full pass are done.

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
    measured = Measured()
    setup = setup_of(cell.scenario)
    with workers_for(cell, start) as worker:
        listener.say("compiling")
        limit = cell.prepare_timeout_seconds
        measured.compile_ms = worker.ask(Load(cell=cell, artifacts=artifacts), listener, limit)

        def run(
            block: Feed, measured: Measured, *, warmup: bool = False, changes: Mapping[str, object] | None = None
        ) -> None:
            changes = changes or {}
            limit = cell.timeout_seconds + replace(setup, **changes).least_seconds(len(block))
            measured.add(worker.ask(Run(samples=block, changes=changes), listener, limit), warmup=warmup)

        for number in range(cell.scenario.warmup_passes):
            for done, block in blocks_of(setup.block_images, samples, measured):
                run(block, measured, warmup=True, changes=setup.warming_up)
                listener.advance(f"warm-up {number + 1}", done, len(samples))
        if isinstance(setup, ServerSetup):
            measured.rate = setup.rate
        if isinstance(setup, ServerSetup) and setup.search:
            _search(run, cell, samples, measured, listener)
        else:
            _measure_passes(run, cell, samples, measured, listener)
        if cell.attest != "off" or cell.profile:
            listener.say("looking up which precision ran")
            feed = with_most_text(samples, measured.regions)
            measured.execution = worker.ask(Attest(samples=feed), listener, cell.timeout_seconds)
    return measured


def _measure_passes(
    run: Callable[..., None], cell: Cell, samples: Sequence[Sample], measured: Measured, listener: Listener
) -> None:
    limit, setup = cell.scenario.min_seconds, setup_of(cell.scenario)
    start, passes = monotonic(), 0
    while passes == 0 or (monotonic() - start < limit and measured.images):
        blocks = blocks_of(setup.block_images, samples, measured)
        times = copies(blocks, setup.block_queries)
        for done, block in blocks:
            if passes and monotonic() - start >= limit:
                return
            run(list(block) * times, measured)
            share = done / len(samples) if passes == 0 else 1.0
            listener.advance("measure", min(share, (monotonic() - start) / limit) if limit else share, 1.0)
        passes += 1


def _search(
    run: Callable[..., None], cell: Cell, samples: Sequence[Sample], measured: Measured, listener: Listener
) -> None:
    """Find the highest rate that keeps the bound; what was measured when it was last confirmed is what counts.

    The images that arrive are drawn once from all, as many as a block holds.
    """
    setup = setup_of(cell.scenario)
    assert isinstance(setup, ServerSetup)
    for _, block in blocks_of(setup.block_images, samples, measured):
        if any(sample_id not in measured.regions for sample_id, _ in block):
            # Without warm-up passes nobody has read them yet, and not all of them are drawn.
            run(block, measured, warmup=True, changes=setup.warming_up)
    usable = [sample for sample in samples if sample.id not in measured.skipped]
    drawn = [(each.id, each.image_path) for each in choose(usable, setup.block_images, setup.seed)]
    if not drawn:
        return
    measured.facts["searched_images"] = len(drawn)
    queries = drawn * copies([(len(drawn), drawn)], setup.block_queries)
    tried: dict[float | None, Measured] = {}

    def attempt(rate: float | None) -> list[int]:
        tried[rate] = Measured(
            regions=measured.regions,
            reread=measured.reread,
            skipped=measured.skipped,
            compile_ms=measured.compile_ms,
        )
        if rate is not None:
            seconds = replace(setup, rate=rate).least_seconds(len(queries))
            listener.say(f"{rate:.2f} images/s: {len(queries)} arrive within {seconds:.0f} s")
        run(queries, tried[rate], changes={"rate": rate})
        return [each.times.latency_ns for each in tried[rate].timings]

    if not attempt(None):
        return
    ceiling = tried[None].images / (tried[None].wall_ns / 1e9)
    for step in search_rate(attempt, ceiling, setup.bound_ms, setup.tolerance):
        measured.steps.append(step)
        listener.say(step.sentence)
    measured.rate = measured.steps[-1].rate
    best = tried[measured.rate]
    measured.timings += best.timings
    measured.images, measured.wall_ns, measured.usage = best.images, best.wall_ns, best.usage
    measured.spans = best.spans
    measured.peak_memory_bytes = max(each.peak_memory_bytes for each in tried.values())


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
