"""EasyOCR's recognizer around networks made by hand."""

import string
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from ocrbench.config.checking import validate
from ocrbench.config.composing import load
from ocrbench.models import build_recognizer
from ocrbench.models.easyocr import CrnnOptions, CrnnRecognizer
from ocrbench.records import Image

OPTIONS = CrnnOptions(alphabet="abc", width_step=64, max_width=320, batch_size=2, min_confidence=0)
BLANK = 0


def crop(width: int, height: int = 32, value: int = 0) -> Image:
    return np.full((height, width, 3), value, dtype=np.uint8)


def recognizer(**options: object) -> CrnnRecognizer:
    return CrnnRecognizer(replace(OPTIONS, **options), {})


class Network:
    """Reads a class out of how light a crop is: its tens."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, batch: Image) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        assert batch.dtype == np.uint8
        self.shapes.append(batch.shape)
        classes = batch[:, 0, 0, 0].astype(np.int32) // 10
        path = np.stack([classes, classes, np.full_like(classes, BLANK), classes], axis=1)
        return path, np.full(path.shape, 0.5, dtype=np.float32)


def test_readings_come_in_the_order_of_the_crops_whatever_the_batches() -> None:
    network = Network()
    crops = [crop(32, value=10), crop(90, value=20), crop(30, value=30), crop(20, value=0), crop(10, value=20)]
    readings = recognizer().recognize(crops, {"network": network})
    assert [reading.text for reading in readings] == ["aa", "bb", "cc", "", "bb"]
    assert [reading.confidence for reading in readings] == [0.5, 0.5, 0.5, 0.0, 0.5]
    assert network.shapes == [(2, 64, 64, 1), (2, 64, 64, 1), (1, 64, 192, 1)]


def test_a_static_network_is_given_full_batches_of_one_width() -> None:
    network, static = Network(), recognizer(shapes="static", widths=[128])
    crops = [crop(32, value=10), crop(90, value=20), crop(30, value=30)]
    assert [reading.text for reading in static.recognize(crops, {"network": network})] == ["aa", "bb", "cc"]
    assert network.shapes == [static.graphs()["network"].shape] * 2 == [(2, 64, 128, 1)] * 2


def test_no_crops_no_call() -> None:
    network = Network()
    assert recognizer().recognize([], {"network": network}) == []
    assert network.shapes == []


@pytest.mark.parametrize(
    ("size", "expected"),
    [((32, 32), 64), ((33, 32), 128), ((1, 100), 64), ((64, 64), 64), ((65, 64), 128), ((1000, 10), 320)],
)
def test_width(size: tuple[int, int], expected: int) -> None:
    assert OPTIONS.width(recognizer().natural_width(crop(*size))) == expected


def test_a_crop_keeps_its_proportions_and_its_last_column_is_repeated() -> None:
    image = np.zeros((64, 100, 3), dtype=np.uint8)
    image[:, 99] = 200
    image[:32, 99] = 100
    (tensor,) = recognizer().calibration([image])
    assert tensor.shape == (1, 64, 128, 1)
    assert not tensor[0, :, :99].any()
    assert (tensor[0, :32, 99:] == 100).all()
    assert (tensor[0, 32:, 99:] == 200).all()


def test_colours_become_grey() -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[..., 2] = 255
    (tensor,) = recognizer().calibration([image])
    # ITU-R BT.601: red weighs 0.299.
    assert (tensor == round(0.299 * 255)).all()


def test_a_crop_that_is_too_wide_is_squeezed_not_cut() -> None:
    image = crop(1000, 10)
    image[:, 900:] = 255
    (tensor,) = recognizer().calibration([image])
    assert tensor.shape == (1, 64, 320, 1)
    assert (tensor[0, :, 300:] == 255).all()
    assert not tensor[0, :, :280].any()


def test_grey_values_become_minus_one_to_one() -> None:
    graph = recognizer().graphs()["network"]
    assert [(value - graph.mean[0]) / graph.scale[0] for value in (0, 255)] == [-1, 1]
    assert graph.arg_max
    assert graph.softmax


def test_the_alphabet_survives_yaml() -> None:
    stage = load(["model=easyocr"]).recognizer
    alphabet = build_recognizer(stage, {}).alphabet  # type: ignore[attr-defined]
    # Of the classes of the state dict, 97, the first is the blank.
    assert len(alphabet) == len(set(alphabet)) == 97
    assert alphabet[:11] == ["", *string.digits]
    assert "".join(alphabet[11:43]) == string.punctuation
    assert "".join(alphabet[43:]) == " €" + string.ascii_uppercase + string.ascii_lowercase


@pytest.mark.parametrize("change", [{"alphabet": ""}, {"width_step": 0}, {"batch_size": 0}, {"min_confidence": 2}])
def test_impossible_options_are_refused(change: dict[str, object]) -> None:
    plain = {"alphabet": "ab", "width_step": 64, "max_width": 64, "batch_size": 1, "min_confidence": 0}
    assert validate(CrnnOptions, plain).alphabet == "ab"
    with pytest.raises(ValidationError):
        CrnnOptions(**{**plain, **change})
