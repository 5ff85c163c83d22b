"""CRAFT's pre- and post-processing, on score maps made by hand."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.geometry import intersection_areas, polygon_areas
from ocrbench.models.craft import CraftDetector, CraftOptions
from ocrbench.records import Image, Region

Map = NDArray[np.float32]
MEAN, SCALE = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
OPTIONS = CraftOptions(
    canvas_size=2560,
    mag_ratio=1.0,
    mean=MEAN,
    scale=SCALE,
    text_threshold=0.7,
    low_text=0.4,
    link_threshold=0.4,
    min_area=10,
)
WIDTH, HEIGHT = 320, 160


def blank() -> Map:
    return np.zeros((HEIGHT // 2, WIDTH // 2), dtype=np.float32)


def with_box(scores: Map, left: int, top: int, width: int, height: int, score: float = 0.9) -> Map:
    filled = scores.copy()
    filled[top : top + height, left : left + width] = score
    return filled


def detect(region: Map, affinity: Map | None = None, scale: float = 1.0, **options: object) -> list[Region]:
    """Run the detector with a network that answers these maps, on an image ``scale`` times as large as usual."""
    image = np.zeros((int(HEIGHT * scale), int(WIDTH * scale), 3), dtype=np.uint8)
    detector = CraftDetector(replace(OPTIONS, mag_ratio=1 / scale, **options), {})

    def network(batch: Image) -> tuple[Map]:
        assert (batch.shape, batch.dtype) == ((1, HEIGHT, WIDTH, 3), np.uint8)
        return (np.stack([region, blank() if affinity is None else affinity])[np.newaxis],)

    return detector.detect(image, {"network": network})


def bounds(region: Region) -> tuple[float, ...]:
    corners = np.array(region.polygon)
    return (*corners.min(axis=0), *corners.max(axis=0))


class TestWords:
    def test_a_box_grows_by_half_of_twice_the_root_of_its_share_of_the_longer_side(self) -> None:
        # 40 × 10 full pixels: int(2 × √(400 × 10 / 400)) = 6, of which each side gets 3, in half pixels of the image.
        (region,) = detect(with_box(blank(), 50, 30, 40, 10))
        assert bounds(region) == (2 * 47, 2 * 27, 2 * 92, 2 * 42)
        assert region.confidence == pytest.approx(0.9)

    @pytest.mark.parametrize("scale", [0.5, 2.0])
    def test_coordinates_are_those_of_the_original_image(self, scale: float) -> None:
        (usual,), (other,) = (detect(with_box(blank(), 50, 30, 40, 10), scale=each) for each in (1.0, scale))
        assert np.allclose(np.array(other.polygon), scale * np.array(usual.polygon))

    def test_affinity_joins_characters_to_words(self) -> None:
        characters = with_box(with_box(blank(), 20, 30, 8, 10), 36, 30, 8, 10)
        between = with_box(blank(), 26, 32, 12, 6, score=0.5)
        assert len(detect(characters)) == 2
        (word,) = detect(characters, between)
        left, _, right, _ = bounds(word)
        assert left < 2 * 20
        assert right > 2 * 43

    def test_weak_affinity_does_not(self) -> None:
        characters = with_box(with_box(blank(), 20, 30, 8, 10), 36, 30, 8, 10)
        between = with_box(blank(), 26, 32, 12, 6, score=0.5)
        assert len(detect(characters, between, link_threshold=0.6)) == 2

    def test_diagonal_neighbours_are_strangers(self) -> None:
        characters = with_box(with_box(blank(), 20, 20, 8, 8), 28, 28, 8, 8)
        assert len(detect(characters)) == 2

    def test_affinity_beyond_the_characters_does_not_widen_the_box(self) -> None:
        character = with_box(blank(), 50, 30, 10, 10)
        tail = with_box(blank(), 60, 32, 60, 6)
        (region,) = detect(character, tail)
        assert bounds(region)[2] < 2 * 75

    def test_affinity_alone_is_no_word(self) -> None:
        assert detect(blank(), with_box(blank(), 20, 30, 30, 10)) == []

    def test_a_word_needs_one_certain_pixel(self) -> None:
        weak = with_box(blank(), 50, 30, 40, 10, score=0.69)
        assert detect(weak) == []
        weak[35, 60] = 0.71
        (region,) = detect(weak)
        assert region.confidence == pytest.approx(0.71)

    def test_scores_above_one_are_certain(self) -> None:
        (region,) = detect(with_box(blank(), 50, 30, 40, 10, score=1.2))
        assert region.confidence == 1.0

    def test_what_scores_low_is_background(self) -> None:
        word = with_box(blank(), 50, 30, 40, 10)
        halo = np.maximum(word, with_box(blank(), 40, 20, 60, 30, score=0.39))
        assert detect(halo) == detect(word)

    def test_specks_are_dropped(self) -> None:
        assert detect(with_box(blank(), 50, 30, 3, 3)) == []
        assert len(detect(with_box(blank(), 50, 30, 5, 2))) == 1

    def test_a_tilted_word_keeps_its_tilt(self) -> None:
        corners = np.round(cv2.boxPoints(((80, 40), (60, 12), 25))).astype(np.int32)
        (region,) = detect(cv2.fillPoly(blank(), [corners], 0.9))
        # About 61 × 13 pixels in an upright frame that is 60 wide: int(2 × √(793 / 60)) = 7. A square of that size,
        # seen at 25°, reaches 3.5 × (cos 25° + sin 25°) = 4.65 to each side.
        expected = cv2.boxPoints(((160, 80), (2 * (60 + 9.3), 2 * (12 + 9.3)), 25))
        expected_region = tuple((float(x), float(y)) for x, y in expected)
        shared = intersection_areas([region.polygon], [expected_region])[0, 0]
        union = polygon_areas([region.polygon, expected_region]).sum() - shared
        assert shared / union > 0.9

    def test_a_round_character_gets_an_upright_box(self) -> None:
        diamond = cv2.fillPoly(blank(), [np.array([(80, 20), (100, 40), (80, 60), (60, 40)], dtype=np.int32)], 0.9)
        (region,) = detect(diamond)
        (left, top), (right, top_right), *_ = region.polygon
        assert top == top_right
        assert right - left > 2 * 40

    def test_a_word_at_the_border_stays_in_the_image(self) -> None:
        (region,) = detect(with_box(blank(), 0, 0, WIDTH // 2, 10))
        left, top, right, _ = bounds(region)
        assert (left, top, right) == (0, 0, WIDTH - 1)

    def test_words_come_in_reading_order(self) -> None:
        found = detect(with_box(with_box(with_box(blank(), 90, 20, 20, 8), 20, 60, 20, 8), 20, 20, 20, 8))
        tops = [bounds(region)[:2] for region in found]
        assert [(left < 80, top < 80) for left, top in tops] == [(True, True), (False, True), (True, False)]


class TestCanvas:
    @pytest.mark.parametrize(
        ("size", "options", "expected"),
        [
            ((1280, 720), {}, (1280, 736)),
            ((1280, 720), {"mag_ratio": 1.5}, (1920, 1088)),
            ((1280, 720), {"canvas_size": 640}, (640, 384)),
            ((5000, 10), {}, (2560, 32)),
            ((3, 2), {}, (32, 32)),
        ],
    )
    def test_size(self, size: tuple[int, int], options: dict[str, float], expected: tuple[int, int]) -> None:
        detector = CraftDetector(replace(OPTIONS, **options), {})
        (canvas,) = detector.calibration(np.zeros((size[1], size[0], 3), dtype=np.uint8))
        assert canvas.shape == (1, expected[1], expected[0], 3)

    def test_red_comes_first_and_the_padding_is_black(self) -> None:
        image = np.zeros((40, 50, 3), dtype=np.uint8)
        image[...] = (10, 20, 30)
        (canvas,) = CraftDetector(OPTIONS, {}).calibration(image)
        assert (canvas[0, :40, :50] == (30, 20, 10)).all()
        assert not canvas[0, 40:].any()
        assert not canvas[0, :, 50:].any()

    def test_the_normalisation_is_folded_in(self) -> None:
        graph = CraftDetector(OPTIONS, {}).graphs()["network"]
        assert (graph.mean, graph.scale, graph.layout, graph.arg_max) == (MEAN, SCALE, "NCHW", False)
