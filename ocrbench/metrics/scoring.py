"""Scoring a dataset: every scorer's tallies, summed over images and divided once.

So shards of a dataset can be merged and images resampled without matching anything again. To add a scorer, write
``metrics/scorers/<name>.py`` and enter it in ``SCORERS``: its metrics are then columns of every table.
"""

from collections.abc import Iterable, Mapping, Sequence

from ocrbench.config.schema import Scoring
from ocrbench.metrics.scorers import iou
from ocrbench.metrics.scorers.interface import Metric, Scorer
from ocrbench.records import Region, Score, Tally

Tallies = Mapping[str, Tally]

SCORERS: tuple[Scorer, ...] = (iou.SCORER,)
METRICS: dict[str, Metric] = {metric.name: metric for scorer in SCORERS for metric in scorer.metrics}


def tallies(predicted: Sequence[Region], expected: Sequence[Region], scoring: Scoring) -> dict[str, Tally]:
    """Count every metric in one image."""
    return {name: each for scorer in SCORERS for name, each in scorer.tally(predicted, expected, scoring).items()}


def total(images: Iterable[Tallies]) -> dict[str, Tally]:
    """Sum the tallies of images, or of shards, by metric.

    >>> shards = [tallies([], [Region(polygon=((0, 0), (9, 0), (9, 9)), text="A")], Scoring())] * 3
    >>> total(shards)["det_recall"]
    Tally(numerator=0, denominator=3)
    """
    totals = dict.fromkeys(METRICS, Tally(numerator=0, denominator=0))
    for image in images:
        totals |= {name: totals[name] + tally for name, tally in image.items()}
    return totals


def value(name: str, totals: Tallies) -> float | None:
    """Divide a metric's total; None where it is not defined.

    With ground truth but no prediction, precision is 0, as in the official ICDAR 2015 scripts.
    """
    recall = METRICS[name].recall
    if recall is None:
        return totals[name].ratio()
    return (totals[name].ratio() or 0.0) if totals[recall].denominator else None


def to_scores(totals: Tallies) -> list[Score]:
    """Divide the totals of a dataset.

    Returns:
        One score per metric that is defined: none at all where no image has ground truth that counts, none of
        recognition and end to end where no transcription is known. ``n`` is the denominator: regions, words or
        characters.
    """
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
