"""Which regions flip and why, and how far two sides agree: cases small enough to count by hand."""

import pytest

from ocrbench.compare.changes import flipped_words
from ocrbench.compare.flips import Agreement, agreement, find_flips
from ocrbench.config.schema import Scoring
from ocrbench.geometry import rectangle
from ocrbench.records import Region


def word(row: int, text: str, left: float = 0, *, ignore: bool = False) -> Region:
    return Region(polygon=rectangle(left, 20 * row, 100, 10), text=text, ignore=ignore)


EXPECTED = {"a.png": [word(0, "EXIT"), word(1, "PUSH"), word(2, "###", ignore=True), word(3, ""), word(4, "OPEN")]}


def flips(before: list[Region], after: list[Region], scoring: Scoring | None = None) -> list[tuple[str, bool, str]]:
    found = find_flips({"a.png": before}, {"a.png": after}, EXPECTED, scoring or Scoring())
    return [(flip.expected.text, flip.lost, flip.cause) for flip in found]


class TestFlips:
    def test_a_misread_region_is_told_from_one_that_is_not_found(self) -> None:
        before = [word(0, "EXIT"), word(1, "PUSH")]
        after = [word(0, "EX1T"), word(4, "OPEN")]
        assert flips(before, after) == [
            ("EXIT", True, "recognition"),
            ("PUSH", True, "detection"),
            ("OPEN", False, "detection"),
        ]
        # The other way round, what was lost is gained, for the same reason.
        assert flips(after, before) == [
            ("EXIT", False, "recognition"),
            ("PUSH", False, "detection"),
            ("OPEN", True, "detection"),
        ]

    def test_a_region_found_elsewhere_is_not_found(self) -> None:
        assert flips([word(0, "EXIT")], [word(0, "EXIT", left=60)]) == [("EXIT", True, "detection")]

    def test_what_both_read_right_or_both_read_wrong_does_not_flip(self) -> None:
        assert flips([word(0, "EXIT"), word(1, "PULL")], [word(0, "exit"), word(1, "POSH")]) == []

    def test_letter_case_counts_where_the_scoring_says_so(self) -> None:
        assert flips([word(0, "EXIT")], [word(0, "exit")], Scoring(case_sensitive=True)) == [
            ("EXIT", True, "recognition")
        ]

    def test_dont_care_regions_and_those_without_a_text_cannot_flip(self) -> None:
        assert flips([word(2, "###"), word(3, "")], []) == []

    def test_an_image_that_one_side_skipped_is_left_out(self) -> None:
        assert find_flips({"a.png": [word(0, "EXIT")]}, {}, EXPECTED, Scoring()) == ()

    def test_the_region_is_named_by_its_place_in_the_ground_truth(self) -> None:
        (flip,) = find_flips({"a.png": [word(4, "OPEN")]}, {"a.png": []}, EXPECTED, Scoring())
        assert (flip.sample_id, flip.number, flip.after) == ("a.png", 4, None)

    def test_as_words_they_have_an_empty_text_where_nothing_was_found(self) -> None:
        before, after = {"a.png": [word(0, "EXIT"), word(1, "PUSH")]}, {"a.png": [word(0, "EX1T")]}
        expected = (("a.png", "EXIT", "EXIT", "EX1T"), ("a.png", "PUSH", "PUSH", ""))
        assert flipped_words(before, after, EXPECTED, Scoring()) == expected


class TestAgreement:
    def test_it_counts_boxes_and_texts_over_images(self) -> None:
        before = {"a": [word(0, "EXIT"), word(1, "PUSH"), word(2, "IN")], "b": [word(0, "OUT")], "c": [word(0, "x")]}
        after = {"a": [word(0, "EXIT"), word(1, "push"), word(5, "IN"), word(6, "")], "b": [word(0, "OUT")]}
        found = agreement(before, after)
        assert found == Agreement(images=2, images_alike=1, regions_before=4, regions_after=5, matched=3, same_text=2)
        assert (found.box_share, found.text_share) == (pytest.approx(3 / 5), pytest.approx(2 / 5))

    def test_an_image_in_which_a_region_is_missing_is_not_alike(self) -> None:
        found = agreement({"a": [word(0, "EXIT"), word(1, "PUSH")]}, {"a": [word(0, "EXIT")]})
        assert (found.images_alike, found.text_share) == (0, 1.0)

    def test_the_threshold_is_that_of_the_scoring(self) -> None:
        # 70 of 130 pixels' width are shared.
        before, after = {"a": [word(0, "EXIT")]}, {"a": [word(0, "EXIT", left=30)]}
        assert agreement(before, after, 0.5).matched == 1
        assert agreement(before, after, 0.6).matched == 0

    def test_finding_nothing_has_no_share(self) -> None:
        found = agreement({"a": [word(0, "EXIT")]}, {"a": []})
        assert (found.box_share, found.text_share, found.images_alike) == (None, None, 0)
        assert agreement({"a": []}, {"a": []}).images_alike == 1
