"""What was read, as pictures: labels that stay inside, letters that are really drawn, sheets of the right size."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbench.geometry import rectangle
from ocrbench.records import Image, Region
from ocrbench.report import picture as pictures
from ocrbench.report.picture import (
    CELL_WIDTH,
    COLUMNS,
    MARGIN,
    MAX_LETTER_PX,
    OUTLINE,
    annotate,
    contact_sheet,
    draw_text,
    label_box,
    text_width,
)

# OpenCV 5 has a font for every alphabet; with older ones it depends on the fonts of the system.
ALPHABETS = ["äöüßéñ", *(["漢字書日本", "кирлцажш", "αβγδεζ", "かなカナ"] if hasattr(cv2, "FontFace") else [])]

coordinates = st.floats(-300, 700)
points = st.tuples(coordinates, coordinates)


def blank(width: int = 400, height: int = 200, grey: int = 128) -> Image:
    return np.full((height, width, 3), grey, dtype=np.uint8)


def region(left: float, top: float, text: str, width: float = 100, height: float = 30) -> Region:
    return Region(polygon=rectangle(left, top, width, height), text=text, confidence=0.9)


@pytest.fixture(params=["newest", "without FontFace"])
def any_opencv(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the font of this OpenCV, and as on one that has none."""
    if request.param != "newest":
        monkeypatch.setattr(pictures, "_opencv_font", lambda: None)


class TestLabel:
    @settings(deadline=None)
    @given(
        st.tuples(points, points, points, points),
        st.integers(1, 900),
        st.integers(1, 100),
        st.tuples(st.integers(1, 500), st.integers(1, 500)),
    )
    def test_never_leaves_the_image(
        self, polygon: tuple[tuple[float, float], ...], width: int, height: int, size: tuple[int, int]
    ) -> None:
        width, height = min(width, size[0]), min(height, size[1])
        left, top = label_box(Region(polygon=polygon, text="x"), width, height, size)
        assert 0 <= left <= left + width <= size[0]
        assert 0 <= top <= top + height <= size[1]

    def test_stands_right_above_its_region_where_there_is_room(self) -> None:
        assert label_box(region(50, 80, "x"), 60, 20, (400, 200)) == (50, 60)

    @settings(deadline=None)
    @given(points, st.text(max_size=60), st.integers(8, 300), st.integers(8, 300))
    def test_any_text_can_be_drawn_on_any_image(
        self, corner: tuple[float, float], text: str, width: int, height: int
    ) -> None:
        assert annotate(blank(width, height), [region(*corner, text)]).shape == (height, width, 3)

    @pytest.mark.usefixtures("any_opencv")
    @pytest.mark.parametrize(("left", "top"), [(0, 0), (380, 0), (380, 190), (-40, 100), (150, -20)])
    def test_a_label_at_the_edge_is_all_there(self, left: float, top: float) -> None:
        """Compare with the same text drawn where there is room: as many light pixels, up to rounding."""
        counts = [light_pixels(annotate(blank(), [region(*at, "EXIT")])) for at in ((left, top), (150, 100))]
        assert counts[0] == pytest.approx(counts[1], rel=0.1)

    def test_a_long_text_is_shortened(self) -> None:
        picture = annotate(blank(width=80), [region(5, 100, "supercalifragilistic" * 5)])
        assert light_pixels(picture) > 0
        assert picture.shape == (200, 80, 3)

    def test_the_label_is_translucent(self) -> None:
        image = np.zeros((200, 400, 3), dtype=np.uint8)
        image[:, ::2] = 200
        picture = annotate(image, [region(50, 80, "x")])
        # In the label's first row there are no letters: the stripes show through.
        top = label_top(image, picture)
        assert len(np.unique(picture[top, 52:58], axis=0)) == 2


def light_pixels(picture: Image) -> int:
    return int((picture.min(axis=2) > 200).sum())


def label_top(image: Image, picture: Image) -> int:
    return int(np.flatnonzero((image != picture).any(axis=(1, 2)))[0])


