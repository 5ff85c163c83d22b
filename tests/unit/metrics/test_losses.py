"""Every word and every prediction is in exactly one kind, and the kinds add up to the scores."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbench.config.schema import Scoring
from ocrbench.geometry import rectangle
from ocrbench.metrics.losses import (
    HEIGHTS_PX,
    KINDS,
    LENGTHS,
    Kind,
    by_folder,
    by_height,
    by_length,
    confusions,
    count,
    fates,
    label,
    matrix,
    spurious,
    top,
)
from ocrbench.metrics.matching import match
from ocrbench.metrics.recognition import character_error_rate
from ocrbench.metrics.scoring import tallies
from ocrbench.records import Region

RULE = Scoring()


def region(left: float, width: float, text: str = "EXIT", *, top: float = 0, ignore: bool = False) -> Region:
    return Region(polygon=rectangle(left, top, width, 10), text=text, ignore=ignore)


def kinds(predicted: list[Region], expected: list[Region]) -> list[str]:
    return [fate.kind for fate in fates(match(predicted, expected), RULE)]


@pytest.mark.parametrize(
    ("predicted", "kind"),
    [
        ([region(0, 100)], "right"),
        ([region(0, 100, "exit")], "right"),
        ([region(0, 100, "EX1T")], "misread"),
        ([region(0, 100, "")], "misread"),
        ([], "missed"),
        ([region(0, 100, top=50)], "missed"),
        # Too short, with the right text and with another.
        ([region(0, 40)], "displaced"),
        ([region(0, 40, "EX")], "cut"),
        # Two halves.
        ([region(0, 45, "EX"), region(50, 45, "IT")], "cut"),
        # One box over a whole line.
        ([region(-150, 400, "THE EXIT IS HERE")], "cut"),
        # A neighbour's box grazes it.
        ([region(-200, 205, "NORTH")], "missed"),
    ],
)
def test_a_word_is_lost_for_one_reason(predicted: list[Region], kind: str) -> None:
    assert kinds(predicted, [region(0, 100)]) == [kind]


def test_a_word_whose_text_nobody_knows_is_only_found() -> None:
    assert kinds([region(0, 100)], [region(0, 100, "")]) == ["unknown"]
    assert kinds([region(0, 40, "")], [region(0, 100, "")]) == ["cut"]


def test_the_neighbour_of_a_word_that_took_the_box_is_cut_badly() -> None:
    line = [region(0, 150, "LONGER")]
    assert kinds(line, [region(0, 100, "LONGER"), region(110, 40, "LONGER")]) == ["right", "cut"]


def test_dont_care_regions_have_no_fate() -> None:
    matching = match([region(0, 100), region(200, 100)], [region(200, 100, ignore=True), region(0, 100)])
    assert [(fate.number, fate.kind, fate.predicted) for fate in fates(matching, RULE)] == [(1, "right", 0)]
    assert spurious(matching) == []


def test_a_loss_names_the_prediction_that_explains_it_best() -> None:
    matching = match([region(0, 30, "E"), region(30, 45, "XI")], [region(0, 100)])
    assert [(fate.kind, fate.predicted) for fate in fates(matching, RULE)] == [("cut", 1)]


def test_predictions_too_much_lie_on_words_or_elsewhere() -> None:
    predicted = [region(0, 100), region(0, 40, "EX"), region(0, 100, "?", top=50)]
    found = spurious(match(predicted, [region(0, 100)]))
    assert [(each.number, each.kind) for each in found] == [(1, "ill_fitting"), (2, "false_alarm")]


TEXTS = st.sampled_from(["", "A", "a", "EXIT", "EX1T", "!"])
BOXES = st.builds(
    rectangle, st.integers(0, 40), st.integers(0, 20), st.integers(0, 40).map(float), st.integers(1, 20).map(float)
)
PREDICTED = st.lists(st.builds(Region, polygon=BOXES, text=TEXTS), max_size=8)
EXPECTED = st.lists(st.builds(Region, polygon=BOXES, text=TEXTS, ignore=st.booleans()), max_size=8)


@given(predicted=PREDICTED, expected=EXPECTED, threshold=st.sampled_from([0.1, 0.5, 0.9]))
def test_the_kinds_add_up_to_the_scores(predicted: list[Region], expected: list[Region], threshold: float) -> None:
    matching = match(predicted, expected, threshold)
    scored = tallies(predicted, expected, Scoring(iou_threshold=threshold))
    words = fates(matching, RULE)
    number = count(fate.kind for fate in words)
    found = number["right"] + number["misread"] + number["unknown"]
    known = [fate for fate in words if expected[fate.number].text]
    assert [fate.number for fate in words] == [n for n, word in enumerate(expected) if not word.ignore]
    assert (found, len(words)) == (scored["det_recall"].numerator, scored["det_recall"].denominator)
    assert (number["right"], len(known)) == (scored["e2e_recall"].numerator, scored["e2e_recall"].denominator)
    assert number["right"] + number["misread"] == scored["rec_word_accuracy"].denominator
    extra = Counter(each.kind for each in spurious(matching))
    assert found + extra.total() == scored["det_precision"].denominator
    # A prediction that explains a loss is one of the list, and no word is matched twice.
    matched = [fate.predicted for fate in words if fate.kind in ("right", "misread", "unknown")]
    assert len(set(matched)) == len(matched)
    assert all((fate.predicted is None) == (fate.kind == "missed") for fate in words)


Word = tuple[str, Region, Kind]


def word(text: str = "A", height: float = 10, width: float = 100, kind: Kind = "right", name: str = "a.jpg") -> Word:
    return (name, Region(polygon=rectangle(0, 0, width, height), text=text), kind)


def totals(groups: dict[str, dict[Kind, int]]) -> dict[str, int]:
    return {name: sum(kinds.values()) for name, kinds in groups.items()}


def test_groups_of_heights_have_whole_pixels_as_bounds() -> None:
    assert totals(by_height([word(height=h) for h in (7, 8, 11, 12, 100)])) == {
        "1–7": 1, "8–11": 2, "12–15": 1, "64 and more": 1
    }  # fmt: skip


def test_text_from_the_top_down_is_as_high_as_it_is_wide() -> None:
    assert list(by_height([word(height=200, width=20)])) == ["16–23"]


def test_groups_of_lengths() -> None:
    words = [word(text="A" * length) for length in (1, 2, 5, 6, 30)]
    assert totals(by_length([*words, word(text="")])) == {"1": 1, "2": 1, "5–6": 2, "30 and more": 1}


def test_folders_are_told_apart_where_there_are_several() -> None:
    assert by_folder([word(name="a/1.jpg"), word(name="a/2.jpg")]) == {}
    assert totals(by_folder([word(name="b/1.jpg"), word(name="a/x/1.jpg"), word(name="b/2.jpg")])) == {"a/x": 1, "b": 2}


def test_kinds_are_counted_in_each_group() -> None:
    (kinds,) = by_length([word(kind="cut"), word(kind="cut"), word(kind="right")]).values()
    assert {kind: number for kind, number in kinds.items() if number} == {"right": 1, "cut": 2}


WORDS = st.lists(
    st.builds(
        word,
        text=st.text(max_size=40),
        height=st.floats(0.5, 200),
        width=st.floats(0.5, 200),
        kind=st.sampled_from(list(KINDS)),
        name=st.sampled_from(["a.jpg", "x/a.jpg", "y/z/a.jpg"]),
    )
)


@given(words=WORDS)
def test_every_word_is_in_one_group(words: list[Word]) -> None:
    assert sum(totals(by_height(words)).values()) == len(words)
    assert sum(totals(by_length(words)).values()) == sum(bool(region.text) for _, region, _ in words)
    assert sum(totals(by_folder(words)).values()) in (0, len(words))


def test_labels_leave_no_gap() -> None:
    for ends in (HEIGHTS_PX, LENGTHS):
        names = [label(group, ends) for group in range(len(ends) + 1)]
        firsts = [int(name.replace("–", " ").split()[0]) for name in names]
        assert firsts == [1, *(end + 1 for end in ends)]


CASED = Scoring(case_sensitive=True)


def test_a_character_is_replaced_left_out_or_put_in() -> None:
    assert dict(confusions([("R0AD", "ROAD")], CASED)) == {("R", "R"): 1, ("O", "0"): 1, ("A", "A"): 1, ("D", "D"): 1}
    assert dict(confusions([("AB", "ABC")], CASED)) == {("A", "A"): 1, ("B", "B"): 1, ("C", ""): 1}
    assert dict(confusions([("xAB", "AB")], CASED)) == {("", "x"): 1, ("A", "A"): 1, ("B", "B"): 1}
    assert dict(confusions([("", "AB")], CASED)) == {("A", ""): 1, ("B", ""): 1}


def test_letter_case_follows_the_rule_and_unknown_texts_do_not_count() -> None:
    assert dict(confusions([("a", "A"), ("noise", "")], Scoring())) == {("A", "A"): 1}
    assert dict(confusions([("a", "A")], CASED)) == {("A", "a"): 1}


def test_the_most_frequent_errors_come_first() -> None:
    found = confusions([("0", "O")] * 3 + [("1", "I")] * 2 + [("O", "O")] * 9, CASED)
    assert top(found, 5) == [(("O", "0"), 3), (("I", "1"), 2)]
    assert top(found, 1) == [(("O", "0"), 3)]


def test_the_matrix_has_what_was_read_right_beside_the_errors() -> None:
    found = confusions([("0", "O")] * 3 + [("O", "O")] * 9 + [("A", "A")] * 50 + [("x", "xY"), ("xZ", "x")], CASED)
    shown = matrix(found, 4)
    assert list(shown.expected) == ["O", "Y", ""]
    assert list(shown.read) == ["0", "O", "Z", ""]
    assert list(shown.counts) == [[3, 9, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]


def test_no_errors_make_an_empty_matrix() -> None:
    shown = matrix(confusions([("A", "A")], CASED), 4)
    assert (list(shown.expected), list(shown.read), list(shown.counts)) == ([], [], [])


READ_TEXTS = st.text(alphabet="aAbBßI1 é\u0301", max_size=8)


@given(pairs=st.lists(st.tuples(READ_TEXTS, READ_TEXTS), max_size=6), case_sensitive=st.booleans())
def test_they_add_up_to_the_character_error_rate(pairs: list[tuple[str, str]], case_sensitive: bool) -> None:
    rule = Scoring(case_sensitive=case_sensitive)
    found = confusions(pairs, rule)
    scored = character_error_rate(pairs, rule)
    assert sum(number for (one, other), number in found.items() if one != other) == scored.numerator
    assert sum(number for (one, _), number in found.items() if one) == scored.denominator
    assert ("", "") not in found


@given(pairs=st.lists(st.tuples(READ_TEXTS, READ_TEXTS), max_size=6), size=st.integers(1, 20))
def test_the_matrix_shows_true_counts(pairs: list[tuple[str, str]], size: int) -> None:
    found = confusions(pairs, CASED)
    shown = matrix(found, size)
    assert len(shown.expected) <= size
    for one, row in zip(shown.expected, shown.counts, strict=True):
        assert list(row) == [found[(one, other)] for other in shown.read]
