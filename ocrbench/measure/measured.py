"""What workers report of the images that they read, gathered block by block."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocrbench.config.schema import Cell
from ocrbench.environment.noise import Usage
from ocrbench.errors import DeviceError
from ocrbench.precisions import executed_text, honoured
from ocrbench.records import Region, Sample, Span, StageTimes
from ocrbench.scenarios.interface import Feed
from ocrbench.worker.protocol import Ran

log = logging.getLogger(__name__)

ATTEST_IMAGES = 4


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One image, timed once.

    Attributes:
        warmup: Whether this was before measuring began.
        repeat: Whether the image had been read before.
        first_seen: Whether a network met an input shape for the first time.
    """

    sample_id: str
    warmup: bool
    repeat: bool
    first_seen: bool
    new_shapes: int
    regions: int
    times: StageTimes


@dataclass(kw_only=True)
class Measured:
    """All that workers reported of one cell; grows while they run.

    Attributes:
        timings: Every image that was read, each time.
        regions: Sample id → what was found in it the first time.
        reread: Sample id → whether it was always read as it was the first time, of those read more than once.
        skipped: Sample id → reason.
        compile_ms: Milliseconds of compilation of the last worker, by role, until its last block.
        execution: Per role and network, see ``runtime.Execution``.
        wall_ns: Time of the measured blocks together, without those of ``again``.
        images: Number of images measured in that time.
        unseen: Whether images were timed at their first reading, not only when they had been read before.
        again_wall_ns: Time of the blocks that repeated images which had been timed at their first reading.
        again_images: Number of images measured in that time.
        usage: Use of the CPU in both times.
        peak_memory_bytes: Largest resident set of the last worker.
        pss_bytes: Its largest proportional set size after a block.
        facts: What else the scenario found out, by name.
        files: Name → text of files that belong to the run.
        spans: When each pipeline was in which stage, pipeline by pipeline; empty unless the cell is profiled.
    """

    timings: list[Timing] = field(default_factory=list)
    regions: dict[str, tuple[Region, ...]] = field(default_factory=dict)
    reread: dict[str, bool] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    compile_ms: dict[str, float] = field(default_factory=dict)
    execution: dict[str, dict[str, Any]] = field(default_factory=dict)
    wall_ns: int = 0
    images: int = 0
    unseen: bool = False
    again_wall_ns: int = 0
    again_images: int = 0
    usage: Usage = field(default_factory=Usage)
    peak_memory_bytes: int = 0
    pss_bytes: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    spans: dict[int, list[Span]] = field(default_factory=dict)

    @property
    def latencies_ns(self) -> list[int]:
        """Latency of each image, without warm-up."""
        return [each.times.latency_ns for each in self.timings if not each.warmup]

    def leave_out(self, sample_id: str, reason: str) -> None:
        """Leave an image out of the accuracy, although it was read."""
        self.regions.pop(sample_id, None)
        self.skipped[sample_id] = reason

    def apart(self) -> "Measured":
        """Return an accumulator for blocks that may not count; what is known of the images is shared."""
        return Measured(regions=self.regions, reread=self.reread, skipped=self.skipped, compile_ms=self.compile_ms)

    @property
    def services_ns(self) -> list[int]:
        """Time that the pipeline took for each image, without warm-up and without waiting for its turn."""
        times = [each.times for each in self.timings if not each.warmup]
        return [each.detect_ns + each.crop_ns + each.recognize_ns for each in times]

    def keep(self, attempts: Sequence["Measured"], facts: Mapping[str, Any]) -> None:
        """Let blocks that were measured apart be all that was measured.

        Args:
            attempts: Accumulators of those blocks.
            facts: What else is known of them.
        """
        self.images, self.wall_ns, self.usage = 0, 0, Usage()
        for each in attempts:
            self.timings += each.timings
            self.images += each.images
            self.wall_ns += each.wall_ns
            self.usage += each.usage
            self.facts |= each.facts
            self.files |= each.files
            self.spans = each.spans
        self.facts |= facts

    def add(self, ran: Ran, *, warmup: bool = False, foreign: bool = False, again: bool = False) -> None:
        """Add a block.

        Args:
            ran: The worker's answer.
            warmup: Whether this is before measuring begins.
            foreign: Whether its images are none of the dataset's chosen ones: what was found in them does not count.
            again: Whether it repeats images that were timed at their first reading.
        """
        self.peak_memory_bytes = ran.peak_memory_bytes
        self.pss_bytes = max(self.pss_bytes, ran.pss_bytes)
        self.compile_ms.update(ran.compile_ms)
        timed = [(each, each.times) for each in ran.measurements if each.times is not None]
        if not warmup:
            if again:
                self.again_wall_ns += ran.wall_ns
                self.again_images += len(timed)
            else:
                self.wall_ns += ran.wall_ns
                self.images += len(timed)
            self.usage += ran.usage
            self.facts |= ran.facts
            self.files |= ran.files
            for pipeline, spans in enumerate(ran.spans):
                self.spans.setdefault(pipeline, []).extend(spans)
        if not foreign:
            self.skipped |= {each.sample_id: each.skipped for each in ran.measurements if each.skipped}
        for each, times in timed:
            self.timings.append(
                Timing(
                    sample_id=each.sample_id,
                    warmup=warmup,
                    repeat=each.sample_id in self.regions,
                    first_seen=each.first_seen,
                    new_shapes=each.new_shapes,
                    regions=len(each.regions),
                    times=times,
                )
            )
            if foreign:
                continue
            first = self.regions.setdefault(each.sample_id, each.regions)
            if first is not each.regions:
                same = same_texts(first, each.regions)
                self.reread[each.sample_id] = self.reread.get(each.sample_id, True) and same


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


def same_texts(first: Sequence[Region], again: Sequence[Region]) -> bool:
    """Tell whether an image was read as before: the same texts in the same order.

    Places may differ by what is rounded otherwise, for a network that is compiled for one shape for example.
    """
    return [region.text for region in first] == [region.text for region in again]


def judged(cell: Cell, execution: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Compare the executed with the requested precision; warn or fail as the cell demands.

    Args:
        cell: The cell, whose ``attest`` determines the reaction to a difference.
        execution: Execution per stage and network, see ``runtime.Execution``.

    Returns:
        The execution with ``honoured`` added to each network.

    Raises:
        DeviceError: Another precision ran, with ``attest=strict``.
    """
    judged: dict[str, dict[str, Any]] = {}
    for role, networks in execution.items():
        for name, network in networks.items():
            fine = honoured(network["precision"], network["executed"])
            judged.setdefault(role, {})[name] = {**network, "honoured": fine}
            if cell.attest == "off":
                continue
            for kind in network.get("emulated", ()):
                log.warning("%s: %s is emulated here, which is slower than FP32: no instructions for it", role, kind)
            for key, given in network.get("received", {}).items():
                asked = str(network["properties"].get(key, given))
                if asked.isdecimal() and asked != given:
                    log.warning("%s: %s=%s was asked for, but %s uses %s", role, key, asked, network["device"], given)
            if fine:
                continue
            ran = executed_text(network["executed"], ", ")
            message = f"{role}: {network['precision']} was asked for, but {network['device']} executed {ran}"
            if cell.attest == "strict":
                raise DeviceError(message)
            log.warning("%s", message)
    return judged
