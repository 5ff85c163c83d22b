"""Drive a worker through one cell: convert, warm up, measure, attest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from ocrbench.config import Cell
from ocrbench.environment.usage import Usage
from ocrbench.records import (
    Artifact,
    Prediction,
    Region,
    Sample,
    StageTimes,
    artifacts_from_plain,
    artifacts_to_plain,
)
from ocrbench.schedule.process import Listener, Worker

ATTEST_IMAGES = 4

Artifacts = Mapping[str, Mapping[str, Artifact]]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One image, timed once.

    Attributes:
        warmup: Whether this was before measuring began.
        first_seen: Whether a network met an input shape for the first time.
    """

    sample_id: str
    warmup: bool
    first_seen: bool
    regions: int
    times: StageTimes


@dataclass(kw_only=True)
class Measured:
    """All that the worker reported of one cell; grows while it runs.

    Attributes:
        wall_ns: Of the measured blocks together.
        images: How many images were measured in that time.
        usage: Of the CPU in that time.
        compile_ms: Per stage.
        execution: Per stage and network, see ``runtime.Execution``.
        skipped: Sample id → reason.
    """

    timings: list[Timing] = field(default_factory=list)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    compile_ms: dict[str, float] = field(default_factory=dict)
    execution: dict[str, dict[str, Any]] = field(default_factory=dict)
    wall_ns: int = 0
    images: int = 0
    usage: Usage = field(default_factory=Usage)
    peak_memory_bytes: int = 0


def prepare(
    cell: Cell,
    listener: Listener,
    roles: Sequence[str] = ("detector", "recognizer"),
    start: Callable[[], Worker] = Worker,
) -> tuple[Artifacts, dict[str, Any]]:
    """Convert a cell's models in a process of their own.

    Args:
        cell: What to convert.
        listener: Hears of progress.
        roles: Which of its two models.
        start: Makes the worker.

    Returns:
        The artifacts by stage and network, and the environment that will measure them.

    Raises:
        OcrBenchError: The conversion fails.
    """
    with start() as worker:
        environment = worker.ask("describe", listener, cell.prepare_timeout_seconds)
        made = worker.ask("convert", listener, cell.prepare_timeout_seconds, cell=asdict(cell), roles=roles)
    return {role: artifacts_from_plain(given) for role, given in made.items()}, environment


def measure(cell: Cell, artifacts: Artifacts, samples: Sequence[Sample], listener: Listener) -> Measured:
    """Measure a cell: warm-up passes, then passes until both the time and one full pass are done.

    The predictions are those of the first pass.

    Raises:
        OcrBenchError: The worker reports it.
        WorkerError: The worker died or hung.
    """
    measured = Measured()
    given = {role: artifacts_to_plain(networks) for role, networks in artifacts.items()}
    with Worker() as worker:
        listener.say("compiling")
        limit = cell.prepare_timeout_seconds
        measured.compile_ms = worker.ask("load", listener, limit, cell=asdict(cell), artifacts=given)
        for number in range(cell.scenario.warmup_passes):
            for done, block in _blocks(cell, samples, measured):
                _run(worker, cell, block, measured, listener, warmup=True)
                listener.advance(f"warm-up {number + 1}", done, len(samples))
        _measure_passes(worker, cell, samples, measured, listener)
        if cell.attest != "off":
            listener.say("looking up which precision ran")
            measured.execution = worker.ask(
                "attest", listener, cell.timeout_seconds, samples=_typical(samples, measured)
            )
    return measured


def to_region(given: Mapping[str, Any]) -> Region:
    """Build a region from the worker's JSON."""
    polygon = tuple((float(x), float(y)) for x, y in given["polygon"])
    return Region(polygon=polygon, text=given["text"], confidence=given["confidence"])


def _measure_passes(
    worker: Worker, cell: Cell, samples: Sequence[Sample], measured: Measured, listener: Listener
) -> None:
    limit = cell.scenario.min_seconds
    start, passes = monotonic(), 0
    while passes == 0 or (monotonic() - start < limit and measured.images):
        for done, block in _blocks(cell, samples, measured):
            if passes and monotonic() - start >= limit:
                return
            _run(worker, cell, block, measured, listener, warmup=False)
            share = done / len(samples) if passes == 0 else 1.0
            listener.advance("measure", min(share, (monotonic() - start) / limit) if limit else share, 1.0)
        passes += 1


def _blocks(cell: Cell, samples: Sequence[Sample], measured: Measured) -> list[tuple[int, list[list[str]]]]:
    """Cut the samples into blocks, leaving out those already skipped; each comes with the count done after it."""
    size = cell.scenario.block_images
    blocks = []
    for start in range(0, len(samples), size):
        chosen = [
            [sample.id, str(sample.image_path)]
            for sample in samples[start : start + size]
            if sample.id not in measured.skipped
        ]
        if chosen:
            blocks.append((min(start + size, len(samples)), chosen))
    return blocks


def _run(
    worker: Worker,
    cell: Cell,
    block: list[list[str]],
    measured: Measured,
    listener: Listener,
    *,
    warmup: bool,
) -> None:
    answer = worker.ask("run", listener, cell.timeout_seconds, samples=block)
    measured.peak_memory_bytes = answer["peak_memory_bytes"]
    timed = [each for each in answer["measurements"] if not each["skipped"]]
    if not warmup:
        measured.wall_ns += answer["wall_ns"]
        # A worker of an earlier ocrbench does not tell.
        measured.usage += Usage(**answer.get("usage", {}))
        measured.images += len(timed)
    for each in answer["measurements"]:
        if each["skipped"]:
            measured.skipped[each["sample_id"]] = each["skipped"]
    for each in timed:
        sample_id = each["sample_id"]
        times = StageTimes(**each["times"])
        measured.timings.append(
            Timing(
                sample_id=sample_id,
                warmup=warmup,
                first_seen=each["first_seen"],
                regions=len(each["regions"]),
                times=times,
            )
        )
        if sample_id not in measured.predictions:
            regions = tuple(to_region(given) for given in each["regions"])
            measured.predictions[sample_id] = Prediction(sample_id=sample_id, regions=regions)


def _typical(samples: Sequence[Sample], measured: Measured) -> list[list[str]]:
    """Choose the images with the most text, on which both stages have work."""
    usable = [sample for sample in samples if sample.id in measured.predictions]
    usable.sort(key=lambda sample: -len(measured.predictions[sample.id].regions))
    return [[sample.id, str(sample.image_path)] for sample in usable[:ATTEST_IMAGES]]
