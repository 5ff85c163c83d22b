"""Detection, recognition and both together by the IoU protocol of the ICDAR 2015 Robust Reading Competition.

The organisers' scripts for Challenge 4, Tasks 1 and 4 (https://rrc.cvc.uab.es/?ch=4&com=tasks) are the reference; see
``metrics.matching`` for how regions are paired. End to end, a matched pair is correct if its texts are equal as well; a
match with a wrong text uses up both regions. The organisers score with ``edge_punctuation=optional``.

One case goes beyond the official script, whose ground truth always has a text: an expected region without one (its
transcription is unknown) counts neither itself nor the prediction that matches it.
"""

from collections.abc import Mapping, Sequence

from ocrbench.config.schema import Scoring
from ocrbench.metrics import recognition
from ocrbench.metrics.matching import Matching, match
from ocrbench.metrics.scorers.interface import Metric, Scorer
from ocrbench.records import Region, Tally


def tally(predicted: Sequence[Region], expected: Sequence[Region], scoring: Scoring) -> Mapping[str, Tally]:
    """Count every metric in one image, matching its regions once."""
    matching = match(predicted, expected, scoring.iou_threshold)
    found = {"precision": precision(matching), "recall": recall(matching)}
    read = {"precision": read_precision(matching, scoring), "recall": read_recall(matching, scoring)}
    return {
        **{f"det_{name}": each for name, each in found.items()},
        "det_hmean": hmean(found["precision"], found["recall"]),
        "rec_word_accuracy": recognition.word_accuracy(matching.texts, scoring),
        "rec_cer": recognition.character_error_rate(matching.texts, scoring),
        "rec_1_ned": recognition.one_minus_ned(matching.texts, scoring),
        **{f"e2e_{name}": each for name, each in read.items()},
        "e2e_hmean": hmean(read["precision"], read["recall"]),
    }


def precision(matching: Matching) -> Tally:
    """Count the predictions, and the matched ones among them."""
    return Tally(numerator=len(matching.pairs), denominator=matching.predicted_count)


def recall(matching: Matching) -> Tally:
    """Count the regions of the ground truth, and the found ones among them."""
    return Tally(numerator=len(matching.pairs), denominator=matching.expected_count)


def hmean(precision: Tally, recall: Tally) -> Tally:
    """Combine precision and recall into their harmonic mean, which is a tally too.

    Both have the same numerator, the true positives t; with p predicted and e expected the harmonic mean of
    t/p and t/e is 2t / (p + e).

    >>> hmean(Tally(numerator=2, denominator=4), Tally(numerator=2, denominator=2))
    Tally(numerator=4, denominator=6)
    """
    return precision + recall


def read_precision(matching: Matching, scoring: Scoring) -> Tally:
    """Count the predictions that are in place and read right."""
    unknown = sum(not expected for _, expected in matching.texts)
    return Tally(numerator=_correct(matching, scoring), denominator=matching.predicted_count - unknown)


def read_recall(matching: Matching, scoring: Scoring) -> Tally:
    """Count the regions of the ground truth that are found and read right."""
    known = sum(bool(region.text) and not region.ignore for region in matching.expected)
    return Tally(numerator=_correct(matching, scoring), denominator=known)


def _correct(matching: Matching, scoring: Scoring) -> float:
    return recognition.word_accuracy(matching.texts, scoring).numerator


SCORER = Scorer(
    tally=tally,
    metrics=(
        Metric(
            name="det_precision",
            heading="Detection precision",
            shown="detail",
            stage="detection",
            meaning="share of the predicted regions that match an expected one (IoU above `scoring.iou_threshold`, 0.5 "
            "by default)",
            recall="det_recall",
        ),
        Metric(
            name="det_recall",
            heading="Detection recall",
            shown="detail",
            stage="detection",
            meaning="share of the expected regions that are found",
        ),
        Metric(
            name="det_hmean",
            heading="Detection hmean",
            shown="always",
            stage="detection",
            meaning="harmonic mean of detection precision and recall",
            recall="det_recall",
        ),
        Metric(
            name="rec_word_accuracy",
            heading="Word accuracy of matched regions",
            shown="detail",
            stage="recognition",
            meaning="share of the matched regions whose text is right",
        ),
        Metric(
            name="rec_cer",
            heading="Character error rate of matched regions",
            stage="recognition",
            meaning="character edits per expected character of the matched regions; less is better, can exceed 1",
            higher_is_better=False,
            words="rec_word_accuracy",
        ),
        Metric(
            name="rec_1_ned",
            heading="Similarity of matched regions",
            stage="recognition",
            meaning="mean similarity of predicted and expected text of the matched regions: one minus the normalised "
            "edit distance",
        ),
        Metric(
            name="e2e_precision",
            heading="End-to-end precision",
            stage="end_to_end",
            meaning="share of the predicted regions that are in place and read right",
            recall="e2e_recall",
        ),
        Metric(
            name="e2e_recall",
            heading="End-to-end recall",
            stage="end_to_end",
            meaning="share of the expected regions that are found and read right",
        ),
        Metric(
            name="e2e_hmean",
            heading="End-to-end hmean",
            shown="always",
            stage="end_to_end",
            meaning="harmonic mean of end-to-end precision and recall",
            recall="e2e_recall",
        ),
    ),
)
