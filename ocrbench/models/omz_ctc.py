"""Family ``omz_ctc``: the Open Model Zoo's CTC recognizers (text-recognition-0012 and -0014)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.models.crops import grey_graph, grey_input
from ocrbench.models.decoding import decode_ctc
from ocrbench.models.interface import Family, Part, Reading
from ocrbench.records import Graph, Image, Network

BLANK = "#"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ZooCtcOptions:
    """Options of the recognizer.

    Attributes:
        layout: Layout of the network's input.
        alphabet: Class → character; ``#`` is the blank, at any position.
        output: Name of the output with the scores (steps, 1, classes); empty for the only one.
    """

    height: int = Field(ge=8)
    width: int = Field(ge=8)
    layout: Literal["NCHW", "NHWC"]
    alphabet: str = Field(pattern=f"^[^{BLANK}]*{BLANK}[^{BLANK}]*$")
    output: str
    min_confidence: float = Field(ge=0, le=1)


class ZooCtcRecognizer:
    """Reader of one grey crop at a time."""

    def __init__(self, options: ZooCtcOptions, metadata: Mapping[str, str]) -> None:
        self.options = options
        self.min_confidence = options.min_confidence
        self._blank = options.alphabet.index(BLANK)

    def graphs(self) -> Mapping[str, Graph]:
        """Take grey values of 0-255 as they are."""
        return {"network": grey_graph(self.options.layout, self.options.output)}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops one by one; scores have the layout (steps, batch, classes)."""
        readings = []
        for tensor in self.calibration(crops):
            indices, confidences = networks["network"](tensor)
            readings.append(decode_ctc(indices[:, 0], confidences[:, 0], self.options.alphabet, self._blank))
        return readings

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield each crop in grey, stretched to the input's size."""
        for crop in crops:
            yield grey_input(crop, self.options.width, self.options.height)


FAMILY = Family(recognizer=Part(options=ZooCtcOptions, build=ZooCtcRecognizer))
