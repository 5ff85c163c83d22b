"""PixelLink's post-processing on maps made by hand, and against an independent way to join pixels."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from ocrbench.geometry import intersection_areas, polygon_areas, rectangle
from ocrbench.models.omz_pixellink import HEIGHT, NEIGHBOURS, WIDTH, PixelLinkDetector, PixelLinkOptions, link_pixels
from ocrbench.records import Region

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
OPTIONS = PixelLinkOptions(pixel_threshold=0.8, link_threshold=0.8, min_area=0, min_side=0)
ROWS, COLUMNS = HEIGHT // 4, WIDTH // 4
RIGHT, LEFT, DOWN_RIGHT, UP_LEFT = (NEIGHBOURS.index(step) for step in ((1, 0), (-1, 0), (1, 1), (-1, -1)))


def links_of(shape: tuple[int, int], *linked: tuple[int, int, int]) -> Mask:
    found = np.zeros((*shape, 8), dtype=np.bool_)
    for each in linked:
        found[each] = True
    return found


def text_at(shape: tuple[int, int], *pixels: tuple[int, int]) -> Mask:
    found = np.zeros(shape, dtype=np.bool_)
    for each in pixels:
        found[each] = True
    return found


class TestLinking:
    @pytest.mark.parametrize("link", [(1, 1, RIGHT), (1, 2, LEFT)])
    def test_a_link_of_one_direction_joins(self, link: tuple[int, int, int]) -> None:
        labels = link_pixels(text_at((3, 5), (1, 1), (1, 2)), links_of((3, 5), link))
        assert labels.tolist() == [[0] * 5, [0, 1, 1, 0, 0], [0] * 5]

    @pytest.mark.parametrize("link", [(0, 0, DOWN_RIGHT), (1, 1, UP_LEFT)])
    def test_diagonal_neighbours_are_neighbours(self, link: tuple[int, int, int]) -> None:
        assert link_pixels(text_at((2, 2), (0, 0), (1, 1)), links_of((2, 2), link)).tolist() == [[1, 0], [0, 1]]

    def test_neighbours_without_a_link_are_two_regions(self) -> None:
        assert link_pixels(text_at((1, 3), (0, 0), (0, 1)), links_of((1, 3))).tolist() == [[1, 2, 0]]

    def test_a_link_from_or_to_the_background_joins_nothing(self) -> None:
        links = links_of((1, 3), (0, 0, RIGHT), (0, 1, RIGHT), (0, 1, LEFT))
        assert link_pixels(text_at((1, 3), (0, 0), (0, 2)), links).tolist() == [[1, 0, 2]]

    def test_links_out_of_the_map_are_ignored(self) -> None:
        links = np.ones((2, 3, 8), dtype=np.bool_)
        # The end of a row is no neighbour of the beginning of the next.
        assert link_pixels(text_at((2, 3), (0, 2), (1, 0)), links).tolist() == [[0, 0, 1], [2, 0, 0]]

    def test_no_text_no_regions(self) -> None:
        assert not link_pixels(text_at((4, 4)), np.ones((4, 4, 8), dtype=np.bool_)).any()

    def test_two_regions_of_several_pixels(self) -> None:
        text = text_at((3, 6), (0, 0), (0, 1), (1, 1), (1, 4), (2, 4), (2, 5))
        labels = link_pixels(text, np.ones((3, 6, 8), dtype=np.bool_))
        assert labels.tolist() == [[1, 1, 0, 0, 0, 0], [0, 1, 0, 0, 2, 0], [0, 0, 0, 0, 2, 2]]

    @settings(deadline=None)
    @given(st.data())
    def test_as_a_naive_union_find_does(self, data: st.DataObject) -> None:
        shape = (data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6)))
        text = data.draw(arrays(np.bool_, shape))
        links = data.draw(arrays(np.bool_, (*shape, 8)))
        assert regions_of(link_pixels(text, links)) == union_find(text, links)


def regions_of(labels: NDArray[np.int32]) -> set[frozenset[tuple[int, int]]]:
    pixels = {label: np.argwhere(labels == label).tolist() for label in range(1, labels.max(initial=0) + 1)}
    return {frozenset((row, column) for row, column in each) for each in pixels.values()}


def union_find(text: Mask, links: Mask) -> set[frozenset[tuple[int, int]]]:
    """Join sets of pixels one link after the other."""
    regions = {(row, column): {(row, column)} for row, column in np.argwhere(text).tolist()}
    for row, column, channel in np.argwhere(links).tolist():
        dx, dy = NEIGHBOURS[channel]
        one, other = (row, column), (row + dy, column + dx)
        if one in regions and other in regions:
            joined = regions[one] | regions[other]
            for pixel in joined:
                regions[pixel] = joined
    return {frozenset(region) for region in regions.values()}


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def detect(pixels: Map, links: Map, width: int = WIDTH, height: int = HEIGHT, **options: float) -> list[Region]:
    """Run the detector with a network that answers these probabilities, of text and per link channel."""
    segments = np.zeros((1, ROWS, COLUMNS, 2), dtype=np.float32)
    segments[0, ..., 1] = pixels
    channels = np.zeros((1, ROWS, COLUMNS, 16), dtype=np.float32)
    channels[0, ..., 1::2] = links

    def network(batch: NDArray[np.uint8]) -> tuple[Map, Map]:
        assert (batch.shape, batch.dtype) == ((1, HEIGHT, WIDTH, 3), np.uint8)
        return segments, channels

    detector = PixelLinkDetector(replace(OPTIONS, **options), {})
    return detector.detect(np.zeros((height, width, 3), dtype=np.uint8), {"network": network})


def blob(top: int, left: int, rows: int, columns: int, probability: float = 0.9) -> Map:
    found = np.full((ROWS, COLUMNS), logit(0.01), dtype=np.float32)
    found[top : top + rows, left : left + columns] = logit(probability)
    return found


def all_links(probability: float = 0.9) -> Map:
    return np.full((ROWS, COLUMNS, 8), logit(probability), dtype=np.float32)


class TestDetector:
    def test_a_region_covers_the_cells_of_its_pixels(self) -> None:
        (region,) = detect(blob(50, 40, 5, 30), all_links())
        # A cell of the map is 4×4 pixels of an image as large as the network's.
        assert np.abs(np.array(region.polygon) - np.array(rectangle(160, 200, 120, 20))).max() < 0.1
        assert region.confidence == pytest.approx(0.9, abs=1e-4)

    def test_regions_scale_with_the_image_by_width_and_by_height(self) -> None:
        (region,) = detect(blob(50, 40, 5, 30), all_links(), width=640, height=1536)
        assert np.abs(np.array(region.polygon) - np.array(rectangle(80, 400, 60, 40))).max() < 0.1

    def test_a_tilted_region_keeps_its_tilt(self) -> None:
        box = ((160, 96), (100, 16), 20)
        corners = np.round(cv2.boxPoints(box)).astype(np.int32)
        tilted = cv2.fillPoly(blob(0, 0, 0, 0), [corners], logit(0.9))
        (region,) = detect(tilted, all_links())
        expected = cv2.boxPoints(((160.5 * 4, 96.5 * 4), (101 * 4, 17 * 4), 20))
        polygons = [region.polygon, tuple((float(x), float(y)) for x, y in expected)]
        shared = intersection_areas(polygons[:1], polygons[1:])[0, 0]
        assert shared / (polygon_areas(polygons).sum() - shared) > 0.9

    @pytest.mark.parametrize(("probability", "count"), [(0.79, 0), (0.81, 1)])
    def test_the_threshold_of_pixels(self, probability: float, count: int) -> None:
        assert len(detect(blob(50, 40, 5, 30, probability), all_links())) == count

    @pytest.mark.parametrize(("probability", "count"), [(0.79, 6), (0.81, 1)])
    def test_the_threshold_of_links(self, probability: float, count: int) -> None:
        assert len(detect(blob(50, 40, 2, 3), all_links(probability))) == count

    def test_words_side_by_side_are_told_apart_by_their_links(self) -> None:
        links = all_links()
        for step in ((1, -1), (1, 0), (1, 1)):
            links[:, 54, NEIGHBOURS.index(step)] = links[:, 55, NEIGHBOURS.index((-step[0], -step[1]))] = logit(0.1)
        first, second = detect(blob(50, 40, 5, 30), links)
        assert (first.polygon[1][0], second.polygon[0][0]) == pytest.approx((220, 220), abs=0.1)

    def test_small_regions_are_dropped(self) -> None:
        wide = blob(50, 40, 2, 30)  # 120×8
        assert len(detect(wide, all_links(), min_side=7.9)) == 1
        assert detect(wide, all_links(), min_side=8.1) == []
        assert len(detect(wide, all_links(), min_area=959)) == 1
        assert detect(wide, all_links(), min_area=961) == []

    def test_sizes_are_those_in_the_original_image(self) -> None:
        assert detect(blob(50, 40, 2, 30), all_links(), width=640, height=384, min_side=4.1) == []

    def test_regions_stay_inside_the_image(self) -> None:
        (region,) = detect(blob(0, COLUMNS - 30, 5, 30), all_links(), width=320, height=192)
        xs, ys = np.array(region.polygon).T
        assert (xs.max(), ys.min()) == (319, 0)

    def test_a_single_pixel_is_a_cell(self) -> None:
        (region,) = detect(blob(50, 40, 1, 1), all_links())
        assert polygon_areas([region.polygon])[0] == pytest.approx(16)

    def test_no_text(self) -> None:
        assert detect(blob(0, 0, 0, 0), all_links()) == []

    def test_regions_come_in_reading_order(self) -> None:
        pixels = np.maximum.reduce([blob(100, 20, 5, 30), blob(41, 200, 5, 30), blob(40, 20, 5, 30)])
        found = [(round(region.polygon[0][0]), round(region.polygon[0][1])) for region in detect(pixels, all_links())]
        assert found == [(80, 160), (800, 164), (80, 400)]
