"""Family ``omz_fixed``: one class per position up to an end symbol (text-recognition-resnet-fc)."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.models.crops import grey_graph, grey_input
from ocrbench.models.decoding import decode_until
from ocrbench.models.interface import Family, Part, Reading
from ocrbench.records import Graph, Image, Network


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FixedOptions:
    """Options of the recognizer.

    Attributes:
        alphabet: Class → character; the first class ends the text.
    """

    height: int = Field(ge=8)
    width: int = Field(ge=8)
    alphabet: str = Field(min_length=2)
    min_confidence: float = Field(ge=0, le=1)


class FixedRecognizer:
    """Reader of up to 26 characters, one per position; mean and scale are part of the zoo's network."""

    def __init__(self, options: FixedOptions, metadata: Mapping[str, str]) -> None:
        self.options = options
        self.min_confidence = options.min_confidence

    def graphs(self) -> Mapping[str, Graph]:
        """Take grey values of 0-255 as they are."""
        return {"network": grey_graph()}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops one by one."""
        readings = []
        for tensor in self.calibration(crops):
            indices, confidences = networks["network"](tensor)
            readings.append(decode_until(indices[0], confidences[0], self.options.alphabet))
        return readings

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield each crop in grey, stretched to the input's size."""
        for crop in crops:
            yield grey_input(crop, self.options.width, self.options.height)


FAMILY = Family(recognizer=Part(options=FixedOptions, build=FixedRecognizer))
