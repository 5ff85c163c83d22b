"""What an engine is, as scenarios and workers see it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ocrbench.config.schema import Cell
from ocrbench.config.stage import Options
from ocrbench.records import Artifacts, Image, Region, Span, StageTimes


@dataclass(frozen=True, kw_only=True)
class Result:
    """The text of one image.

    Attributes:
        regions: Text regions with polygon, text and confidence, in reading order.
        times: Wall times; ``read_ns`` is 0, since the image came decoded.
        first_seen: Whether a network met an input shape for the first time, in this image or in one of its group.
        new_shapes: Number of those shapes; of a group, its last image has those that the images share.
    """

    regions: tuple[Region, ...]
    times: StageTimes
    first_seen: bool
    new_shapes: int = 0


class Reader(Protocol):
    """Reads one image, or one group of images, at a time; no two threads use the same one."""

    def read(self, image: Image) -> Result:
        """Read all text in a decoded BGR image (height, width, 3)."""

    def read_together(self, images: Iterable[Image]) -> list[Result]:
        """Read all text in some images, which may share work; the next one is asked for when it is needed."""

    def note(self, stage: str, start_ns: int, end_ns: int, sample_id: str = "") -> None:
        """Note when a stage outside the reader began and ended, if this is traced."""

    def trace(self) -> list[Span]:
        """Note from now on when each stage begins and ends, and return the notes since the last call."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What an engine loads.

    Attributes:
        cell: The configuration.
        artifacts: The converted networks.
        properties: The scenario's properties of all networks; those of a stage win over them.
        in_flight: The number of readers, from the number of requests that keeps the device busy.
    """

    cell: Cell
    artifacts: Artifacts
    properties: Options
    in_flight: Callable[[int], int]


class Engine(Protocol):
    """An OCR engine in a worker."""

    @property
    def readers(self) -> Sequence[Reader]:
        """One reader for each image, or group of images, in flight; empty until something was loaded."""

    def load(self, job: Job) -> dict[str, float]:
        """Get ready to read.

        Returns:
            As ``compile_ms``.

        Raises:
            DeviceError: A device is not available, or refuses a network or a property.
        """

    def compile_ms(self) -> dict[str, float]:
        """Return the milliseconds of compilation so far, by role."""

    def execution(self, images: Sequence[Image], passes: int) -> dict[str, dict[str, Any]]:
        """Report which types were executed, by role and network: see ``runtime.Execution``.

        Args:
            images: Replayed to find out.
            passes: Number of times that they are replayed to time each layer; 0 times none.
        """

    def close(self) -> None:
        """Release the networks."""
