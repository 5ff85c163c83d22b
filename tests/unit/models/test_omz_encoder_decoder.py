"""The zoo's recognizers of an encoder and a decoder, around networks made by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.models.omz_encoder_decoder import EncoderDecoderOptions, EncoderDecoderRecognizer
from ocrbench.records import Image

Array = NDArray[Any]
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def crop() -> Image:
    return np.zeros((30, 90, 3), dtype=np.uint8)


class Speller:
    """A decoder as a state machine: it spells a word as long as it is fed what it said before.

    Attributes:
        heard: The symbols that it was fed.
    """

    def __init__(self, symbols: Sequence[int], classes: int, score: float = 10) -> None:
        self._symbols, self._classes, self._score = symbols, classes, score
        self.heard: list[int] = []

    def encode(self, batch: Image) -> tuple[Array, Array]:
        assert (batch.shape, batch.dtype) == ((1, 64, 256, 1), np.uint8)
        return np.full((1, 16, 1024), 7, dtype=np.float32), np.zeros((1, 1, 1024), dtype=np.float32)

    def __call__(self, symbol: Array, features: Array, hidden: Array) -> tuple[Array, Array]:
        assert (symbol.shape, symbol.dtype) == ((1,), np.float32)
        assert (features == 7).all()
        step = int(hidden[0, 0, 0])
        assert step == len(self.heard), "the new hidden state must be fed back"
        self.heard.append(int(symbol[0]))
        scores = np.zeros((1, self._classes), dtype=np.float32)
        scores[0, self._symbols[step]] = self._score
        # The same memory is used again, as OpenVINO does.
        hidden += 1
        return scores, hidden


class TestEncoderDecoder:
    ALPHABET = CHARACTERS
    CLASSES = 4 + len(CHARACTERS)

    def recognize(self, speller: Speller, max_length: int = 24) -> tuple[str, float]:
        options = EncoderDecoderOptions(
            height=64, width=256, alphabet=self.ALPHABET, max_length=max_length, min_confidence=0
        )
        networks = {"network": speller.encode, "decoder": speller}
        (reading,) = EncoderDecoderRecognizer(options, {}).recognize([crop()], networks)
        return reading.text, reading.confidence

    def symbols(self, text: str) -> list[int]:
        return [4 + self.ALPHABET.index(character) for character in text]

    def test_each_step_is_fed_the_symbol_before_beginning_with_the_start(self) -> None:
        speller = Speller([*self.symbols("noyce"), 2, 9, 9], self.CLASSES)
        text, _ = self.recognize(speller)
        assert text == "noyce"
        assert speller.heard == [0, *self.symbols("noyce")]

    def test_repeats_are_kept(self) -> None:
        assert self.recognize(Speller([*self.symbols("aab00"), 2], self.CLASSES))[0] == "aab00"

    def test_it_stops_after_max_length(self) -> None:
        speller = Speller(self.symbols("abcdefgh"), self.CLASSES)
        assert self.recognize(speller, max_length=5)[0] == "abcde"
        assert len(speller.heard) == 5

    def test_nothing_before_the_end_is_no_text(self) -> None:
        assert self.recognize(Speller([2], self.CLASSES)) == ("", 0)

    def test_specials_are_no_characters_but_the_unknown_one_is_shown(self) -> None:
        spelled = [0, *self.symbols("a"), 1, 3, *self.symbols("b"), 2]
        assert self.recognize(Speller(spelled, self.CLASSES))[0] == "a?b"

    def test_confidence_is_the_mean_softmax_of_the_characters(self) -> None:
        # One class at ln 13, the 39 others at 0: 13 / (13 + 39).
        speller = Speller([*self.symbols("ab"), 2], self.CLASSES, score=float(np.log(13)))
        assert self.recognize(speller)[1] == pytest.approx(0.25)

    def test_only_the_encoder_takes_an_image(self) -> None:
        options = EncoderDecoderOptions(height=64, width=256, alphabet="ab", max_length=5, min_confidence=0)
        graphs = EncoderDecoderRecognizer(options, {}).graphs()
        assert next(iter(graphs)) == "network"
        assert graphs["network"].mean
        assert not graphs["decoder"].mean
        assert graphs["decoder"].inputs == ("decoder_input", "features", "hidden")
