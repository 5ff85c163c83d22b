"""Blocks of images: cut from a dataset, run by a worker, and what has been reported of them so far."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ocrbench.environment.usage import Usage
from ocrbench.records import Prediction, Region, Sample, Span, StageTimes
from ocrbench.scenarios import Feed
from ocrbench.schedule.searching import Step
from ocrbench.worker.protocol import Ran, Run

ATTEST_IMAGES = 4


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
        compile_ms: Per stage, until the last block.
        execution: Per stage and network, see ``runtime.Execution``.
        reread: Sample id → whether it was always read as it was the first time, of those read more than once.
        skipped: Sample id → reason.
        rate: At which images arrived, per second; None where they do not arrive by themselves.
        facts: What else the scenario found out, by name.
        files: Name → text of files that belong to the run.
        steps: The rates that a search tried.
        spans: When each pipeline was in which stage, pipeline by pipeline; empty unless the cell is profiled.
    """

    timings: list[Timing] = field(default_factory=list)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    reread: dict[str, bool] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    compile_ms: dict[str, float] = field(default_factory=dict)
    execution: dict[str, dict[str, Any]] = field(default_factory=dict)
    wall_ns: int = 0
    images: int = 0
    usage: Usage = field(default_factory=Usage)
    peak_memory_bytes: int = 0
    rate: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    spans: dict[int, list[Span]] = field(default_factory=dict)


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


def with_most_text(samples: Sequence[Sample], regions: Mapping[str, Sequence[Region]]) -> Feed:
    """Choose some images to look up what ran: those with the most text, on which both stages have work.

    Args:
        samples: To choose from; without those of which nothing is known.
        regions: Sample id → what was found in it.

    Returns:
        (sample id, path) pairs.
    """
    known = [sample for sample in samples if sample.id in regions]
    known.sort(key=lambda sample: -len(regions[sample.id]))
    return [(sample.id, sample.image_path) for sample in known[:ATTEST_IMAGES]]


def run_block(
    ask: Callable[[Run], Ran],
    block: Feed,
    measured: Measured,
    *,
    warmup: bool = False,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Let the worker run a block, and add what it reports.

    Args:
        ask: Sends the request and returns its answer.
        block: (sample id, path) pairs.
        measured: Grows.
        warmup: Whether this is before measuring begins.
        changes: To the scenario's own keys, for this block.
    """
    ran = ask(Run(samples=block, changes=changes or {}))
    measured.peak_memory_bytes = ran.peak_memory_bytes
    measured.compile_ms.update(ran.compile_ms)
    timed = [(each, each.times) for each in ran.measurements if each.times is not None]
    if not warmup:
        measured.wall_ns += ran.wall_ns
        measured.usage += ran.usage
        measured.images += len(timed)
        measured.facts |= ran.facts
        measured.files |= ran.files
        for pipeline, spans in enumerate(ran.spans):
            measured.spans.setdefault(pipeline, []).extend(spans)
    measured.skipped |= {each.sample_id: each.skipped for each in ran.measurements if each.skipped}
    for each, times in timed:
        measured.timings.append(
            Timing(
                sample_id=each.sample_id,
                warmup=warmup,
                first_seen=each.first_seen,
                regions=len(each.regions),
                times=times,
            )
        )
        if first := measured.predictions.get(each.sample_id):
            same = same_texts(first.regions, each.regions)
            measured.reread[each.sample_id] = measured.reread.get(each.sample_id, True) and same
        else:
            measured.predictions[each.sample_id] = Prediction(sample_id=each.sample_id, regions=each.regions)


def same_texts(first: Sequence[Region], again: Sequence[Region]) -> bool:
    """Tell whether an image was read as before: the same texts in the same order.

    Places may differ by what is rounded otherwise, for a network that is compiled for one shape for example.
    """
    return [region.text for region in first] == [region.text for region in again]
