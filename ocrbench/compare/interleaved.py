"""Measure several configurations in turns: all workers stay alive, and alternate image by image, in random order.

On a shared machine the time of one process says little about the next one's, but times seconds apart are comparable.
Every side therefore measures each image within one turn, and only the ratios are kept. Several rounds of processes
follow each other, because memory layout and the like differ between processes.
"""

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Self

import numpy as np

from ocrbench import data
from ocrbench.compare.changes import TIMES, tail_change, time_change
from ocrbench.compare.sides import Side
from ocrbench.compare.verdict import Change
from ocrbench.config.stage import ROLES
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.measure.locks import alone
from ocrbench.measure.measured import Measured, judged, with_most_text
from ocrbench.measure.preparing import convert, prepare
from ocrbench.measure.processes import FreshProcesses, Worker
from ocrbench.metrics.intervals import LEVEL, midmean, ratio_over_processes
from ocrbench.progress import Listener
from ocrbench.records import Artifacts, Region, Sample, StageTimes
from ocrbench.worker.protocol import Attest, Load, Ran, Run

# Share of a round's time that warming up may take.
WARM_UP_SHARE = 0.25
# Least number of images in a round, if there are as many.
LEAST_IMAGES = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of a measurement.

    All sides read the same image directly after each other: turns of several images widened the intervals on every
    machine tried.

    Attributes:
        seconds: Time to measure, over all rounds of processes together, without starting them.
        processes: Number of rounds of processes, one after the other.
        until_decided: Whether to continue until there is a verdict or ``max_seconds`` have passed; checked after three
            rounds of processes, and each time they have doubled.
        margin: Relative change within which a difference does not matter.
    """

    seconds: float = 30.0
    processes: int = 6
    until_decided: bool = False
    max_seconds: float = 600.0
    margin: float = 0.03
    seed: int = 0


@dataclass(kw_only=True)
class Collected:
    """The measurements so far. All attributes but ``times`` have one entry per side.

    Attributes:
        measured: Reports of the side's workers.
        times: Times of each side, per round of processes and image read.
        compile_ms: Milliseconds of compilation by role, per finished round.
        peak_mb: Peak memory, per finished round.
    """

    measured: Sequence[Measured]
    times: list[list[tuple[StageTimes, ...]]] = field(default_factory=list)
    compile_ms: Sequence[list[dict[str, float]]]
    peak_mb: Sequence[list[float]]

    @property
    def skipped(self) -> dict[str, str]:
        """Sample id → reason why a side could not read the image."""
        return {sample_id: reason for each in self.measured for sample_id, reason in each.skipped.items()}

    @property
    def images(self) -> int:
        """Number of images that every side has measured; repeats count."""
        return sum(len(images) for images in self.times)

    def speed_changes(self, before: int, after: int, margin: float, level: float = LEVEL) -> list[Change]:
        """Compare the times of two sides, given by their numbers, with intervals of a confidence level."""
        changes = []
        for metric, name in TIMES.items():
            sides = [
                np.array([getattr(each[side], name) for images in self.times for each in images])
                for side in (before, after)
            ]
            ratios = [
                midmean(np.log([getattr(each[after], name) / getattr(each[before], name) for each in images]))
                for images in self.times
                if images
            ]
            if ratios:
                ratio = ratio_over_processes(ratios, level)
                changes.append(time_change(metric, sides[0], sides[1], ratio, margin))
                if name == "latency_ns":
                    changes.append(tail_change(sides[0], sides[1], margin))
        return changes


class Interleaved:
    """A running measurement of several sides, as a context manager.

    Attributes:
        samples: Images that every side reads.
        artifacts: Networks of each side, after ``prepare``.
        collected: Measurements so far.
    """

    def __init__(self, sides: Sequence[Side], plan: Plan, listener: Listener) -> None:
        """Find the images.

        Args:
            sides: Sides, all of one dataset.
            plan: Plan, which has the seed of the order of images.
            listener: Listener for progress.
        """
        self.samples = data.read(sides[0].cell.dataset)
        self.artifacts: list[Artifacts] = []
        self.collected = Collected(
            measured=[Measured() for _ in sides], compile_ms=[[] for _ in sides], peak_mb=[[] for _ in sides]
        )
        self._sides, self._plan, self._listener = sides, plan, listener
        self._sources = [FreshProcesses(side.start, listener) for side in sides]
        self._stack = ExitStack()
        self._random = random.Random(plan.seed)
        # Sample id → time of all sides together for the first reading.
        self._seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        """Start the processes of all sides."""
        with ExitStack() as stack:
            for source in self._sources:
                stack.enter_context(source)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """End them."""
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    @property
    def expected(self) -> dict[str, Sequence[Region]]:
        """The ground truth by sample id."""
        return {sample.id: sample.regions for sample in self.samples}

    def prepare(self) -> None:
        """Convert every side's models.

        Raises:
            OcrBenchError: A conversion fails.
        """
        self.artifacts = [self._prepared(side, source) for side, source in zip(self._sides, self._sources, strict=True)]

    def _prepared(self, side: Side, source: FreshProcesses) -> Artifacts:
        if side.is_ours:
            return prepare(side.cell, self._listener, start=source.fresh)
        try:
            return convert(side.cell, self._listener, ROLES, source.fresh)
        except ConfigError as error:
            # The ocrbench of another interpreter may know other keys.
            message = f"{side.label}: {error}"
            raise ConfigError(message) from error

    def run_processes(self, seconds: float) -> None:
        """Start a fresh process per side, warm them up, and let them take turns image by image.

        Raises:
            OcrBenchError: A side cannot be loaded or measured.
        """
        labels = " with ".join(side.label for side in self._sides)
        with ExitStack() as stack:
            stack.enter_context(alone(self._sides[0].cell, self._listener, f"comparing {labels}"))
            workers = [stack.enter_context(source.fresh()) for source in self._sources]
            self._load(workers)
            first = not self.collected.times
            if first:
                self._first_pass(workers)
            chosen = self._affordable(seconds)
            if not first:
                for sample in chosen:
                    self._ask_all(workers, sample, warmup=True)
            self.collected.times.append([])
            self._measure(workers, chosen, seconds)
            # All sides at once: a user who interrupts this leaves none with more rounds than another.
            for measured, times, peaks in zip(
                self.collected.measured, self.collected.compile_ms, self.collected.peak_mb, strict=True
            ):
                times.append(dict(measured.compile_ms))
                peaks.append(measured.peak_memory_bytes / 1e6)
            if first:
                self._attest(workers, chosen)

    def _load(self, workers: Sequence[Worker]) -> None:
        for side, worker, made, measured in zip(
            self._sides, workers, self.artifacts, self.collected.measured, strict=True
        ):
            request = Load(cell=side.cell, artifacts=made)
            measured.compile_ms = worker.ask(request, self._listener, side.cell.prepare_timeout_seconds)

    def _first_pass(self, workers: Sequence[Worker]) -> None:
        """Read every image once on each side, for the accuracy and for the duration of each image."""
        for done, sample in enumerate(self.samples, start=1):
            answers = self._ask_all(workers, sample, warmup=True)
            times = [each.times for answer in answers for each in answer.measurements if each.times]
            if times:
                self._seconds[sample.id] = sum(each.latency_ns for each in times) / 1e9
            self._listener.advance("first pass", done, len(self.samples))
        if not self.collected.measured[0].regions:
            reason = next(iter(self.collected.skipped.values()), "the dataset is empty")
            message = f"none of the {len(self.samples)} images can be read: {reason}"
            raise DatasetError(message)

    def _affordable(self, seconds: float) -> list[Sample]:
        """Select as many images as all sides can read once within the time for warming up, but at least a few."""
        usable = [sample for sample in self.samples if sample.id in self._seconds]
        order = self._random.sample(usable, len(usable))
        chosen: list[Sample] = []
        total = 0.0
        for sample in order:
            total += self._seconds[sample.id]
            if total > seconds * WARM_UP_SHARE and len(chosen) >= LEAST_IMAGES:
                break
            chosen.append(sample)
        return chosen

    def _measure(self, workers: Sequence[Worker], samples: Sequence[Sample], seconds: float) -> None:
        start = monotonic()
        while True:
            for sample in self._random.sample(list(samples), len(samples)):
                self.collected.times[-1] += _comparable(self._ask_all(workers, sample))
                elapsed = monotonic() - start
                phase = f"processes {len(self.collected.times)}"
                self._listener.advance(phase, min(elapsed, seconds), seconds)
                if elapsed >= seconds:
                    return

    def _ask_all(self, workers: Sequence[Worker], sample: Sample, *, warmup: bool = False) -> list[Ran]:
        """Let every side read an image, in random order."""
        request = Run(samples=[(sample.id, sample.image_path)])
        answers: dict[int, Ran] = {}
        for index in self._random.sample(range(len(workers)), len(workers)):
            answers[index] = workers[index].ask(request, self._listener, self._sides[index].cell.timeout_seconds)
            self.collected.measured[index].add(answers[index], warmup=warmup)
        return [answers[index] for index in range(len(workers))]

    def _attest(self, workers: Sequence[Worker], samples: Sequence[Sample]) -> None:
        """Find out which precision ran."""
        feed = with_most_text(samples, self.collected.measured[0].regions)
        for side, worker, measured in zip(self._sides, workers, self.collected.measured, strict=True):
            if side.cell.attest != "off":
                execution = worker.ask(Attest(samples=feed), self._listener, side.cell.timeout_seconds)
                measured.execution = judged(side.cell, execution)


def _comparable(answers: Sequence[Ran]) -> list[tuple[StageTimes, ...]]:
    """Collect the times of each image; images that met a new shape on any side are not compared."""
    measured = zip(*(answer.measurements for answer in answers), strict=True)
    return [
        tuple(each.times for each in image if each.times)
        for image in measured
        if all(each.times and not each.first_seen for each in image)
    ]
