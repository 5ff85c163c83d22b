"""Detection and recognition together, as in the ICDAR 2015 Robust Reading Competition, Challenge 4, Task 4.

The matching is that of detection; a matched pair is correct if its texts are equal as well. A match with a
wrong text uses up both regions. The organisers score with ``edge_punctuation="optional"``.

Beyond the official script, whose ground truth always has a text: an expected region without one (its
transcription is unknown) neither counts itself nor the prediction matched with it.
"""

from ocrbench.metrics.detection import Matching
from ocrbench.metrics.recognition import word_accuracy
from ocrbench.metrics.text import TextRule
from ocrbench.records import Tally


def precision(matching: Matching, rule: TextRule) -> Tally:
    """Count the predictions that are in place and read right."""
    unknown = sum(not expected for _, expected in matching.texts)
    return Tally(numerator=_correct(matching, rule), denominator=matching.predicted_count - unknown)


def recall(matching: Matching, rule: TextRule) -> Tally:
    """Count the regions of the ground truth that are found and read right."""
    known = sum(bool(region.text) and not region.ignore for region in matching.expected)
    return Tally(numerator=_correct(matching, rule), denominator=known)


def _correct(matching: Matching, rule: TextRule) -> float:
    return word_accuracy(matching.texts, rule).numerator
