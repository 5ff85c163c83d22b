"""The interface of a scenario: its input and its result."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT, Options
from ocrbench.engines.interface import Result
from ocrbench.records import Column, Region, Sample, Score, StageTimes

Feed = Sequence[tuple[str, Path]]


@plain_dataclass(frozen=True, kw_only=True)
class Measurement:
    """One image, measured once.

    Attributes:
        skipped: Reason why the image was left out; then there are no times.
        first_seen: Whether a network met an input shape for the first time.
        new_shapes: Number of such shapes.
    """

    sample_id: str
    regions: tuple[Region, ...] = ()
    times: StageTimes | None = None
    first_seen: bool = False
    new_shapes: int = 0
    skipped: str = ""

    @classmethod
    def of(cls, sample_id: str, result: Result, times: StageTimes) -> Self:
        """Take over what a reader found, with times that the scenario completed."""
        return cls(
            sample_id=sample_id,
            regions=result.regions,
            times=times,
            first_seen=result.first_seen,
            new_shapes=result.new_shapes,
        )


@plain_dataclass(frozen=True, kw_only=True)
class Block:
    """A number of images, measured in one go.

    Attributes:
        measurements: Measurements, one per image of the feed or of this process's part of it, in order; ``mlperf``: one
            per image sent.
        taken: Indices of the measured images in the feed, if other processes share it; else empty.
        wall_ns: Time from the first image's reading to the last one's text.
        facts: Further findings of the scenario, by name.
        files: Name → text of files for the run.
    """

    measurements: tuple[Measurement, ...]
    wall_ns: int
    taken: tuple[int, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Setup:
    """The keys of one scenario's YAML.

    Attributes:
        warm_up_passes: Number of times that every image is read before measuring begins, where ``warm_up_images`` says
            None: a network can meet a shape for the first time once per stream.
        block_images: Largest number of different images in one request to the worker.
        block_queries: Least number of images in a measured request; it repeats its images until it has them.
    """

    block_images: ClassVar[int] = 8
    block_queries: ClassVar[int] = 1
    warm_up_passes: ClassVar[int] = 2

    @property
    def warm_up_images(self) -> int | None:
        """Return the number of images to warm up with, if the others are timed at their first reading.

        None if images come again and again by design, so that every timed one was read before.
        """
        return None

    @property
    def processes(self) -> int:
        """Return the number of processes that share the work and the cores."""
        return 1

    @property
    def properties(self) -> Options:
        """Return the OpenVINO properties of all networks; those that the user sets win over them."""
        return {"PERFORMANCE_HINT": "LATENCY"}

    @property
    def warming_up(self) -> Mapping[str, object]:
        """Return the keys that differ in the warm-up."""
        return {}

    def in_pass(self, number: int) -> Mapping[str, object]:
        """Return the keys that differ in a measured block, given the number of those before it."""
        return {}

    def least_seconds(self, images: int) -> float:
        """Return the least time for a number of images, however fast the device is."""
        return 0.0

    def check(self) -> None:
        """Check that everything the scenario needs is installed.

        Raises:
            ConfigError: Something is missing.
        """

    def in_flight(self, optimum: int) -> int:
        """Return the number of images, or groups of images, in flight.

        Args:
            optimum: Number of requests that keeps the device busy, from OpenVINO.
        """
        return 1


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ManySetup(Setup):
    """Keys of scenarios with many images in flight.

    Attributes:
        requests: Number of images or groups in flight, each with its own inference requests; None for the device's
            optimum.
    """

    requests: int | None = Field(default=None, ge=1)

    @property
    def properties(self) -> Options:
        """Return what keeps the device busy.

        Detector and recognizer are networks of their own, whose threads would be pinned to the same cores.
        """
        return {"PERFORMANCE_HINT": "THROUGHPUT", "ENABLE_CPU_PINNING": False}

    def in_flight(self, optimum: int) -> int:
        """Return the chosen number, or the device's optimum."""
        return self.requests or optimum


def with_spare(optimum: int) -> int:
    """Return twice a device's optimum.

    The device then need not wait for work outside the networks, and a stream often finds another image waiting for the
    same network, which is still in the core's caches.

    >>> with_spare(2), with_spare(16)
    (4, 32)
    """
    return 2 * optimum


class Attempt(Protocol):
    """A block that was measured apart, so that it counts only if it is kept."""

    images: int
    wall_ns: int

    facts: dict[str, Any]

    @property
    def latencies_ns(self) -> Sequence[int]:
        """Latency of each image."""

    @property
    def services_ns(self) -> Sequence[int]:
        """Time that the pipeline took for each image, without waiting for its turn."""


class Measuring(Protocol):
    """The measured part of a cell, which comes after the warm-up."""

    def say(self, text: str) -> None:
        """Tell people of a step."""

    def passes(self) -> None:
        """Measure all images at their first reading, then passes over all until the time is over.

        Where images come again by design, measure passes until both the time and one full pass are done.
        """

    def readable(self) -> list[Sample]:
        """Return the images that can be read; the warm-up has read all."""

    def attempt(self, feed: Feed, changes: Mapping[str, object]) -> Attempt:
        """Measure a block apart.

        Args:
            feed: (sample id, image file) pairs, perhaps repeated.
            changes: Keys of the scenario with other values for this block.
        """

    def keep(self, attempts: Sequence[Attempt], facts: Mapping[str, Any]) -> None:
        """Let attempts be what was measured.

        Args:
            attempts: Some of those made.
            facts: What else was found out, by name.
        """


@dataclass(frozen=True, kw_only=True, config=STRICT)
class UnseenSetup(Setup):
    """Keys of scenarios that time images at their first reading.

    Attributes:
        warmup_images: Number of images that are read before, and not timed.
    """

    warmup_images: int = Field(default=8, ge=0)

    @property
    def warm_up_images(self) -> int | None:
        """Return the chosen number."""
        return self.warmup_images


LATENCY = "latency_p50_ms"


def by_latency(options: Options) -> str:
    """Decide by the median latency."""
    return LATENCY


def in_passes(setup: Setup, measuring: Measuring) -> None:
    """Measure in passes over all images."""
    measuring.passes()


def no_scores(setup: Setup, latencies_ns: Sequence[int], facts: Mapping[str, Any]) -> list[Score]:
    """Add no scores to those that every scenario has."""
    return []


def no_doubts(facts: Mapping[str, Any]) -> list[str]:
    """Have none."""
    return []


@plain_dataclass(frozen=True, kw_only=True)
class Kind:
    """A scenario.

    Attributes:
        run: Function that measures one block of images with some readers of one engine. If the setup has more than one
            process, it also takes ``claims``.
        setup: Subclass of ``Setup`` with the keys of its YAML.
        decisive: Function that names the column which decides how fast a run is, from the scenario's own keys.
        paired: Whether an image's times depend on the image alone, so that two configurations can be compared image by
            image.
        columns: Columns that only this scenario has.
        scores: Function that computes their values from the latencies without warm-up and the facts of the run.
        measure: Function that drives the measured part.
        doubts: Function that says, from the facts of the run, why its times are not to be trusted.
    """

    run: Callable[..., Block]
    setup: type[Setup] = Setup
    decisive: Callable[[Options], str] = by_latency
    paired: bool = False
    columns: Sequence[Column] = ()
    scores: Callable[[Any, Sequence[int], Mapping[str, Any]], list[Score]] = no_scores
    measure: Callable[[Any, Measuring], None] = in_passes
    doubts: Callable[[Mapping[str, Any]], list[str]] = no_doubts
