"""Compare two configurations side by side: both workers stay alive, blocks of images alternate in random order.

On a shared machine the time of one process says little about the next one's. What is seconds apart is comparable: so
each image is measured by A and by B within one pair of blocks, and only their ratio is kept. Several pairs of processes
follow each other, because memory layout and the like differ from one process to the next.
"""

import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from ocrbench import data
from ocrbench.compare.changes import TIMES, accuracy_changes, flipped_words, tail_change, time_change, value_change
from ocrbench.compare.sides import Side
from ocrbench.compare.verdict import Change, Comparison, undecided
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.metrics.paired import blocks_needed
from ocrbench.records import Region, Sample, artifacts_to_plain
from ocrbench.schedule import Artifacts, Listener, Worker, prepare, to_region

# Warming up may take this share of what a pair of processes has.
WARM_UP_SHARE = 0.25
# … but a pair of processes measures at least this many images, where there are as many.
LEAST_IMAGES = 4
DECISIVE = ("latency_p50_ms", "e2e_hmean")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to measure.

    Attributes:
        seconds: For measuring, over all pairs of processes together; starting them is not part of it.
        processes: How many pairs of processes, one after the other.
        block_images: How many images a block has at most. With one, A and B read the same image directly after each
            other; on the machines tried so far that gives the narrowest intervals (docs/noise.md).
        until_decided: Go on, a pair of processes at a time, until there is a verdict or ``max_seconds`` have passed.
        margin: Changes within this share do not matter.
    """

    seconds: float = 30.0
    processes: int = 3
    block_images: int = 1
    until_decided: bool = False
    max_seconds: float = 600.0
    margin: float = 0.03
    seed: int = 0


@dataclass(kw_only=True)
class _Collected:
    """What both workers reported; grows while measuring."""

    # Per process, per pair of blocks, per image: the fields of StageTimes, of A and of B.
    pairs: list[list[list[tuple[Mapping[str, int], Mapping[str, int]]]]] = field(default_factory=list)
    regions: tuple[dict[str, list[Region]], dict[str, list[Region]]] = field(default_factory=lambda: ({}, {}))
    compile_ms: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    peak_mb: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> int:
        return sum(len(blocks) for blocks in self.pairs)


def compare_live(before: Side, after: Side, plan: Plan, listener: Listener) -> Comparison:
    """Measure A against B.

    Args:
        before: A.
        after: B; it must use the same dataset.
        plan: How long.
        listener: Hears of progress.

    Raises:
        OcrBenchError: One side cannot be converted, loaded or measured.
    """
    return _LiveComparison(before, after, plan, listener).run()


class _LiveComparison:
    """One comparison while it is going on."""

    def __init__(self, before: Side, after: Side, plan: Plan, listener: Listener) -> None:
        if before.cell.dataset != after.cell.dataset:
            message = "A and B must use the same dataset; give it once, after both"
            raise ConfigError(message)
        for side in (before, after):
            if side.cell.scenario.name != "latency":
                message = f"scenario={side.cell.scenario.name}: ab compares image by image, which needs "
                message += "scenario=latency; measure both, several times with force=true, and use ocrbench compare"
                raise ConfigError(message)
        self._sides = (before, after)
        self._plan, self._listener = plan, listener
        self._random = random.Random(plan.seed)
        self._collected = _Collected()
        self._warnings: list[str] = []
        # Sample id → how long both sides together took for it at first sight.
        self._seconds: dict[str, float] = {}
        # Of the current pair of processes.
        self._peaks = [0.0, 0.0]

    def run(self) -> Comparison:
        """Measure until the plan is done."""
        samples = _samples(self._sides[0])
        artifacts = [prepare(side.cell, self._listener, start=side.start)[0] for side in self._sides]
        start = monotonic()
        while not self._is_done(start):
            self._run_processes(samples, artifacts, self._plan.seconds / self._plan.processes)
            if self._plan.until_decided and len(self._collected.pairs) == 1:
                self._announce(start)
        return self._comparison(samples)

    def _is_done(self, start: float) -> bool:
        plan, done = self._plan, len(self._collected.pairs)
        if done < (min(2, plan.processes) if plan.until_decided else plan.processes):
            return False
        if not plan.until_decided:
            return True
        return not undecided(self._speed_changes(), DECISIVE) or monotonic() - start > plan.max_seconds

    def _run_processes(self, samples: Sequence[Sample], artifacts: Sequence[Artifacts], seconds: float) -> None:
        """Start a pair of workers, warm them up and let their blocks alternate."""
        with ExitStack() as stack:
            workers = [stack.enter_context(side.start()) for side in self._sides]
            self._load(workers, artifacts)
            first = not self._collected.pairs
            chosen = list(samples)
            if first:
                chosen = self._first_pass(workers, samples, seconds)
            else:
                chosen = self._affordable(samples, seconds)
                for block in _blocks(chosen, self._plan.block_images):
                    self._pair(workers, block)
            self._collected.pairs.append([])
            self._measure(workers, chosen, seconds)
            for collected, peak in zip(self._collected.peak_mb, self._peaks, strict=True):
                collected.append(peak)
            if first:
                self._attest(workers, chosen)

    def _load(self, workers: Sequence[Worker], artifacts: Sequence[Artifacts]) -> None:
        for index, (side, worker, made) in enumerate(zip(self._sides, workers, artifacts, strict=True)):
            given = {role: artifacts_to_plain(networks) for role, networks in made.items()}
            times = worker.ask(
                "load", self._listener, side.cell.prepare_timeout_seconds, cell=asdict(side.cell), artifacts=given
            )
            self._collected.compile_ms[index].append(sum(times.values()))

    def _first_pass(self, workers: Sequence[Worker], samples: Sequence[Sample], seconds: float) -> list[Sample]:
        """Read every image once on both sides: for the accuracy, and to know how long an image takes."""
        done = 0
        for block in _blocks(samples, self._plan.block_images):
            for index, answer in enumerate(self._ask_both(workers, block)):
                for each in answer["measurements"]:
                    if each["skipped"]:
                        self._collected.skipped[each["sample_id"]] = each["skipped"]
                    else:
                        regions = [to_region(region) for region in each["regions"]]
                        self._collected.regions[index][each["sample_id"]] = regions
                        seconds_so_far = self._seconds.get(each["sample_id"], 0.0)
                        self._seconds[each["sample_id"]] = seconds_so_far + each["times"]["latency_ns"] / 1e9
            done += len(block)
            self._listener.advance("first pass", done, len(samples))
        if not self._collected.regions[0]:
            reason = next(iter(self._collected.skipped.values()), "the dataset is empty")
            message = f"none of the {len(samples)} images can be read: {reason}"
            raise DatasetError(message)
        return self._affordable(samples, seconds)

    def _affordable(self, samples: Sequence[Sample], seconds: float) -> list[Sample]:
        """Choose as many images as both sides can read once within the share for warming up, but at least a few."""
        usable = [sample for sample in samples if sample.id in self._seconds]
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
            for block in _blocks(self._random.sample(list(samples), len(samples)), self._plan.block_images):
                pairs = self._pair(workers, block)
                if pairs:
                    self._collected.pairs[-1].append(pairs)
                elapsed = monotonic() - start
                phase = f"processes {len(self._collected.pairs)}"
                self._listener.advance(phase, min(elapsed, seconds), seconds)
                if elapsed >= seconds:
                    return

    def _pair(
        self, workers: Sequence[Worker], block: Sequence[Sample]
    ) -> list[tuple[Mapping[str, int], Mapping[str, int]]]:
        """Measure a block on both sides; what met a new shape on either side is not compared."""
        first, second = self._ask_both(workers, block)
        return [
            (one["times"], other["times"])
            for one, other in zip(first["measurements"], second["measurements"], strict=True)
            if one["times"] and other["times"] and not one["first_seen"] and not other["first_seen"]
        ]

    def _ask_both(self, workers: Sequence[Worker], block: Sequence[Sample]) -> tuple[Any, Any]:
        """Run a block on A and on B, in random order."""
        feed = [[sample.id, str(sample.image_path)] for sample in block]
        answers: dict[int, Any] = {}
        for index in self._random.sample((0, 1), 2):
            limit = self._sides[index].cell.timeout_seconds
            answers[index] = workers[index].ask("run", self._listener, limit, samples=feed)
            self._peaks[index] = answers[index]["peak_memory_bytes"] / 1e6
        return answers[0], answers[1]

    def _attest(self, workers: Sequence[Worker], samples: Sequence[Sample]) -> None:
        feed = [[sample.id, str(sample.image_path)] for sample in samples[:2]]
        for side, worker in zip(self._sides, workers, strict=True):
            if side.cell.attest == "off":
                continue
            report = worker.ask("attest", self._listener, side.cell.timeout_seconds, samples=feed)
            for role, networks in report.items():
                for network in networks.values():
                    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in network["executed"].items())
                    self._warnings.append(f"{side.label}: {role} {network['precision']} executed {shares}")

    def _announce(self, start: float) -> None:
        """Say from the first pair of processes how long a verdict will take."""
        (latency,) = (each for each in self._speed_changes() if each.metric == "latency_p50_ms")
        assert latency.interval is not None
        done = self._collected.blocks
        needed = blocks_needed(done, latency.interval.half_width, self._plan.margin / 2)
        seconds = (monotonic() - start) / done * needed
        self._listener.say(
            f"{done} pairs of blocks give ±{latency.interval.half_width:.1%}; "
            f"a margin of {self._plan.margin:.0%} needs about {needed}, in all {seconds:.0f} s"
        )

    def _speed_changes(self) -> list[Change]:
        changes = []
        for metric, name in TIMES.items():
            sides = [
                np.array([pair[index][name] for blocks in self._collected.pairs for block in blocks for pair in block])
                for index in (0, 1)
            ]
            ratios = [
                [np.log([other[name] / one[name] for one, other in block]) for block in blocks]
                for blocks in self._collected.pairs
                if blocks
            ]
            if ratios:
                changes.append(time_change(metric, sides[0], sides[1], ratios, self._plan.margin))
                if name == "latency_ns":
                    changes.append(tail_change(sides[0], sides[1], self._plan.margin))
        return changes

    def _changes(self, samples: Sequence[Sample]) -> list[Change]:
        collected, scoring = self._collected, self._sides[0].cell.scoring
        expected = {sample.id: sample.regions for sample in samples}
        return [
            *self._speed_changes(),
            value_change("compile_ms", "ms", *collected.compile_ms, margin=self._plan.margin),
            value_change("peak_rss_mb", "MB", *collected.peak_mb, margin=self._plan.margin),
            *accuracy_changes(*collected.regions, expected, scoring),
        ]

    def _comparison(self, samples: Sequence[Sample]) -> Comparison:
        expected = {sample.id: sample.regions for sample in samples}
        skipped = [f"skipped {reason}" for reason in self._collected.skipped.values()]
        return Comparison(
            before=self._sides[0].label,
            after=self._sides[1].label,
            changes=tuple(self._changes(samples)),
            decisive=DECISIVE,
            warnings=(*self._warnings, *skipped),
            flipped=flipped_words(*self._collected.regions, expected, self._sides[0].cell.scoring),
        )


def _samples(side: Side) -> list[Sample]:
    dataset = side.cell.dataset
    samples = data.FORMATS[dataset.format](Path(dataset.root).expanduser())
    return data.choose(samples, dataset.limit, dataset.seed)


def _blocks(samples: Sequence[Sample], size: int) -> list[list[Sample]]:
    return [list(samples[start : start + size]) for start in range(0, len(samples), size)]
