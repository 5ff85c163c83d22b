"""Region by region: regions that only one of two sides read right, and the agreement of two sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ocrbench.config.schema import Scoring
from ocrbench.metrics.matching import match
from ocrbench.metrics.recognition import texts_equal
from ocrbench.records import Region

# Sample id → regions.
Found = Mapping[str, Sequence[Region]]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A region of the ground truth that only one side got right.

    Attributes:
        number: Index of the region in its sample's ground truth.
        before: Region that A found there; None if none matches.
        after: Region that B found there; None if none matches.
        lost: Whether A was right and B is wrong, rather than the reverse.
    """

    sample_id: str
    number: int
    expected: Region
    before: Region | None
    after: Region | None
    lost: bool

    @property
    def cause(self) -> Literal["detection", "recognition"]:
        """The stage in which the wrong side failed: no region matches, or its text differs."""
        wrong = self.after if self.lost else self.before
        return "detection" if wrong is None else "recognition"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The agreement of A and B, regardless of the ground truth; summed over images.

    Attributes:
        images: Number of images that both sides read.
        images_alike: Number of these in which every region has a match with the same text.
        regions_before: Number of regions of A.
        regions_after: Number of regions of B.
        matched: Number of pairs of regions in the same place, one to one.
        same_text: Number of these pairs with the same text, including letter case.
    """

    images: int
    images_alike: int
    regions_before: int
    regions_after: int
    matched: int
    same_text: int

    @property
    def box_share(self) -> float | None:
        """The share of B's regions that match one of A's; None if B found nothing."""
        return self.matched / self.regions_after if self.regions_after else None

    @property
    def text_share(self) -> float | None:
        """The share of B's regions that match one of A's and have its text; None if B found nothing."""
        return self.same_text / self.regions_after if self.regions_after else None


def find_flips(before: Found, after: Found, expected: Found, scoring: Scoring) -> tuple[Flip, ...]:
    """List the regions that only one side read right, in the images that both sides read.

    Args:
        before: Sample id → A's regions.
        after: Sample id → B's regions.
        expected: Sample id → ground truth; don't-care regions and those without a text do not count.
        scoring: Rule by which predictions are compared with it.
    """
    return tuple(
        flip
        for sample_id in before
        if sample_id in after
        for flip in _flips_of(sample_id, (before[sample_id], after[sample_id]), expected[sample_id], scoring)
    )


def agreement(before: Found, after: Found, iou_threshold: float = 0.5) -> Agreement:
    """Count the regions that two sides share, over the images that both read.

    Args:
        before: Sample id → A's regions.
        after: Sample id → B's regions.
        iou_threshold: Overlap, as intersection over union, above which two regions are in the same place.
    """
    shared = [sample_id for sample_id in before if sample_id in after]
    matchings = [match(after[sample_id], before[sample_id], iou_threshold) for sample_id in shared]
    same = [sum(one == other for one, other in matching.texts) for matching in matchings]
    return Agreement(
        images=len(shared),
        images_alike=sum(
            len(matching.predicted) == len(matching.expected) == count
            for matching, count in zip(matchings, same, strict=True)
        ),
        regions_before=sum(len(matching.expected) for matching in matchings),
        regions_after=sum(len(matching.predicted) for matching in matchings),
        matched=sum(len(matching.pairs) for matching in matchings),
        same_text=sum(same),
    )


def _flips_of(
    sample_id: str, sides: tuple[Sequence[Region], Sequence[Region]], expected: Sequence[Region], scoring: Scoring
) -> list[Flip]:
    one, other = (_matched(side, expected, scoring.iou_threshold) for side in sides)
    flips = []
    for number, region in enumerate(expected):
        if region.ignore or not region.text:
            continue
        before, after = one.get(number), other.get(number)
        right, still_right = (
            found is not None and bool(found.text) and texts_equal(found.text, region.text, scoring)
            for found in (before, after)
        )
        if right != still_right:
            flip = Flip(sample_id=sample_id, number=number, expected=region, before=before, after=after, lost=right)
            flips.append(flip)
    return flips


def _matched(predicted: Sequence[Region], expected: Sequence[Region], iou_threshold: float) -> dict[int, Region]:
    return {number: predicted[found] for found, number in match(predicted, expected, iou_threshold).pairs}
