"""The zoo's CTC recognizers around networks made by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from ocrbench.models.decoding import decode_ctc
from ocrbench.models.omz_ctc import ZooCtcOptions, ZooCtcRecognizer
from ocrbench.records import Image

Array = NDArray[Any]
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def crop() -> Image:
    return np.zeros((30, 90, 3), dtype=np.uint8)


def answer(text: str, alphabet: str) -> Array:
    return np.array([alphabet.index(character) for character in text])


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
