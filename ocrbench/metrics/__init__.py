"""Scores from predictions and ground truth: pure functions and their registry.

Every accuracy metric is a ``Tally`` per image. Tallies are summed over images and divided once, so shards
of a dataset can be merged and images resampled without matching anything again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ocrbench.metrics import detection, end_to_end, recognition
from ocrbench.metrics.detection import Matching
from ocrbench.metrics.text import TextRule
from ocrbench.records import Region, Score, Tally


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A measure of accuracy.

    Attributes:
        name: As in the tables.
        stage: What it judges: ``detection``, ``recognition`` or ``end_to_end``.
        description: One line for people.
        tally: The counts of one image.
        unit: Of the divided value.
        higher_is_better: Which way is up.
        recall: The metric whose denominator counts the ground truth, for metrics that could be computed
            without any: with ground truth but nothing else to count their value is 0, without it they have
            none.
    """

    name: str
    stage: str
    description: str
    tally: Callable[[Matching, TextRule], Tally]
    unit: str = "ratio"
    higher_is_better: bool = True
    recall: str | None = None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="det_precision",
            stage="detection",
            description="share of the predicted regions that match an expected one (IoU above 0.5)",
            tally=lambda matching, _: detection.precision(matching),
            recall="det_recall",
        ),
        Metric(
            name="det_recall",
            stage="detection",
            description="share of the expected regions that are found",
            tally=lambda matching, _: detection.recall(matching),
        ),
        Metric(
            name="det_hmean",
            stage="detection",
            description="harmonic mean of detection precision and recall",
            tally=lambda matching, _: detection.hmean(detection.precision(matching), detection.recall(matching)),
            recall="det_recall",
        ),
        Metric(
            name="rec_word_accuracy",
            stage="recognition",
            description="share of the matched regions whose text is right",
            tally=lambda matching, rule: recognition.word_accuracy(matching.texts, rule),
        ),
        Metric(
            name="rec_cer",
            stage="recognition",
            description="character edits per expected character of the matched regions",
            tally=lambda matching, rule: recognition.character_error_rate(matching.texts, rule),
            higher_is_better=False,
        ),
        Metric(
            name="rec_1_ned",
            stage="recognition",
            description="mean similarity of predicted and expected text of the matched regions",
            tally=lambda matching, rule: recognition.one_minus_ned(matching.texts, rule),
        ),
        Metric(
            name="e2e_precision",
            stage="end_to_end",
            description="share of the predicted regions that are in place and read right",
            tally=end_to_end.precision,
            recall="e2e_recall",
        ),
        Metric(
            name="e2e_recall",
            stage="end_to_end",
            description="share of the expected regions that are found and read right",
            tally=end_to_end.recall,
        ),
        Metric(
            name="e2e_hmean",
            stage="end_to_end",
            description="harmonic mean of end-to-end precision and recall",
            tally=lambda matching, rule: detection.hmean(
                end_to_end.precision(matching, rule), end_to_end.recall(matching, rule)
            ),
            recall="e2e_recall",
        ),
    )
}


def score(
    images: Iterable[tuple[Sequence[Region], Sequence[Region]]], rule: TextRule, iou_threshold: float = 0.5
) -> list[Score]:
    """Compute every metric over a dataset.

    Args:
        images: The (predicted, expected) regions of each image.
        rule: How texts are compared.
        iou_threshold: Overlap, as intersection over union, above which two regions match.

    Returns:
        One score per metric that is defined: none at all where no image has ground truth that counts, none
        of the recognition and end-to-end ones where no transcription is known.
    """
    return to_scores(total(tallies(predicted, expected, rule, iou_threshold) for predicted, expected in images))


def tallies(
    predicted: Sequence[Region], expected: Sequence[Region], rule: TextRule, iou_threshold: float = 0.5
) -> dict[str, Tally]:
    """Count every metric in one image, matching its regions once."""
    matching = detection.match(predicted, expected, iou_threshold)
    return {name: metric.tally(matching, rule) for name, metric in METRICS.items()}


def total(images: Iterable[Mapping[str, Tally]]) -> dict[str, Tally]:
    """Sum the tallies of images, or of shards, by metric.

    >>> shards = [tallies([], [Region(polygon=((0, 0), (9, 0), (9, 9)), text="A")], TextRule())] * 3
    >>> total(shards)["det_recall"]
    Tally(numerator=0, denominator=3)
    """
    totals = dict.fromkeys(METRICS, Tally(numerator=0, denominator=0))
    for image in images:
        totals |= {name: totals[name] + tally for name, tally in image.items()}
    return totals


def value(name: str, totals: Mapping[str, Tally]) -> float | None:
    """Divide a metric's total; None where it is not defined.

    With ground truth but no prediction, precision is 0, as in the official ICDAR 2015 scripts.
    """
    recall = METRICS[name].recall
    if recall is None:
        return totals[name].ratio()
    return (totals[name].ratio() or 0.0) if totals[recall].denominator else None


def to_scores(totals: Mapping[str, Tally]) -> list[Score]:
    """Divide the totals of a dataset; ``n`` is the denominator: regions, words or characters."""
    values = {name: value(name, totals) for name in METRICS}
    return [
        Score(
            stage=METRICS[name].stage,
            metric=name,
            value=divided,
            unit=METRICS[name].unit,
            higher_is_better=METRICS[name].higher_is_better,
            n=int(totals[name].denominator),
        )
        for name, divided in values.items()
        if divided is not None
    ]
