"""The box detector around networks that answer rows made by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.geometry import rectangle
from ocrbench.models.omz_boxes import SIDE, BoxDetector, BoxOptions
from ocrbench.records import Region

Rows = list[tuple[float, float, float, float, float]]


def detect(rows: Rows, width: int = SIDE, height: int = SIDE, threshold: float = 0.3) -> list[Region]:
    """Run the detector with a network that answers these rows and 94 empty ones."""
    answer = np.zeros((100, 5), dtype=np.float32)
    answer[: len(rows)] = np.array(rows, dtype=np.float32).reshape(-1, 5)

    def network(batch: NDArray[np.uint8]) -> tuple[NDArray[np.float32]]:
        assert (batch.shape, batch.dtype) == ((1, SIDE, SIDE, 3), np.uint8)
        return (answer,)

    image = np.zeros((height, width, 3), dtype=np.uint8)
    return BoxDetector(BoxOptions(threshold=threshold), {}).detect(image, {"network": network})


def test_a_box_of_an_image_as_large_as_the_network_stays_where_it_is() -> None:
    (region,) = detect([(10, 20, 110, 50, 0.75)])
    assert region == Region(polygon=rectangle(10, 20, 100, 30), confidence=0.75)


def test_boxes_scale_with_the_image_by_width_and_by_height() -> None:
    (region,) = detect([(704 / 4, 704 / 2, 704 / 2, 704, 0.9)], width=1280, height=720)
    assert np.allclose(region.polygon, rectangle(320, 360, 320, 360))


def test_only_what_is_above_the_threshold_is_kept() -> None:
    rows: Rows = [(10, 10, 60, 30, 0.5), (10, 50, 60, 70, 0.5001), (10, 90, 60, 110, 0.49)]
    assert [region.polygon[0][1] for region in detect(rows, threshold=0.5)] == [50]


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_empty_rows_vanish(threshold: float) -> None:
    assert detect([], threshold=threshold) == []
    # Certain of nothing, but of a confidence.
    assert detect([(0, 0, 0, 0, 0.9), (50, 50, 50.5, 90, 0.9)], threshold=threshold) == []


def test_boxes_are_clipped_to_the_image() -> None:
    (region,) = detect([(-20, -5, 720, 704.5, 0.9)], width=352, height=1408)
    assert region.polygon == rectangle(0, 0, 352, 1408)


def test_boxes_near_the_top_stay_there() -> None:
    # The OpenVINO tutorial moves such a box down to 10 px.
    (region,) = detect([(10, 2, 110, 12, 0.9)])
    assert region.polygon[0] == (10, 2)


def test_boxes_come_in_reading_order() -> None:
    rows: Rows = [
        (300, 205, 380, 225, 0.5),
        (200, 100, 280, 120, 0.9),
        (20, 200, 90, 220, 0.7),
        (20, 104, 90, 126, 0.6),
    ]
    assert [region.confidence for region in detect(rows)] == pytest.approx([0.6, 0.9, 0.7, 0.5])


def test_calibration_sees_what_the_network_is_fed() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    fed = []

    def network(batch: NDArray[np.uint8]) -> tuple[NDArray[np.float32]]:
        fed.append(batch)
        return (np.zeros((100, 5), dtype=np.float32),)

    detector = BoxDetector(BoxOptions(threshold=0.3), {})
    detector.detect(image, {"network": network})
    (tensor,) = detector.calibration(image)
    assert np.array_equal(tensor, fed[0])
