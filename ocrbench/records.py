"""The types that modules share: frozen, keyword-only dataclasses without behaviour of their own."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
    """A piece of text in an image, for ground truth and predictions.

    Attributes:
        polygon: (x, y) corners in pixels of the original image, clockwise from the top left.
        text: Transcription; empty if it is unknown.
        confidence: Confidence, from 0 to 1; 1 for ground truth.
        ignore: Whether this is a don't-care region, which counts neither as found nor as missed.
    """

    polygon: Polygon
    text: str = ""
    confidence: float = 1.0
    ignore: bool = False


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image of a dataset with its ground truth.

    Attributes:
        id: Unique name in the dataset: the path below the dataset's root, with forward slashes.
        image_path: Path of the image file.
        regions: Text in the image; empty if the dataset has no ground truth.
    """

    id: str
    image_path: Path
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Arithmetic folded into a network when it is loaded, so that the device does it, and the names of its ends.

    With ``mean`` and ``scale`` the network takes a uint8 image of layout NHWC, and computes ``(value - mean) / scale``
    per channel itself; without them its inputs are unchanged.

    Attributes:
        mean: Mean of each channel, in the order of the channels, in 0-255.
        scale: Scale of each channel.
        layout: Layout of the image input in the model file.
        arg_max: Whether the output becomes the index and the value of the best class, along the last of three axes.
        softmax: Whether the scores become probabilities before that.
        classes: Classes that may be returned, ascending and renumbered; empty for all of them.
        shape: The only shape of the image input (NHWC); empty if it varies.
        inputs: Names of the inputs in the order of the call; empty for the model's own order.
        outputs: Names of the outputs in the order of the result; empty for the model's own order.
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
    time inside the network alone and part of ``detect`` and ``recognize``; ``new_shape`` is the part of both in which
    an input had a shape that the network had not met before.
    """

    read_ns: int
    detect_ns: int
    detect_infer_ns: int
    crop_ns: int
    recognize_ns: int
    recognize_infer_ns: int
    latency_ns: int
    new_shape_ns: int = 0


class Span(NamedTuple):
    """The time that a pipeline spent in a stage, by ``perf_counter_ns``.

    Attributes:
        stage: Name as in ``StageTimes``, without ``_ns``.
        sample_id: Sample id, if the stage knows it; else empty.
    """

    stage: str
    start_ns: int
    end_ns: int
    sample_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """A ratio before the division: tallies are summed over images and divided once, so shards can be merged."""

    numerator: float
    denominator: float

    def __add__(self, other: "Tally") -> "Tally":
        """Merge the counts of two disjoint sets of images."""
        return Tally(numerator=self.numerator + other.numerator, denominator=self.denominator + other.denominator)

    def ratio(self) -> float | None:
        """Divide; return None if there was nothing to count.

        >>> Tally(numerator=3, denominator=4).ratio()
        0.75
        """
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A converted network on disk.

    Attributes:
        path: The ``.xml`` of an OpenVINO IR, with the ``.bin`` beside it.
        precision: Requested precision.
        sha256: Checksum of the IR's two files together.
        size_bytes: Size of the IR's two files together.
        source: Origin of the model, for people.
        metadata: Metadata of the source model (an alphabet, for example).
        notes: Findings of its conversion; see ``convert.control.Controlled``.
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
    """Convert a stage's artifacts to JSON values."""
    return {name: {**asdict(artifact), "path": str(artifact.path)} for name, artifact in artifacts.items()}


def metadata_of(artifacts: Mapping[str, Artifact]) -> Mapping[str, str]:
    """Return the metadata of a stage's first network; empty without a network."""
    return artifacts["network"].metadata if artifacts else {}


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number of a run; ``n`` is the number of images, words or measurements behind it."""

    stage: str
    metric: str
    value: float
    unit: str
    higher_is_better: bool
    n: int


Value = str | float | None
Group = Literal["run", "cell", "executed", "data", "accuracy", "speed", "cost", "outcome"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the wide table, which has a row per run.

    Attributes:
        name: Name in files and on the command line.
        meaning: What it holds, in one sentence without a full stop; Markdown.
        group: What it is about.
        heading: Name for people, as on the axis of a diagram.
        unit: Unit of its numbers, or the form of its texts.
        decimals: Number of decimals that a person sees; None for a column of texts.
        higher_is_better: Whether more is better; None where neither is.
        scenarios: The scenarios that fill it; empty for all.
        shown: ``always`` puts it into every table for people, ``detail`` into those with few runs; ``files`` leaves it
            to CSV, Parquet, JSON and the report.
        matters: Puts it into a table for people if it is true of the table's values.
        value: Takes the value from a ``Run``; by default that is its score of the same name.
    """

    name: str
    meaning: str
    group: Group
    heading: str = ""
    unit: str = ""
    decimals: int | None = None
    higher_is_better: bool | None = None
    scenarios: tuple[str, ...] = ()
    shown: Literal["always", "detail", "files"] = "files"
    matters: Callable[[Sequence[Any]], bool] | None = None
    value: Callable[[Any], Value] | None = None

    @property
    def number(self) -> bool:
        """Whether it holds numbers."""
        return self.decimals is not None

    def of(self, run: Any) -> Value:  # noqa: ANN401 - a Run, which offers its row and so needs this
        """Return a run's value; None where it has none."""
        value = self.value(run) if self.value else run.scores.get(self.name)
        # What UTF-8 cannot hold is written as escapes: a file's name, and so an error, may hold any bytes.
        return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def filled(values: Iterable[object]) -> bool:
    """Tell whether any value is there."""
    return any(value not in (None, "") and value == value for value in values)


def decoded(kind: Any, plain: Any) -> Any:  # noqa: ANN401 - any type, and JSON
    """Build one of these types, or a collection of them, from JSON values; ignore unknown keys.

    Raises:
        ValueError: A value is missing or has the wrong type.

    >>> decoded(Region, {"polygon": [[0, 0], [9, 0], [9, 9]], "text": "Exit", "unknown": 1}).polygon
    ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
    """
    return _adapter(kind).validate_python(plain)


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type
    return TypeAdapter(kind)
