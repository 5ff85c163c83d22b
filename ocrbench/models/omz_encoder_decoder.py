"""Family ``omz_encoder_decoder``: the Open Model Zoo's text-recognition-0015 and -0016.

An encoder processes the crop once; a decoder with attention then writes one symbol per step, fed with the previous one.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.models.crops import grey_input
from ocrbench.models.decoding import decode_until
from ocrbench.models.interface import Family, Part, Reading
from ocrbench.records import Graph, Image, Network

# Classes 0 to 3, as in the zoo's accuracy check: start, padding, end, unknown.
START, END = 0, 2
SPECIALS = ("", "", "", "?")
ENCODER = Graph(mean=(0.0,), scale=(1.0,), outputs=("features", "decoder_hidden"))
DECODER = Graph(inputs=("decoder_input", "features", "hidden"), outputs=("decoder_output", "decoder_hidden"))


@dataclass(frozen=True, kw_only=True, config=STRICT)
class EncoderDecoderOptions:
    """Options of the recognizer.

    Attributes:
        alphabet: Characters of the classes from 4 on.
        max_length: Number of symbols after which the decoder stops.
    """

    height: int = Field(ge=8)
    width: int = Field(ge=8)
    alphabet: str = Field(min_length=1)
    max_length: int = Field(ge=1)
    min_confidence: float = Field(ge=0, le=1)


class EncoderDecoderRecognizer:
    """Reader of one grey crop at a time, symbol by symbol."""

    def __init__(self, options: EncoderDecoderOptions, metadata: Mapping[str, str]) -> None:
        self.options = options
        self.min_confidence = options.min_confidence
        self._alphabet = (*SPECIALS, *options.alphabet)

    def graphs(self) -> Mapping[str, Graph]:
        """Take grey values of 0-255 as they are; the decoder's inputs are unchanged."""
        return {"network": ENCODER, "decoder": DECODER}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops one by one."""
        return [self._read(tensor, networks) for tensor in self.calibration(crops)]

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield each crop in grey, stretched to the input's size."""
        for crop in crops:
            yield grey_input(crop, self.options.width, self.options.height)

    def _read(self, tensor: Image, networks: Mapping[str, Network]) -> Reading:
        # Outputs are valid until the next call only, and the decoder's state is fed back to it.
        features, hidden = (output.copy() for output in networks["network"](tensor))
        symbols, confidences = [], []
        symbol = START
        for _ in range(self.options.max_length):
            previous = np.array([symbol], dtype=np.float32)
            scores, hidden = (output.copy() for output in networks["decoder"](previous, features, hidden))
            symbol = int(scores[0].argmax())
            symbols.append(symbol)
            confidences.append(_probability(scores[0], symbol))
            if symbol == END:
                break
        return decode_until(np.array(symbols), np.array(confidences), self._alphabet, END)


def _probability(scores: NDArray[np.float32], chosen: int) -> float:
    """Softmax of one class."""
    return float(1 / np.exp(scores - scores[chosen]).sum())


FAMILY = Family(recognizer=Part(options=EncoderDecoderOptions, build=EncoderDecoderRecognizer))