class TestAnnotate:
    def test_outlines_every_region_also_those_without_text(self) -> None:
        picture = annotate(blank(), [region(50, 80, ""), region(200, 80, "x")])
        for left in (50, 200):
            assert np.abs(picture[95, left] - np.array(OUTLINE)).max() < 30

    def test_leaves_the_image_alone(self) -> None:
        image = blank()
        annotate(image, [region(50, 80, "x")])
        assert (image == 128).all()

    def test_nothing_to_draw(self) -> None:
        assert np.array_equal(annotate(blank(), []), blank())


def written(text: str, height: int = 32) -> Image:
    picture = blank(grey=255)
    draw_text(picture, text, 10, 100, height, (0, 0, 0))
    return picture


def distinct(texts: Sequence[str]) -> int:
    return len({written(text).tobytes() for text in texts})


class TestLettering:
    @pytest.mark.usefixtures("any_opencv")
    def test_letters_are_drawn_and_differ(self) -> None:
        texts = ["a", "b", "E", "1", "?", "é"]
        assert distinct(texts) == len(texts)
        assert not any(np.array_equal(written(text), blank(grey=255)) for text in texts)

    @pytest.mark.parametrize("alphabet", ALPHABETS)
    def test_other_alphabets_are_no_boxes(self, alphabet: str) -> None:
        # A font that lacks them draws the same box for each, or nothing.
        assert distinct(alphabet) == len(alphabet)
        assert not np.array_equal(written(alphabet[0]), written("\U0010fffd"))

    @pytest.mark.usefixtures("any_opencv")
    @pytest.mark.parametrize("height", [12, 32])
    def test_the_width_is_that_of_what_is_drawn(self, height: int) -> None:
        columns = np.flatnonzero((written("Building", height) < 128).any(axis=(0, 2)))
        assert columns[-1] - 10 == pytest.approx(text_width("Building", height), rel=0.15)
        assert text_width("", height) == 0

    @pytest.mark.usefixtures("any_opencv")
    def test_letters_stand_on_the_baseline(self) -> None:
        rows = np.flatnonzero((written("HHH") < 128).any(axis=(1, 2)))
        assert rows[-1] == pytest.approx(100, abs=2)
        assert 12 <= rows[-1] - rows[0] <= MAX_LETTER_PX

    @pytest.mark.usefixtures("any_opencv")
    def test_the_colour_is_bgr(self) -> None:
        picture = blank(grey=0)
        draw_text(picture, "HHH", 10, 100, 32, (250, 120, 10))
        assert tuple(picture.reshape(-1, 3).max(axis=0)) == (250, 120, 10)


class TestContactSheet:
    @pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (4, 4, 1), (5, 4, 2), (9, 4, 3)])
    def test_size(self, count: int, columns: int, rows: int) -> None:
        assert columns <= COLUMNS
        one_row = contact_sheet(blank(), [region(10, 10, "x")]).shape[0] - MARGIN
        sheet = contact_sheet(blank(), [region(10, 10, "x")] * count)
        assert sheet.shape == (rows * one_row + MARGIN, columns * CELL_WIDTH + MARGIN, 3)

    def test_nothing_found_is_said(self) -> None:
        sheet = contact_sheet(blank(), [])
        assert sheet.shape[1] == CELL_WIDTH
        assert (sheet < 128).any()

    def test_crops_keep_their_proportions(self) -> None:
        image = blank(grey=255)
        image[50:80, 100:300] = (0, 0, 200)
        sheet = contact_sheet(image, [region(100, 50, "", width=200, height=30)])
        # The crop, not the caption.
        rows, columns = np.nonzero((sheet[..., 2] > 150) & (sheet[..., 0] < 60))
        assert (np.ptp(columns) + 1) / (np.ptp(rows) + 1) == pytest.approx(200 / 30, rel=0.1)

    @settings(deadline=None)
    @given(points, st.text(max_size=80), st.floats(1, 500), st.floats(1, 500))
    def test_any_region(self, corner: tuple[float, float], text: str, width: float, height: float) -> None:
        sheet = contact_sheet(blank(), [region(*corner, text, width, height)])
        assert sheet.shape[1] == CELL_WIDTH + MARGIN
