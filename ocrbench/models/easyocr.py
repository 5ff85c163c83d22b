"""Family ``easyocr``: EasyOCR's detector CRAFT and its recognizers of the second generation, such as english_g2."""

from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.models.craft import CraftDetector, CraftOptions
from ocrbench.models.crops import WidthOptions, natural_width
from ocrbench.models.decoding import decode_ctc
from ocrbench.models.interface import Family, Part, Reading
from ocrbench.records import Graph, Image, Network

HEIGHT = 64
# Grey values of 0-255 become -1 to 1.
CENTRE = (127.5,)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CrnnOptions(WidthOptions):
    """Options of the recognizer.

    Attributes:
        alphabet: Characters of the classes from 1 on; class 0 is the blank.
    """

    alphabet: str = Field(min_length=1)
    min_confidence: float = Field(ge=0, le=1)


class CrnnRecognizer:
    """CTC text recognizer that takes grey crops of height 64."""

    def __init__(self, options: CrnnOptions, metadata: Mapping[str, str]) -> None:
        self.options = options
        self.min_confidence = options.min_confidence
        self.alphabet = ["", *options.alphabet]

    def graphs(self) -> Mapping[str, Graph]:
        """Fold normalisation, softmax and arg-max into the only network."""
        shape = self.options.static_shape(HEIGHT, channels=1)
        return {"network": Graph(mean=CENTRE, scale=CENTRE, arg_max=True, softmax=True, shape=shape)}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops, batched by width."""
        readings: dict[int, Reading] = {}
        for width, members in self.options.batches([self.natural_width(crop) for crop in crops]):
            batch = self.options.stacked([_grey(crops[member], width) for member in members])
            indices, confidences = networks["network"](batch)
            for place, member in enumerate(members):
                readings[member] = decode_ctc(indices[place], confidences[place], self.alphabet)
        return [readings[index] for index in range(len(crops))]

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield each crop as a batch of its own."""
        for crop in crops:
            yield _grey(crop, self.options.width(self.natural_width(crop)))[np.newaxis]

    def natural_width(self, crop: Image) -> int:
        """Return the width of a crop at the network's height."""
        return natural_width(crop, HEIGHT)


def _grey(crop: Image, width: int) -> Image:
    """Convert a crop to grey, scale it to the height, and repeat its last column up to the width: (64, width, 1)."""
    natural = min(width, natural_width(crop, HEIGHT))
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (natural, HEIGHT))
    padded = np.pad(np.asarray(grey, dtype=np.uint8), ((0, 0), (0, width - natural)), mode="edge")
    return padded[:, :, np.newaxis]


FAMILY = Family(
    detector=Part(options=CraftOptions, build=CraftDetector),
    recognizer=Part(options=CrnnOptions, build=CrnnRecognizer),
)
