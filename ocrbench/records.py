"""The types that modules share: frozen, keyword-only dataclasses without behaviour of their own."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

Image = NDArray[np.uint8]
# A compiled network: takes its input tensors in order, returns its outputs in order, valid until the next call.
Network = Callable[..., tuple[NDArray[Any], ...]]
Point = tuple[float, float]
Polygon = tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Region:
    """A piece of text in an image: ground truth and prediction alike.

    Attributes:
        polygon: (x, y) corners in pixels of the original image, clockwise from the top left.
        text: The transcription; empty where it is unknown.
        confidence: From 0 to 1; 1 for ground truth.
        ignore: Whether this is a don't-care region, which neither counts as found nor as missed.
    """

    polygon: Polygon
    text: str = ""
    confidence: float = 1.0
    ignore: bool = False


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image of a dataset with its ground truth.

    Attributes:
        id: Unique in its dataset; the path below the dataset's root, with forward slashes.
        image_path: The file to read.
        regions: What stands in the image; empty where the dataset has no ground truth.
    """

    id: str
    image_path: Path
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What is folded into a network when it is loaded, so that the device does it, and how the network is called.

    With ``mean`` and ``scale`` the network takes a uint8 image of layout NHWC, and computes ``(value - mean) / scale``
    per channel itself; without them its inputs stay as they are.

    Attributes:
        mean: Per channel, in the channels' order, in 0-255.
        scale: Per channel.
        layout: Of the image input of the model file.
        arg_max: Replace the output by the index of the best class and by its value, along the last of three axes.
        softmax: Make the scores probabilities before that.
        classes: The classes that may be answered, ascending, which are numbered anew; empty for all of them.
        shape: The only shape that the image input will have (NHWC); empty where it varies.
        inputs: The names of the inputs in the order of the call; empty for the model's own order.
        outputs: The names of the outputs in the order of the answer; empty for the model's own order.
    """

    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    layout: str = "NCHW"
    arg_max: bool = False
    softmax: bool = False
    classes: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """Wall time of each stage for one image, in nanoseconds.

    ``read`` (from the file to the decoded BGR array) is not part of ``latency``. The two ``*_infer`` stages are the
    time inside the network alone and part of ``detect`` and ``recognize``.
    """

    read_ns: int
    detect_ns: int
    detect_infer_ns: int
    crop_ns: int
    recognize_ns: int
    recognize_infer_ns: int
    latency_ns: int


class Span(NamedTuple):
    """When a pipeline was in a stage, by ``perf_counter_ns``.

    Attributes:
        stage: As in ``StageTimes``, without ``_ns``.
        sample_id: Where the stage knows whose image it is; else empty.
    """

    stage: str
    start_ns: int
    end_ns: int
    sample_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """A ratio before it is divided: summed over images, divided once, so that shards of a dataset can be merged."""

    numerator: float
    denominator: float

    def __add__(self, other: "Tally") -> "Tally":
        """Merge the counts of two disjoint sets of images."""
        return Tally(numerator=self.numerator + other.numerator, denominator=self.denominator + other.denominator)

    def ratio(self) -> float | None:
        """Divide; None where there was nothing to count.

        >>> Tally(numerator=3, denominator=4).ratio()
        0.75
        """
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A converted network on disk.

    Attributes:
        path: The ``.xml`` of an OpenVINO IR; the ``.bin`` lies beside it.
        precision: The precision that was asked for.
        sha256: Of the IR's two files together.
        size_bytes: Of the IR's two files together.
        source: Where the model came from, for people.
        metadata: What the source model says of itself (an alphabet, for example).
        notes: What was found out while it was made; see ``convert.control.Controlled``.
    """

    path: Path
    precision: str
    sha256: str
    size_bytes: int
    source: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


# The networks of each role, by name.
Artifacts = Mapping[str, Mapping[str, Artifact]]


def artifacts_to_plain(artifacts: Mapping[str, Artifact]) -> dict[str, dict[str, Any]]:
    """Turn a stage's artifacts into what JSON can hold."""
    return {name: {**asdict(artifact), "path": str(artifact.path)} for name, artifact in artifacts.items()}


def metadata_of(artifacts: Mapping[str, Artifact]) -> Mapping[str, str]:
    """Return what the model file of a stage's first network says of itself; nothing where there is no network."""
    return artifacts["network"].metadata if artifacts else {}


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number of a run: ``n`` is how many images, words or measurements stand behind it."""

    stage: str
    metric: str
    value: float
    unit: str
    higher_is_better: bool
    n: int


def decoded(kind: Any, plain: Any) -> Any:  # noqa: ANN401 - any type, and JSON
    """Build one of these types, or a collection of them, from what JSON holds; unknown keys are ignored.

    Raises:
        ValueError: A value is missing or has the wrong type.

    >>> decoded(Region, {"polygon": [[0, 0], [9, 0], [9, 9]], "text": "Exit", "unknown": 1}).polygon
    ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
    """
    return _adapter(kind).validate_python(plain)


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type
    return TypeAdapter(kind)
