"""Lines cut into words: what the words say, and where they begin and end."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbench.config.schema import Cutting, Words
from ocrbench.geometry import rectangle
from ocrbench.models.interface import Characters, Reading
from ocrbench.models.words import pieces, split
from ocrbench.records import Region

RULE = Cutting(words=Words(gap=None))
# One character is as wide as half the line's height.
PITCH = 0.5


def line(text: str, confidences: list[float] | None = None) -> tuple[Characters, float]:
    """Return a line of evenly set characters, each one marked in its middle, and the line's width over its height.

    An underscore is a place where nothing was read.
    """
    places = [(index, symbol) for index, symbol in enumerate(text) if symbol != "_"]
    centres = np.array([(index + 0.5) / len(text) for index, _ in places])
    certain = np.array(confidences or [0.9] * len(places))
    symbols = tuple(symbol for _, symbol in places)
    return Characters(symbols=symbols, centres=centres, confidences=certain), PITCH * len(text)


def words(text: str, gap: float | None = None) -> list[str]:
    return [word.text for word in split(*line(text), gap)]


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("to be", ["to", "be"]),
            ("one", ["one"]),
            (" a  b ", ["a", "b"]),
            ("a\u3000b", ["a", "b"]),
            ("   ", []),
            ("日本語", ["日本語"]),
        ],
    )
    def test_spaces_part_words(self, text: str, expected: list[str]) -> None:
        assert words(text) == expected

    @given(st.text("ab c_", min_size=1, max_size=30))
    def test_joined_by_spaces_they_are_the_line(self, text: str) -> None:
        assert " ".join(words(text)) == " ".join(text.replace("_", "").split())

    @given(st.text("ab c_日", min_size=1, max_size=30), st.floats(1.1, 4))
    def test_gaps_lose_no_character(self, text: str, gap: float) -> None:
        found = words(text, gap)
        assert "".join(found) == "".join(text.replace("_", "").split())
        assert all(found)

    def test_each_has_its_own_confidence(self) -> None:
        first, second = split(*line("ab c", [0.9, 0.7, 0.1, 0.4]), None)
        assert first.confidence == pytest.approx(0.8)
        assert second.confidence == pytest.approx(0.4)


class TestGaps:
    @pytest.mark.parametrize(
        ("gap", "expected"), [(None, ["abcdef"]), (3.5, ["abcdef"]), (2.5, ["abc", "def"])], ids=["never", "3.5", "2.5"]
    )
    def test_a_wide_gap_parts_words(self, gap: float | None, expected: list[str]) -> None:
        assert words("abc__def", gap) == expected

    def test_it_is_measured_by_the_usual_distance_of_the_line(self) -> None:
        assert words("a_b_c_d_e", 1.5) == ["abcde"]

    def test_scripts_without_spaces_stay_whole(self) -> None:
        assert words("日本語____日本語", 1.5) == ["日本語日本語"]


class TestEnds:
    def test_words_reach_half_a_character_beyond_their_outer_characters(self) -> None:
        first, second = split(*line("abcd ef"), None)
        assert (first.left, second.right) == (pytest.approx(0), pytest.approx(1))
        assert first.right == pytest.approx(4 / 7)
        assert second.left == pytest.approx(5 / 7)

    def test_the_line_may_be_longer_than_its_words(self) -> None:
        first, second = split(*line("__abcd e__"), None)
        assert (first.left, first.right) == (pytest.approx(0.2), pytest.approx(0.6))
        assert (second.left, second.right) == (pytest.approx(0.7), pytest.approx(0.8))

    def test_a_single_character_is_as_wide_as_the_others_of_its_line(self) -> None:
        _, middle, _ = split(*line("abcd e fghi"), None)
        assert (middle.left, middle.right) == (pytest.approx(5 / 11), pytest.approx(6 / 11))

    @given(st.text("ab c_", min_size=1, max_size=30), st.none() | st.floats(1.1, 4))
    def test_they_never_overlap_or_leave_the_line(self, text: str, gap: float | None) -> None:
        found = split(*line(text), gap)
        edges = [edge for word in found for edge in (word.left, word.right)]
        assert edges == sorted(edges)
        assert not edges or (edges[0] >= 0 and edges[-1] <= 1 + 1e-9)


class TestPieces:
    REGION = Region(polygon=rectangle(10, 20, 140, 40), confidence=0.6)
    CROP = np.zeros((40, 140, 3), dtype=np.uint8)

    def reading(self, text: str) -> Reading:
        return Reading(text=text, confidence=0.9, characters=line(text)[0])

    def test_words_get_their_part_of_the_region(self) -> None:
        one, other = pieces(self.REGION, self.CROP, self.reading("abcd ef"), RULE)
        assert (one.text, other.text) == ("abcd", "ef")
        assert (one.confidence, other.confidence) == (0.9, 0.9)
        assert np.array(one.polygon) == pytest.approx(np.array(rectangle(10, 20, 80, 40)))
        assert np.array(other.polygon) == pytest.approx(np.array(rectangle(110, 20, 40, 40)))

    def test_what_the_detector_leaves_above_and_below_is_cut_off(self) -> None:
        (only,) = pieces(self.REGION, self.CROP, self.reading("abcd"), replace(RULE, trim=0.1))
        assert np.array(only.polygon) == pytest.approx(np.array(rectangle(10, 24, 140, 32)))

    def test_lines_stay_whole_where_lines_are_wanted(self) -> None:
        (only,) = pieces(self.REGION, self.CROP, self.reading("abcd ef"), Cutting())
        assert only == Region(polygon=self.REGION.polygon, text="abcd ef", confidence=0.9)

    def test_lines_are_cut_closer_above_and_below_only(self) -> None:
        (only,) = pieces(self.REGION, self.CROP, self.reading("abcd ef"), Cutting(trim=0.05))
        assert only.text == "abcd ef"
        assert np.array(only.polygon) == pytest.approx(np.array(rectangle(10, 22, 140, 36)))

    def test_a_reading_without_places_stays_whole(self) -> None:
        (only,) = pieces(self.REGION, self.CROP, Reading(text="ab cd", confidence=0.8), RULE)
        assert only == Region(polygon=self.REGION.polygon, text="ab cd", confidence=0.8)
