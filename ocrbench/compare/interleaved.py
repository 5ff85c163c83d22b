"""Measure several configurations in turns: all workers stay alive, and alternate image by image, in random order.

On a shared machine the time of one process says little about the next one's, but times seconds apart are comparable.
Every side therefore measures each image within one turn, and only the ratios are kept. Several rounds of processes
follow each other, because memory layout and the like differ between processes. They divide the images among them, and
time each at its first reading, as ``measure.passes`` does.
"""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ocrbench import data
from ocrbench.compare.changes import FIRST_TIMES, MEAN, tail_change, time_change
from ocrbench.compare.sides import Side
from ocrbench.compare.verdict import Change
from ocrbench.config.stage import ROLES
from ocrbench.data.warm_up import warm_up_samples
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.measure.locks import alone
from ocrbench.measure.measured import Measured, judged, with_most_text
from ocrbench.measure.preparing import convert, prepare
from ocrbench.measure.processes import FreshProcesses, Worker
from ocrbench.metrics.intervals import LEVEL, midmean, ratio_over_processes
from ocrbench.progress import Listener
from ocrbench.records import Artifacts, Region, Sample, StageTimes
from ocrbench.scenarios import setup_of
from ocrbench.scenarios.interface import LATENCY, UnseenSetup
from ocrbench.worker.protocol import Attest, Load, Ran, Run

