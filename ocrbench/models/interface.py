"""The interface of a model family, which gets its networks as plain callables."""

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
    """Positions of a reading's characters in the crop, spaces included.

    Attributes:
        symbols: Characters, in the order of the text.
        centres: Distance of each from the crop's left edge as a share of its width, ascending, from 0 to 1.
        confidences: Confidence of each, from 0 to 1.
    """

    symbols: tuple[str, ...]
    centres: NDArray[np.float64]
    confidences: NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The text of one crop.

    Attributes:
        confidence: Confidence, from 0 to 1.
        characters: Positions of the characters; None if the model does not report them, or reads no spaces. Such a
            reading cannot be cut into words.
    """

    text: str
    confidence: float
    characters: Characters | None = field(default=None, compare=False, repr=False)


class Detector(Protocol):
    """Detector of text regions in an image."""

    def graphs(self) -> Mapping[str, Graph]:
        """Name each network of the model with what is folded into it."""

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        """Find regions in a BGR image (height, width, 3), in reading order, without text."""

    def calibration(self, image: Image) -> Iterator[Image]:
        """Yield the inputs of the first network for this image, before its graph's arithmetic (NHWC)."""


class Recognizer(Protocol):
    """Reader of crops of single lines or words."""

    min_confidence: float

    def graphs(self) -> Mapping[str, Graph]:
        """Name each network of the model with what is folded into it."""

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops (height, width, 3); return the readings in the order of the crops."""

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield the inputs of the first network for these crops, before its graph's arithmetic (NHWC)."""


@dataclass(frozen=True, kw_only=True)
class Part(Generic[Model]):
    """Constructor of a family's detector or recognizer.

    Attributes:
        options: Pydantic dataclass of the keys that the family adds to the model's YAML.
        build: Function from checked options and the model file's metadata to the model.
        files: Function from checked options to the files that they name, whose content affects the measurement.
    """

    options: type
    build: Callable[[Any, Mapping[str, str]], Model]
    files: Callable[[Any], Sequence[Path]] = lambda _: ()


@dataclass(frozen=True, kw_only=True)
class Family:
    """A model family: a detector, a recognizer, or both."""

    detector: Part[Detector] | None = None
    recognizer: Part[Recognizer] | None = None
