"""A match counts only if it is read right."""

from ocrbench.config.schema import Scoring
from ocrbench.geometry import rectangle
from ocrbench.metrics.matching import match
from ocrbench.metrics.scorers.iou import read_precision, read_recall
from ocrbench.records import Region, Tally


def word(row, text, ignore=False, width=40):
    return Region(polygon=rectangle(0, 20 * row, width, 10), text=text, ignore=ignore)


def test_place_and_text_must_both_be_right():
    expected = [word(0, "WAY"), word(1, "OUT"), word(2, "EXIT"), word(3, "###", ignore=True)]
    predicted = [word(0, "way"), word(1, "0UT"), word(3, "blur"), word(4, "nothing")]
    matching = match(predicted, expected)
    assert read_precision(matching, Scoring()) == Tally(numerator=1, denominator=3)
    assert read_recall(matching, Scoring()) == Tally(numerator=1, denominator=3)


def test_a_match_with_a_wrong_text_uses_up_the_region():
    matching = match([word(0, "EX1T", width=30), word(0, "EXIT")], [word(0, "EXIT")])
    assert read_recall(matching, Scoring()) == Tally(numerator=0, denominator=1)
    assert read_precision(matching, Scoring()) == Tally(numerator=0, denominator=2)


def test_letter_case_and_edge_punctuation_follow_the_rule():
    matching = match([word(0, "exit")], [word(0, "EXIT!")])
    assert read_recall(matching, Scoring()).numerator == 0
    assert read_recall(matching, Scoring(edge_punctuation="optional")).numerator == 1
    assert read_recall(matching, Scoring(edge_punctuation="optional", case_sensitive=True)).numerator == 0


def test_an_unknown_transcription_counts_neither_for_nor_against():
    matching = match([word(0, "way"), word(1, "smudge"), word(2, "ghost")], [word(0, "WAY"), word(1, "")])
    assert read_precision(matching, Scoring()) == Tally(numerator=1, denominator=2)
    assert read_recall(matching, Scoring()) == Tally(numerator=1, denominator=1)