# Share of a round's time that warming up may take, and the number of images that it reads in any case.
WARM_UP_SHARE = 0.25
LEAST_IMAGES = 2
# How many times more rounds than planned there may be where a round has few images.
MOST_ROUNDS = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of a measurement.

    All sides read the same image directly after each other: turns of several images widened the intervals on every
    machine tried.

    Attributes:
        seconds: Time to measure, over all rounds of processes together, without starting them and without what is left
            to be read for the accuracy.
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
        times: Times of each side, per round of processes and image read for the first time.
        seconds: Time that this took.
        compile_ms: Milliseconds of compilation by role, per finished round.
        peak_mb: Peak memory, per finished round.
    """

    measured: Sequence[Measured]
    times: list[list[tuple[StageTimes, ...]]] = field(default_factory=list)
    seconds: float = 0.0
    compile_ms: Sequence[list[dict[str, float]]]
    peak_mb: Sequence[list[float]]

    @property
    def skipped(self) -> dict[str, str]:
        """Sample id → reason why a side could not read the image."""
        return {sample_id: reason for each in self.measured for sample_id, reason in each.skipped.items()}

    @property
    def images(self) -> int:
        """Number of images that every side has measured."""
        return sum(len(images) for images in self.times)

    def speed_changes(self, before: int, after: int, margin: float, level: float = LEVEL) -> list[Change]:
        """Compare the times of two sides, given by their numbers, with intervals of a confidence level.

        Medians are compared by the images' typical ratio, means by the ratio of sums, in which rare slow images count.
        """
        changes = []
        for metric, name in FIRST_TIMES.items():
            pairs = [
                np.array([(getattr(each[before], name), getattr(each[after], name)) for each in images], float)
                for images in self.times
                if images
            ]
            if not pairs:
                continue
            sides = np.concatenate(pairs).T
            typical = _mean_ratio if metric == MEAN else _usual_ratio
            ratios = [typical(each) for each in pairs]
            changes.append(time_change(metric, sides[0], sides[1], ratio_over_processes(ratios, level), margin))
            if metric == LATENCY and (tail := tail_change(sides[0], sides[1], margin)):
                changes.append(tail)
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
        cell = sides[0].cell
        count = setup_of(cell.scenario).warm_up_images
        count = UnseenSetup().warmup_images if count is None else count
        self._warming = warm_up_samples(cell.dataset, self.samples, count, Path(cell.cache_dir).expanduser())
        warming = {sample.id for sample in self._warming}
        self._timed = [sample for sample in self.samples if sample.id not in warming]
        # Those that no process has read.
        self._fresh = self._random.sample(self._timed, len(self._timed))

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

    @cached_property
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

    @property
    def unread(self) -> list[Sample]:
        """The images that are not read on every side yet."""
        known = [{*measured.regions, *measured.skipped} for measured in self.collected.measured]
        return [sample for sample in self.samples if not all(sample.id in each for each in known)]

    def run(self) -> None:
        """Run as many rounds as the plan says, and more if the images are read before its time is over."""
        plan, times = self._plan, self.collected.times
        while len(times) < plan.processes or (
            self.collected.seconds < plan.seconds and len(times) < MOST_ROUNDS * plan.processes
        ):
            self.run_processes(plan.seconds / plan.processes)
        self.read_rest(count=True)

    def read_rest(self, *, count: bool) -> None:
        """Read the images that are not read yet, for the accuracy, in processes of their own.

        Args:
            count: Whether this is a round like the others, if it has as many images as they have.
        """
        if self.unread:
            least = min((len(images) for images in self.collected.times), default=0)
            self.run_processes(0, rest=True)
            if not count or len(self.collected.times[-1]) < least:
                self.collected.times.pop()

    def run_processes(self, seconds: float, *, rest: bool = False) -> None:
        """Start a fresh process per side, warm them up, and let them take turns image by image.

        Args:
            seconds: Time for it. It ends earlier when every image was timed once.
            rest: Whether to read what no process has read instead, however long it takes.

        Raises:
            OcrBenchError: A side cannot be loaded or measured.
        """
        labels = " with ".join(side.label for side in self._sides)
        with ExitStack() as stack:
            stack.enter_context(alone(self._sides[0].cell, self._listener, f"comparing {labels}"))
            workers = [stack.enter_context(source.fresh()) for source in self._sources]
            self._load(workers)
            first = not self.collected.times
            self._warm_up(workers, seconds)
            self.collected.times.append([])
            self._measure(workers, seconds, rest=rest)
            # All sides at once: a user who interrupts this leaves none with more rounds than another.
            for measured, times, peaks in zip(
                self.collected.measured, self.collected.compile_ms, self.collected.peak_mb, strict=True
            ):
                times.append(dict(measured.compile_ms))
                peaks.append(measured.peak_memory_bytes / 1e6)
            if first:
                self._attest(workers)

    def _load(self, workers: Sequence[Worker]) -> None:
        for side, worker, made, measured in zip(
            self._sides, workers, self.artifacts, self.collected.measured, strict=True
        ):
            request = Load(cell=side.cell, artifacts=made)
            measured.compile_ms = worker.ask(request, self._listener, side.cell.prepare_timeout_seconds)

    def _warm_up(self, workers: Sequence[Worker], seconds: float) -> None:
        start = monotonic()
        for number, sample in enumerate(self._warming):
            if number >= LEAST_IMAGES and monotonic() - start > seconds * WARM_UP_SHARE:
                return
            self._ask_all(workers, sample, warmup=True)

    def _measure(self, workers: Sequence[Worker], seconds: float, *, rest: bool) -> None:
        """Time first readings, of images that no process has read where there are some."""
        start, elapsed = monotonic(), 0.0
        for sample in self._in_turn():
            if rest and sample.id in self.collected.measured[0].regions:
                break
            self.collected.times[-1] += _comparable(self._ask_all(workers, sample))
            elapsed = monotonic() - start
            phase = "the other images" if rest else f"processes {len(self.collected.times)}"
            self._listener.advance(phase, min(elapsed, seconds) or 1.0, seconds or 1.0)
            if elapsed >= seconds and not rest:
                break
        self.collected.seconds += elapsed
        # What should have warmed up, but took too long, counts for the accuracy.
        for sample in self.unread if rest else ():
            self._ask_all(workers, sample, warmup=True)
        if not self._fresh and not self.collected.measured[0].regions:
            reason = next(iter(self.collected.skipped.values()), "the dataset is empty")
            message = f"none of the {len(self.samples)} images can be read: {reason}"
            raise DatasetError(message)

    def _in_turn(self) -> Iterator[Sample]:
        """Give each image once, those first that no process has read."""
        given = set()
        while self._fresh:
            sample = self._fresh.pop()
            given.add(sample.id)
            yield sample
        rest = [sample for sample in self._timed if sample.id not in given]
        yield from self._random.sample(rest, len(rest))

    def _ask_all(self, workers: Sequence[Worker], sample: Sample, *, warmup: bool = False) -> list[Ran]:
        """Let every side read an image, in random order."""
        request = Run(samples=[(sample.id, sample.image_path)])
        foreign = sample.id not in self.expected
        answers: dict[int, Ran] = {}
        for index in self._random.sample(range(len(workers)), len(workers)):
            answers[index] = workers[index].ask(request, self._listener, self._sides[index].cell.timeout_seconds)
            self.collected.measured[index].add(answers[index], warmup=warmup, foreign=foreign)
        return [answers[index] for index in range(len(workers))]

    def _attest(self, workers: Sequence[Worker]) -> None:
        """Find out which precision ran."""
        feed = with_most_text(self.samples, self.collected.measured[0].regions)
        for side, worker, measured in zip(self._sides, workers, self.collected.measured, strict=True):
            if side.cell.attest != "off":
                execution = worker.ask(Attest(samples=feed), self._listener, side.cell.timeout_seconds)
                measured.execution = judged(side.cell, execution)


def _comparable(answers: Sequence[Ran]) -> list[tuple[StageTimes, ...]]:
    """Collect the times of each image that every side read."""
    measured = zip(*(answer.measurements for answer in answers), strict=True)
    return [
        tuple(each.times for each in image if each.times) for image in measured if all(each.times for each in image)
    ]


def _usual_ratio(pairs: NDArray[np.float64]) -> float:
    """Return the logarithm of B's time over A's of a typical image."""
    return midmean(np.log(pairs[:, 1] / pairs[:, 0]))


def _mean_ratio(pairs: NDArray[np.float64]) -> float:
    """Return the logarithm of B's sum over A's."""
    before, after = pairs.sum(axis=0)
    return math.log(after / before)
