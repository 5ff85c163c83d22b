"""What a model family must offer, and what it is given: networks as plain callables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ocrbench.records import Graph, Image, Network, Region

Model = TypeVar("Model")


@dataclass(frozen=True, kw_only=True, eq=False)
class Characters:
    """Where the characters of a reading stand in the crop, spaces included.

    Attributes:
        symbols: One per character, in the order of the text.
        centres: Distance from the crop's left edge as a share of its width, ascending, from 0 to 1.
        confidences: From 0 to 1.
    """

    symbols: tuple[str, ...]
    centres: NDArray[np.float64]
    confidences: NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The text of one crop.

    Attributes:
        confidence: From 0 to 1.
        characters: Where they stand; None where the model does not tell, or reads no spaces. Such a reading cannot
            be cut into words.
    """

    text: str
    confidence: float
    characters: Characters | None = field(default=None, compare=False, repr=False)


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
        files: The files that checked options name, whose content decides what is measured.
    """

    options: type
    build: Callable[[Any, Mapping[str, str]], Model]
    files: Callable[[Any], Sequence[Path]] = lambda _: ()


@dataclass(frozen=True, kw_only=True)
class Family:
    """A model family: a way to detect, a way to recognize, or both."""

    detector: Part[Detector] | None = None
    recognizer: Part[Recognizer] | None = None
