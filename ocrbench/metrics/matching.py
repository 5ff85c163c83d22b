"""Pairing predictions with the ground truth by the IoU protocol of ICDAR 2015 (Challenge 4, Task 1).

The reference is the organisers' ``script.py`` (https://rrc.cvc.uab.es/?ch=4&com=tasks). It reads whole
pixels; fractions of a pixel are kept here, so round the corners beforehand to repeat a submission to the
last digit. The one other difference: an outline that crosses itself counts with the area of all its parts,
where the script subtracts parts of opposite orientation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocrbench.geometry import intersection_areas, polygon_areas
from ocrbench.records import Region

DONT_CARE_OVERLAP = 0.5
# Share of the smaller of two regions that the other one must cover for both to concern the same text. Boxes of
# neighbouring words overlap by less.
NEAR_OVERLAP = 0.2


@dataclass(frozen=True, kw_only=True)
class Matching:
    """One image's predictions paired with its ground truth.

    Attributes:
        predicted: Predictions, in the order of matching.
        expected: Ground truth, in the order of matching.
        pairs: (index into ``predicted``, index into ``expected``) of each match; each index occurs at most
            once.
        predicted_ignored: Predictions that lie on a don't-care region.
        expected_ignored: The don't-care regions.
        near: (index into ``predicted``, index into ``expected``) of all that overlap by more than
            ``NEAR_OVERLAP`` of the smaller one, whether they match or not, without don't-care regions; those
            that share most come first. It does not affect the scores, but shows why a region was not matched.
    """

    predicted: tuple[Region, ...]
    expected: tuple[Region, ...]
    pairs: tuple[tuple[int, int], ...]
    predicted_ignored: frozenset[int]
    expected_ignored: frozenset[int]
    near: tuple[tuple[int, int], ...] = ()

    @property
    def predicted_count(self) -> int:
        """Number of predictions that count."""
        return len(self.predicted) - len(self.predicted_ignored)

    @property
    def expected_count(self) -> int:
        """Number of regions to be found."""
        return len(self.expected) - len(self.expected_ignored)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The (predicted, expected) transcriptions of the matched pairs."""
        return [(self.predicted[p].text, self.expected[e].text) for p, e in self.pairs]


def match(predicted: Sequence[Region], expected: Sequence[Region], iou_threshold: float = 0.5) -> Matching:
    """Pair predictions with the ground truth of the same image.

    A prediction is ignored if more than half of its own area lies on a single don't-care region. The rest
    are matched one to one in the order of the ground truth and then of the predictions: the first pair whose IoU
    exceeds the threshold counts, not the best one. The order of both lists therefore matters.

    >>> from ocrbench.geometry import rectangle
    >>> word = Region(polygon=rectangle(0, 0, 40, 10))
    >>> blur = Region(polygon=rectangle(0, 50, 40, 10), ignore=True)
    >>> matching = match([Region(polygon=rectangle(0, 50, 20, 10)), word], [word, blur])
    >>> matching.pairs, matching.predicted_count, matching.expected_count
    (((1, 0),), 1, 1)
    """
    found = [region.polygon for region in predicted]
    truth = [region.polygon for region in expected]
    shared = intersection_areas(found, truth)
    found_areas = polygon_areas(found)[:, None]
    truth_areas = polygon_areas(truth)[None, :]
    unions = found_areas + truth_areas - shared
    dont_care = np.array([region.ignore for region in expected], dtype=bool)
    ignored = np.any(_ratio(shared[:, dont_care], found_areas) > DONT_CARE_OVERLAP, axis=1)
    close = (_ratio(shared, unions) > iou_threshold) & ~ignored[:, None] & ~dont_care
    return Matching(
        predicted=tuple(predicted),
        expected=tuple(expected),
        pairs=_first_come(close),
        predicted_ignored=frozenset(np.flatnonzero(ignored).tolist()),
        expected_ignored=frozenset(np.flatnonzero(dont_care).tolist()),
        near=_near(shared, np.minimum(found_areas, truth_areas), dont_care),
    )


def _ratio(parts: NDArray[np.float64], wholes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; 0 ÷ 0 is 0, as in the official script."""
    wholes = np.broadcast_to(wholes, parts.shape)
    return np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)


def _near(
    shared: NDArray[np.float64], smaller: NDArray[np.float64], dont_care: NDArray[np.bool_]
) -> tuple[tuple[int, int], ...]:
    pairs = np.argwhere((_ratio(shared, smaller) > NEAR_OVERLAP) & ~dont_care)
    order = np.argsort(-shared[tuple(pairs.T)], kind="stable")
    return tuple((p, e) for p, e in pairs[order].tolist())


def _first_come(close: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Take each pair whose two members are still free, by expected and then by predicted index."""
    partner: dict[int, int] = {}
    taken = set()
    for e, p in np.argwhere(close.T).tolist():
        if p not in partner and e not in taken:
            partner[p] = e
            taken.add(e)
    return tuple(partner.items())
