"""Word accuracy, CER and 1-NED: by hand and against jiwer."""

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbench.config.schema import Scoring
from ocrbench.metrics.recognition import (
    character_error_rate,
    one_minus_ned,
    repeatability,
    text_similarity,
    texts_equal,
    unrepeatable,
    word_accuracy,
)
from ocrbench.records import Tally

EXACT = Scoring(case_sensitive=True)
OFFICIAL = Scoring(edge_punctuation="optional")
words = st.text(alphabet="abAB1é·", min_size=1, max_size=8)
read = st.text(alphabet="abAB1é·", max_size=8)
pair_lists = st.lists(st.tuples(read, words), min_size=1, max_size=8)


def levenshtein(a, b):
    """Wagner and Fischer, straight from the recurrence."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def official_transcription_match(predicted, expected):
    """Read the accepted forms off the description: punctuation may be missing at either end of the truth."""
    special = "!?.:,*\"()·[]/'"
    starts = {0, 1} if expected[0] in special else {0}
    ends = {0, 1} if expected[-1] in special else {0}
    accepted = {expected[start : len(expected) - end] for start in starts for end in ends}
    return predicted in accepted


def test_no_pairs_leave_nothing_to_divide():
    for metric in (word_accuracy, character_error_rate, one_minus_ned):
        assert metric([], EXACT).ratio() is None
        assert metric([("read", "")], EXACT).ratio() is None


def test_long_words_weigh_more_in_cer_but_not_in_1_ned():
    pairs = [("abcd", "abcdefgh"), ("xy", "xy")]
    assert character_error_rate(pairs, EXACT) == Tally(numerator=4, denominator=10)
    assert one_minus_ned(pairs, EXACT) == Tally(numerator=1.5, denominator=2)


def test_cer_can_exceed_one():
    assert character_error_rate([("abcdef", "xy")], EXACT).ratio() == 3


def test_letter_case():
    assert word_accuracy([("Exit", "EXIT")], EXACT) == Tally(numerator=0, denominator=1)
    assert character_error_rate([("Exit", "EXIT")], EXACT) == Tally(numerator=3, denominator=4)
    assert character_error_rate([("Exit", "EXIT")], Scoring()) == Tally(numerator=0, denominator=4)


def test_unicode_is_not_normalised():
    assert not texts_equal("\N{FULLWIDTH LATIN CAPITAL LETTER A}", "A", Scoring())


@pytest.mark.parametrize(
    ("predicted", "expected", "equal"),
    [
        ("exit", "(exit)", True),
        ("(exit", "(exit)", True),
        ("exit", '"exit"', True),
        ("exit", "exit!!", False),
        ("exit!", "exit!!", True),
        ("exit", "ex.it", False),
        ("exit.", "exit", False),
        ("exit", "-exit", False),
        ("", "!", True),
        ("", "?!", True),
    ],
)
def test_edge_punctuation_is_optional_once_at_each_end_of_the_expected_text(predicted, expected, equal):
    assert texts_equal(predicted, expected, OFFICIAL) is equal
    assert not texts_equal(predicted, expected, Scoring())


@given(read, words)
def test_edge_punctuation_as_described_officially(predicted, expected):
    assert texts_equal(predicted, expected, OFFICIAL) == official_transcription_match(
        predicted.upper(), expected.upper()
    )


@settings(max_examples=50, deadline=None)
@given(pair_lists)
def test_word_accuracy_and_cer_agree_with_jiwer(pairs):
    predicted, expected = ([text.upper() for text in side] for side in zip(*pairs, strict=True))
    assert character_error_rate(pairs, Scoring()).ratio() == pytest.approx(jiwer.cer(expected, predicted))
    assert word_accuracy(pairs, Scoring()).ratio() == pytest.approx(1 - jiwer.wer(expected, predicted))


@given(read, words)
def test_similarity_is_one_minus_the_normalised_edit_distance(predicted, expected):
    distance = levenshtein(predicted, expected)
    assert text_similarity(predicted, expected) == pytest.approx(1 - distance / max(len(predicted), len(expected)))
    assert character_error_rate([(predicted, expected)], EXACT).numerator == distance


@settings(max_examples=50, deadline=None)
@given(pair_lists, pair_lists)
def test_tallies_of_split_sets_add_up(some, others):
    for metric in (word_accuracy, character_error_rate, one_minus_ned):
        split, whole = metric(some, EXACT) + metric(others, EXACT), metric(some + others, EXACT)
        assert split.denominator == whole.denominator
        assert split.numerator == pytest.approx(whole.numerator)


@given(st.lists(words, min_size=1))
def test_a_perfect_reading(texts):
    pairs = list(zip(texts, texts, strict=True))
    assert word_accuracy(pairs, EXACT).ratio() == 1
    assert character_error_rate(pairs, EXACT).ratio() == 0
    assert one_minus_ned(pairs, EXACT).ratio() == 1


def reread(same: int, otherwise: int) -> dict[str, bool]:
    return {f"img_{number}.jpg": number < same for number in range(same + otherwise)}


@pytest.mark.parametrize(("same", "otherwise", "share"), [(3, 0, 1.0), (3, 1, 0.75), (0, 2, 0.0)])
def test_it_is_the_share_that_was_always_read_the_same(same: int, otherwise: int, share: float) -> None:
    (score,) = repeatability(reread(same, otherwise))
    assert (score.metric, score.value, score.n, score.higher_is_better) == (
        "repeatability",
        share,
        same + otherwise,
        True,
    )


def test_there_is_none_where_nothing_was_read_twice() -> None:
    assert repeatability({}) == []
    assert not unrepeatable([])


def test_a_few_images_may_be_rounded_otherwise() -> None:
    assert not unrepeatable(repeatability(reread(150, 0)))
    assert not unrepeatable(repeatability(reread(147, 3)))
    assert unrepeatable(repeatability(reread(140, 10))).startswith("10 of 150 images were read differently later")
