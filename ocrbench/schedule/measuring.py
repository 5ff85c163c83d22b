"""Drive a worker through one cell: convert, warm up, measure, attest."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from ocrbench.config import Cell
from ocrbench.data import choose
from ocrbench.records import ROLES, Artifacts, Role, Sample
from ocrbench.scenarios import ServerSetup, setup_of
from ocrbench.schedule.blocks import Measured, blocks_of, copies, run_block, with_most_text
from ocrbench.schedule.pool import workers_for
from ocrbench.schedule.process import Listener, Worker
from ocrbench.schedule.searching import search_rate
from ocrbench.worker.protocol import Attest, Convert, Describe, Load, Ran, Run


def prepare(
    cell: Cell,
    listener: Listener,
    roles: Sequence[Role] = ROLES,
    start: Callable[[], AbstractContextManager[Worker]] = Worker,
    *,
    like_int8: bool = False,
) -> tuple[Artifacts, dict[str, Any]]:
    """Convert a cell's models in a process of their own.

    Args:
        cell: What to convert.
        listener: Hears of progress.
        roles: Which of its two models.
        start: Makes the worker.
        like_int8: Whether float networks are rewritten only as INT8 ones are.

    Returns:
        The artifacts by stage and network, and the environment that will measure them.

    Raises:
        OcrBenchError: The conversion fails.
    """
    # A search has a limit of its own for each stage. A recognizer is searched behind its detector, which is made first.
    controlled = cell.quantization.method == "accuracy_control"
    searches = (cell.detector.precision, cell.recognizer.precision).count("INT8") if controlled else 0
    limit = cell.prepare_timeout_seconds + searches * cell.quantization.max_minutes * 60
    with start() as worker:
        environment = worker.ask(Describe(), listener, cell.prepare_timeout_seconds)
        return worker.ask(Convert(cell=cell, roles=roles, like_int8=like_int8), listener, limit), environment


def measure(
    cell: Cell,
    artifacts: Artifacts,
    samples: Sequence[Sample],
    listener: Listener,
    start: Callable[[], AbstractContextManager[Worker]] = Worker,
) -> Measured:
    """Measure a cell: warm-up passes, then passes until both the time and one full pass are done.

    The predictions are those of the first pass.

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

        def ask(request: Run) -> Ran:
            limit = cell.timeout_seconds + replace(setup, **request.changes).least_seconds(len(request.samples))
            return worker.ask(request, listener, limit)

        run = partial(run_block, ask)
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
            found = {sample_id: each.regions for sample_id, each in measured.predictions.items()}
            feed = with_most_text(samples, found)
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
        if any(sample_id not in measured.predictions for sample_id, _ in block):
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
            predictions=measured.predictions,
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
