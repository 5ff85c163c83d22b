"""The interface of a scorer: from one image's regions and the rule to named tallies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ocrbench.config.schema import Scoring
from ocrbench.records import Region, Tally


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A measure of accuracy, which becomes a column of every table.

    Attributes:
        name: Name of the column.
        stage: What it judges: ``detection``, ``recognition`` or ``end_to_end``.
        meaning: What it measures, in one sentence without a full stop.
        heading: Name for people, as on the axis of a diagram.
        unit: Unit of the divided value.
        decimals: Number of decimals in a table.
        higher_is_better: Whether more is better.
        shown: Which tables for people show it: ``always`` all, ``detail`` those with few runs, ``files`` none.
        recall: Name of the metric whose denominator counts the ground truth, for a metric that could be computed
            without any. Where there is ground truth but nothing to divide by, such a metric is 0; where there is no
            ground truth, it is undefined.
        words: Name of the metric whose denominator counts the words behind this one; by default that of ``recall``,
            or its own.
    """

    name: str
    stage: str
    meaning: str
    heading: str = ""
    unit: str = "ratio"
    decimals: int = 3
    higher_is_better: bool = True
    shown: Literal["always", "detail", "files"] = "files"
    recall: str | None = None
    words: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A protocol for comparing predictions with the ground truth.

    Attributes:
        metrics: The metrics that the scorer computes, in the order of the tables.
        tally: Counts every metric in one image, given its predicted regions, its expected regions and the rule. A
            scorer may do its own matching. Tallies are summed over images and divided once.
    """

    metrics: tuple[Metric, ...]
    tally: Callable[[Sequence[Region], Sequence[Region], Scoring], Mapping[str, Tally]]
