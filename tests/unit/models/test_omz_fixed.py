"""The zoo's recognizers with a class per position, around networks made by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ocrbench.models.decoding import decode_until
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
