"""What a model family must offer, and what it is given: networks as plain callables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ocrbench.records import Graph, Image, Network, Region

Model = TypeVar("Model")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The text of one crop, with a confidence from 0 to 1."""

    text: str
    confidence: float


class Detector(Protocol):
    """Finds text regions in an image."""

    def graphs(self) -> Mapping[str, Graph]:
        """Name each network of the model with what is folded into it."""

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        """Find regions in a BGR image (height, width, 3), in reading order, without text."""

    def calibration(self, image: Image) -> Iterator[Image]:
        """Yield what the first network would be fed for this image, before its graph's arithmetic (NHWC)."""


class Recognizer(Protocol):
    """Reads crops of single lines or words."""

    min_confidence: float

    def graphs(self) -> Mapping[str, Graph]:
        """Name each network of the model with what is folded into it."""

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops (height, width, 3); the readings come in the crops' order."""

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield what the first network would be fed for these crops, before its graph's arithmetic (NHWC)."""


@dataclass(frozen=True, kw_only=True)
class Part(Generic[Model]):
    """How a family makes its detector or its recognizer.

    Attributes:
        options: A pydantic dataclass: the keys that the family adds to the model's YAML.
        build: Makes the model from checked options and from what the model file says of itself.
    """

    options: type
    build: Callable[[Any, Mapping[str, str]], Model]


@dataclass(frozen=True, kw_only=True)
class Family:
    """A model family: a way to detect, a way to recognize, or both."""

    detector: Part[Detector] | None = None
    recognizer: Part[Recognizer] | None = None
