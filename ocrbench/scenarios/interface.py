"""What a scenario is, what it is given and what it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT, Options
from ocrbench.records import Region, StageTimes

Feed = Sequence[tuple[str, Path]]


@plain_dataclass(frozen=True, kw_only=True)
class Measurement:
    """One image, measured once.

    Attributes:
        skipped: Why the image was left out; then there are no times.
        first_seen: Whether a network met an input shape for the first time.
    """

    sample_id: str
    regions: tuple[Region, ...] = ()
    times: StageTimes | None = None
    first_seen: bool = False
    skipped: str = ""


@plain_dataclass(frozen=True, kw_only=True)
class Block:
    """Some images, measured in one go.

    Attributes:
        measurements: One per image of the feed, or of those that this process took of it, in its order; ``mlperf``: one
            per image sent.
        taken: The places in the feed of the images measured, where other processes share it; else empty.
        wall_ns: From the first image's reading to the last one's text.
        facts: What else the scenario found out, by name.
        files: Name → text of files that belong to the run.
    """

    measurements: tuple[Measurement, ...]
    wall_ns: int
    taken: tuple[int, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Setup:
    """The keys of a scenario's YAML that belong to it alone. Here: none, for one image at a time.

    Attributes:
        block_images: Largest number of different images in one request to the worker.
        block_queries: Least number of images in a measured request; it repeats its images until it has them.
    """

    block_images: ClassVar[int] = 8
    block_queries: ClassVar[int] = 1

    @property
    def processes(self) -> int:
        """Return how many processes share the work and the cores."""
        return 1

    @property
    def properties(self) -> Options:
        """Return the OpenVINO properties of all networks."""
        return {}

    @property
    def warming_up(self) -> Mapping[str, object]:
        """Return the keys that are different in warm-up passes."""
        return {}

    def least_seconds(self, images: int) -> float:
        """Return how long so many images take at least, however fast the device is."""
        return 0.0

    def check(self) -> None:
        """Make sure that all is there which the scenario needs.

        Raises:
            ConfigError: It is not.
        """

    def in_flight(self, optimum: int) -> int:
        """Return how many images, or groups of images, are in flight at once.

        Args:
            optimum: The number of requests that keeps the device busy, as OpenVINO says.
        """
        return 1


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ManySetup(Setup):
    """For scenarios with many images in flight.

    Attributes:
        requests: How many are in flight, each with inference requests of its own; None for the device's optimum.
        streams: ``NUM_STREAMS``: how many inferences a network runs side by side; None for OpenVINO's choice.
        threads: ``INFERENCE_NUM_THREADS``, of all streams together; None for OpenVINO's choice.
        pinning: ``ENABLE_CPU_PINNING``; None for OpenVINO's choice.
    """

    requests: int | None = Field(default=None, ge=1)
    streams: int | None = Field(default=None, ge=1)
    threads: int | None = Field(default=None, ge=1)
    pinning: bool | None = None

    @property
    def properties(self) -> Options:
        """Return what was chosen, under OpenVINO's names."""
        named = {
            "NUM_STREAMS": self.streams,
            "INFERENCE_NUM_THREADS": self.threads,
            "ENABLE_CPU_PINNING": self.pinning,
        }
        return {name: value for name, value in named.items() if value is not None}

    def in_flight(self, optimum: int) -> int:
        """Return the number that was chosen, or the device's optimum."""
        return self.requests or optimum


def with_spare(optimum: int) -> int:
    """Return twice a device's optimum.

    Thus the device need not wait while the threads of other images are busy with what is not in the networks, and a
    stream often finds another image waiting for the same network, which is in the core's caches then.

    >>> with_spare(2), with_spare(16)
    (4, 32)
    """
    return 2 * optimum


@plain_dataclass(frozen=True, kw_only=True)
class Kind:
    """A scenario.

    Attributes:
        setup: A ``Setup``: the keys that it adds to its YAML.
        run: Measures one block of images with some readers of one engine. Where the setup has more than
            one process, it also takes ``claims``.
    """

    setup: type[Setup]
    run: Callable[..., Block]
