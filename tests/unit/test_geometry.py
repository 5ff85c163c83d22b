"""Crops against slices of the image, areas against arithmetic."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ocrbench.geometry import crop_quadrilateral, cut, intersection_areas, order_corners, polygon_areas, rectangle
from ocrbench.records import Polygon

sizes = st.integers(1, 50)
places = st.integers(-60, 60)
boxes = st.builds(rectangle, places, places, sizes, sizes)


@pytest.fixture
def image() -> NDArray[np.uint8]:
    """Every pixel tells its place: blue is x, green is y."""
    pixels = np.zeros((100, 200, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(200)
    pixels[..., 1] = np.arange(100)[:, np.newaxis]
    return pixels


class TestCrop:
    def test_an_upright_rectangle_is_a_slice(self, image: NDArray[np.uint8]) -> None:
        crop = crop_quadrilateral(image, rectangle(30, 20, 80, 25))
        assert np.array_equal(crop, image[20:45, 30:110])

    def test_a_rotated_rectangle_comes_out_upright(self, image: NDArray[np.uint8]) -> None:
        upright = rectangle(60, 40, 80, 20)
        turn = cv2.getRotationMatrix2D((100, 50), 20, 1)
        corners = np.array(upright) @ turn[:, :2].T + turn[:, 2]
        turned = cv2.warpAffine(image, turn, (200, 100), flags=cv2.INTER_CUBIC)
        crop = crop_quadrilateral(turned, tuple((float(x), float(y)) for x, y in corners))
        assert abs(crop.shape[0] - 20) <= 1
        assert abs(crop.shape[1] - 80) <= 1
        difference = cv2.absdiff(cv2.resize(crop, (80, 20)), image[40:60, 60:140])
        assert difference[2:-2, 2:-2].max() <= 4

    def test_a_tall_region_is_turned_left(self, image: NDArray[np.uint8]) -> None:
        crop = crop_quadrilateral(image, rectangle(50, 10, 20, 60))
        assert np.array_equal(crop, np.rot90(image[10:70, 50:70]))
        assert crop_quadrilateral(image, rectangle(50, 10, 50, 60)).shape == (60, 50, 3)

    def test_what_lies_outside_repeats_the_border(self, image: NDArray[np.uint8]) -> None:
        crop = crop_quadrilateral(image, rectangle(-10, 80, 50, 30))
        assert crop.shape == (30, 50, 3)
        assert np.array_equal(crop[:20, 10:], image[80:, :40])
        assert (crop[:, :10, 0] == 0).all()
        assert (crop[20:, :, 1] == 99).all()

    @pytest.mark.parametrize(("left", "top"), [(-90, 10), (10, -90), (400, 10), (10, 300), (-400, -400)])
    def test_a_region_off_the_image_is_black(self, image: NDArray[np.uint8], left: int, top: int) -> None:
        crop = crop_quadrilateral(image, rectangle(left, top, 60, 20))
        assert crop.shape == (20, 60, 3)
        assert not crop.any()

    @pytest.mark.parametrize("size", [1e5, 1e10, 1e38, 1e308])
    def test_an_absurd_outline_gives_a_crop_no_larger_than_thrice_the_image(
        self, image: NDArray[np.uint8], size: float
    ) -> None:
        height, width = crop_quadrilateral(image, ((-size, -size), (size, 3), (size, size), (0, size))).shape[:2]
        assert max(height, width) <= 3 * math.hypot(*image.shape[:2])

    def test_other_outlines_are_cut_by_their_smallest_rectangle(self, image: NDArray[np.uint8]) -> None:
        hexagon = ((40, 30), (80, 20), (120, 30), (120, 40), (80, 50), (40, 40))
        crop = crop_quadrilateral(image, hexagon)
        assert np.abs(np.array(crop.shape[:2]) - (30, 80)).max() <= 1
        assert abs(int(crop[15, 40, 0]) - 80) <= 1
        assert abs(int(crop[15, 40, 1]) - 35) <= 1

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(places, places), min_size=3, max_size=7))
    def test_no_outline_is_refused(self, outline: list[tuple[int, int]]) -> None:
        crop = crop_quadrilateral(np.zeros((30, 40, 3), dtype=np.uint8), tuple(outline))
        assert crop.dtype == np.uint8
        assert crop.shape[2] == 3
        assert min(crop.shape) >= 1


OUTLINES: dict[str, Polygon] = {
    "upright": ((30, 20), (130, 20), (130, 50), (30, 50)),
    "rotated": ((40, 20), (140, 50), (131, 80), (31, 50)),
    "perspective": ((20, 10), (160, 35), (160, 60), (20, 90)),
    "tall": ((60, 5), (85, 5), (85, 95), (60, 95)),
    "tall and leaning": ((60, 5), (85, 10), (75, 95), (45, 90)),
    "hexagon": ((40, 30), (80, 20), (120, 30), (120, 40), (80, 50), (40, 40)),
}


class TestCut:
    @pytest.mark.parametrize("outline", OUTLINES.values(), ids=OUTLINES)
    def test_a_piece_is_where_its_part_of_the_crop_was_taken(self, image: NDArray[np.uint8], outline: Polygon) -> None:
        crop = crop_quadrilateral(image, outline).astype(float)
        height, width = crop.shape[:2]
        left, right = 0.25, 0.6
        (piece,) = cut(outline, [(left, right)])
        # Every pixel of the crop tells its place in the image.
        rows = (0, 0, height - 1, height - 1)
        columns = [round(share * width) for share in (left, right, right, left)]
        places = np.array([crop[row, column, :2] for row, column in zip(rows, columns, strict=True)])
        apart = np.linalg.norm(places[:, np.newaxis] - np.array(piece), axis=2)
        # As sets: a piece of a turned crop begins at its upper left in the image.
        assert apart.min(axis=0).max() <= 2.5
        assert sorted(apart.argmin(axis=0)) == [0, 1, 2, 3]

    @pytest.mark.parametrize("outline", list(OUTLINES.values())[:5], ids=list(OUTLINES)[:5])
    def test_the_whole_is_the_region_with_its_corners_in_their_order(self, outline: Polygon) -> None:
        (whole,) = cut(outline, [(0, 1)])
        assert np.array(whole) == pytest.approx(np.array(outline))

    @pytest.mark.parametrize("outline", OUTLINES.values(), ids=OUTLINES)
    def test_pieces_side_by_side_make_up_the_region(self, outline: Polygon) -> None:
        parts = cut(outline, [(0, 0.3), (0.3, 0.7), (0.7, 1)])
        (whole,) = cut(outline, [(0, 1)])
        assert polygon_areas(parts).sum() == pytest.approx(polygon_areas([whole])[0])
        shared = intersection_areas(parts, parts)
        assert shared[~np.eye(3, dtype=bool)] == pytest.approx(0, abs=1e-6)

    def test_perspective_makes_the_far_half_shorter(self) -> None:
        (near, far) = cut(OUTLINES["perspective"], [(0, 0.5), (0.5, 1)])
        assert near[1][0] - near[0][0] > 3 * (far[1][0] - far[0][0])
        assert near[1] == far[0]

    def test_nothing_is_cut_into_nothing(self) -> None:
        assert cut(OUTLINES["upright"], []) == []

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(places, places), min_size=3, max_size=6))
    def test_any_outline_gives_finite_corners_near_it(self, outline: list[tuple[int, int]]) -> None:
        corners = np.array(cut(tuple(outline), [(0, 0.4), (0.4, 1)]))
        assert np.isfinite(corners).all()
        assert np.abs(corners).max() <= 130


class TestAreas:
    def test_by_hand(self) -> None:
        diamond = ((10, 0), (20, 10), (10, 20), (0, 10))
        predicted = [rectangle(0, 0, 20, 20), rectangle(10, 5, 30, 10), diamond]
        expected = [rectangle(10, 10, 20, 20), rectangle(0, 0, 10, 10)]
        assert intersection_areas(predicted, expected).tolist() == [[100, 100], [100, 0], [50, 50]]
        assert polygon_areas([*predicted, ((0, 0), (1, 1))]).tolist() == [400, 300, 200, 0]

    def test_none_on_either_side(self) -> None:
        assert intersection_areas([], [rectangle(0, 0, 1, 1)]).shape == (0, 1)
        assert intersection_areas([rectangle(0, 0, 1, 1)], []).shape == (1, 0)

    def test_a_self_crossing_outline_counts_its_two_halves(self) -> None:
        bow = ((0, 0), (10, 10), (10, 0), (0, 10))
        assert polygon_areas([bow]).tolist() == [50]
        assert intersection_areas([bow], [rectangle(0, 0, 5, 10)]).tolist() == [[25]]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(boxes, max_size=4), st.lists(boxes, max_size=4))
    def test_rectangles_overlap_as_their_sides_do(self, predicted: list, expected: list) -> None:
        def overlap(axis: int, one: tuple, other: tuple) -> int:
            return max(0, min(one[2][axis], other[2][axis]) - max(one[0][axis], other[0][axis]))

        by_sides = [[overlap(0, p, e) * overlap(1, p, e) for e in expected] for p in predicted]
        areas = intersection_areas(predicted, expected)
        assert areas.shape == (len(predicted), len(expected))
        assert areas.ravel().tolist() == pytest.approx(np.array(by_sides, dtype=float).ravel().tolist())


@settings(max_examples=60, deadline=None)
@given(boxes, st.permutations(range(4)), st.floats(-0.5, 0.5))
def test_corners_are_ordered_whatever_order_they_come_in(box: tuple, order: list[int], angle: float) -> None:
    # Wide enough that the left edge stays left at any of these angles.
    width = 3 * (box[2][1] - box[0][1]) + 1
    corners = np.array(rectangle(0, 0, width, box[2][1] - box[0][1]), dtype=np.float64)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = corners @ turn.T
    assert order_corners(turned[order]) == pytest.approx(turned.astype(np.float32), abs=1e-4)
