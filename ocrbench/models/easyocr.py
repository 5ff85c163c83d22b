"""Family ``easyocr``: EasyOCR's detector CRAFT and its recognizers of the second generation, such as english_g2."""

import math
from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config import STRICT
from ocrbench.models.craft import CraftDetector, CraftOptions
from ocrbench.models.crops import equal_widths
from ocrbench.models.decoding import decode_ctc
from ocrbench.models.interface import Family, Part, Reading
from ocrbench.records import Graph, Image, Network

HEIGHT = 64
# Grey values of 0-255 become -1 to 1.
CENTRE = (127.5,)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CrnnOptions:
    """The recognizer's options.

    Attributes:
        alphabet: The characters of the classes from 1 on; class 0 is the blank.
        width_step: Widths are rounded up to a multiple of this; crops of one width share batches.
        max_width: Wider crops are squeezed.
    """

    alphabet: str = Field(min_length=1)
    width_step: int = Field(ge=8)
    max_width: int = Field(ge=8)
    batch_size: int = Field(ge=1)
    min_confidence: float = Field(ge=0, le=1)


class CrnnRecognizer:
    """CTC text recognizer that takes grey crops of height 64."""

    def __init__(self, options: CrnnOptions, metadata: Mapping[str, str]) -> None:
        self.options = options
        self.min_confidence = options.min_confidence
        self.alphabet = ["", *options.alphabet]

    def graphs(self) -> Mapping[str, Graph]:
        """Fold normalisation, softmax and arg-max into the only network."""
        return {"network": Graph(mean=CENTRE, scale=CENTRE, arg_max=True, softmax=True)}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops, batched by width."""
        readings: dict[int, Reading] = {}
        for width, members in equal_widths([self.width(crop) for crop in crops], self.options.batch_size):
            batch = np.concatenate([_grey(crops[member], width) for member in members])
            indices, confidences = networks["network"](batch)
            for member, steps, certainty in zip(members, indices, confidences, strict=True):
                readings[member] = decode_ctc(steps, certainty, self.alphabet)
        return [readings[index] for index in range(len(crops))]

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield each crop as a batch of its own."""
        for crop in crops:
            yield _grey(crop, self.width(crop))

    def width(self, crop: Image) -> int:
        """Return the width of the input that a crop fits in."""
        stepped = math.ceil(_natural_width(crop) / self.options.width_step) * self.options.width_step
        return min(stepped, self.options.max_width)


def _natural_width(crop: Image) -> int:
    natural: float = HEIGHT * crop.shape[1] / crop.shape[0]
    return max(1, math.ceil(natural))


def _grey(crop: Image, width: int) -> Image:
    """Turn a crop grey, bring it to the height, and repeat its last column up to the width: (1, 64, width, 1)."""
    natural = min(width, _natural_width(crop))
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (natural, HEIGHT))
    padded = np.pad(np.asarray(grey, dtype=np.uint8), ((0, 0), (0, width - natural)), mode="edge")
    return padded[np.newaxis, :, :, np.newaxis]


FAMILY = Family(
    detector=Part(options=CraftOptions, build=CraftDetector),
    recognizer=Part(options=CrnnOptions, build=CrnnRecognizer),
)
