"""The zoo's recognizers around networks made by hand: fixed positions, CTC, encoder and decoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from ocrbench.models.decoding import decode_ctc, decode_until
from ocrbench.models.omz_ctc import ZooCtcOptions, ZooCtcRecognizer
from ocrbench.models.omz_encoder_decoder import EncoderDecoderOptions, EncoderDecoderRecognizer
from ocrbench.models.omz_fixed import FixedOptions, FixedRecognizer
from ocrbench.records import Image

Array = NDArray[Any]
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
RESNET_FC = "~" + CHARACTERS
POSITIONS = 26


def crop(width: int = 90, height: int = 30, value: int = 0) -> Image:
    return np.full((height, width, 3), value, dtype=np.uint8)


def answer(text: str, alphabet: str) -> Array:
    return np.array([alphabet.index(character) for character in text])


def tutorial_rule(classes: Sequence[int]) -> str:
    """Decode as the OpenVINO tutorial does: character by character, until ``~`` comes."""
    annotation = []
    for each in classes:
        if RESNET_FC[each] == "~":
            break
        annotation.append(RESNET_FC[each])
    return "".join(annotation)


class TestFixed:
    @pytest.fixture
    def recognizer(self) -> FixedRecognizer:
        return FixedRecognizer(FixedOptions(height=32, width=100, alphabet=RESNET_FC, min_confidence=0), {})

    @pytest.mark.parametrize(
        ("classes", "text"),
        [
            ("noyce".ljust(POSITIONS, "~"), "noyce"),
            ("aabb11".ljust(POSITIONS, "~"), "aabb11"),
            ("a~b".ljust(POSITIONS, "~"), "a"),
            ("~" * POSITIONS, ""),
            ("~abc".ljust(POSITIONS, "z"), ""),
            (CHARACTERS[:POSITIONS], CHARACTERS[:POSITIONS]),
        ],
    )
    def test_stops_at_the_first_end_symbol_and_keeps_repeats(
        self, recognizer: FixedRecognizer, classes: str, text: str
    ) -> None:
        def network(batch: Image) -> tuple[Array, Array]:
            assert (batch.shape, batch.dtype) == ((1, 32, 100, 1), np.uint8)
            return answer(classes, RESNET_FC)[np.newaxis], np.full((1, POSITIONS), 0.75)

        (reading,) = recognizer.recognize([crop()], {"network": network})
        assert (reading.text, reading.confidence) == (text, 0.75 if text else 0)

    def test_confidence_is_the_mean_up_to_the_end_symbol(self, recognizer: FixedRecognizer) -> None:
        scores = np.array([[0.5, 0.9, *[0.1] * (POSITIONS - 2)]])
        network = lambda _: (answer("ab".ljust(POSITIONS, "~"), RESNET_FC)[np.newaxis], scores)  # noqa: E731
        (reading,) = recognizer.recognize([crop()], {"network": network})
        assert reading.confidence == pytest.approx(0.7)

    def test_each_crop_is_fed_grey_and_stretched_in_turn(self, recognizer: FixedRecognizer) -> None:
        fed = []

        def network(batch: Image) -> tuple[Array, Array]:
            fed.append(batch)
            # The class is the crop's grey value.
            return np.full((1, POSITIONS), batch[0, 0, 0, 0]), np.ones((1, POSITIONS))

        crops = [crop(value=2), crop(width=300, height=8, value=11)]
        readings = recognizer.recognize(crops, {"network": network})
        assert [reading.text[0] for reading in readings] == ["1", "a"]
        assert all(np.array_equal(*pair) for pair in zip(recognizer.calibration(crops), fed, strict=True))

    def test_grey_is_weighted_as_for_bgr(self, recognizer: FixedRecognizer) -> None:
        blue = crop()
        blue[..., 0] = 255
        (tensor,) = recognizer.calibration([blue])
        assert (tensor == 29).all()

    def test_no_crops_no_inference(self, recognizer: FixedRecognizer) -> None:
        assert recognizer.recognize([], {}) == []


@settings(deadline=None)
@given(st.lists(st.integers(0, len(RESNET_FC) - 1), min_size=1, max_size=POSITIONS))
def test_any_path_reads_as_in_the_tutorial(classes: list[int]) -> None:
    assert decode_until(np.array(classes), np.ones(len(classes)), RESNET_FC).text == tutorial_rule(classes)


class TestCtc:
    @pytest.mark.parametrize(("alphabet", "layout"), [(CHARACTERS + "#", "NHWC"), ("#" + CHARACTERS, "NCHW")])
    @pytest.mark.parametrize(
        ("path", "text"),
        [("r#oo#b#e#r#t", "robert"), ("22##00", "20"), ("2#2#0#0", "2200"), ("####", ""), ("z", "z"), ("00##", "0")],
    )
    def test_the_blank_may_be_first_or_last(self, alphabet: str, layout: Any, path: str, text: str) -> None:
        options = ZooCtcOptions(height=32, width=120, layout=layout, alphabet=alphabet, output="", min_confidence=0)

        def network(batch: Image) -> tuple[Array, Array]:
            assert (batch.shape, batch.dtype) == ((1, 32, 120, 1), np.uint8)
            # Laid out (steps, batch).
            return answer(path, alphabet)[:, np.newaxis], np.full((len(path), 1), 0.5)

        recognizer = ZooCtcRecognizer(options, {})
        (reading,) = recognizer.recognize([crop()], {"network": network})
        assert (reading.text, reading.confidence) == (text, 0.5 if text else 0)
        assert recognizer.graphs()["network"].layout == layout

    @pytest.mark.parametrize("alphabet", ["abc", "a#b#c", ""])
    def test_an_alphabet_needs_one_blank(self, alphabet: str) -> None:
        with pytest.raises(ValidationError, match="pattern"):
            ZooCtcOptions(height=32, width=120, layout="NCHW", alphabet=alphabet, output="", min_confidence=0)

    def test_blank_last_and_blank_first_agree(self) -> None:
        path, scores = "a#ab#bb", np.ones(7)
        last = decode_ctc(answer(path, "ab#"), scores, "ab#", blank=2)
        assert last == decode_ctc(answer(path, "#ab"), scores, "#ab", blank=0)
        assert last.text == "aabb"


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
