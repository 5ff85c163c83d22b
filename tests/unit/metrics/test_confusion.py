"""Confused characters: aligned by hand, and adding up to the character error rate."""

from hypothesis import given
from hypothesis import strategies as st

from ocrbench.config.schema import Scoring
from ocrbench.metrics.confusion import confusions, matrix, top
from ocrbench.metrics.recognition import character_error_rate

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


TEXTS = st.text(alphabet="aAbBßI1 é\u0301", max_size=8)


@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=6), case_sensitive=st.booleans())
def test_they_add_up_to_the_character_error_rate(pairs: list[tuple[str, str]], case_sensitive: bool) -> None:
    rule = Scoring(case_sensitive=case_sensitive)
    found = confusions(pairs, rule)
    scored = character_error_rate(pairs, rule)
    assert sum(number for (one, other), number in found.items() if one != other) == scored.numerator
    assert sum(number for (one, _), number in found.items() if one) == scored.denominator
    assert ("", "") not in found


@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=6), size=st.integers(1, 20))
def test_the_matrix_shows_true_counts(pairs: list[tuple[str, str]], size: int) -> None:
    found = confusions(pairs, CASED)
    shown = matrix(found, size)
    assert len(shown.expected) <= size
    for one, row in zip(shown.expected, shown.counts, strict=True):
        assert list(row) == [found[(one, other)] for other in shown.read]
