"""How much a precision costs in accuracy: one cell against the same cell at FP32."""

from collections.abc import Sequence
from dataclasses import dataclass

from ocrbench.compare.changes import Flipped, accuracy_changes, flipped_words
from ocrbench.config import Scoring
from ocrbench.metrics.paired import Interval
from ocrbench.metrics.text import texts_equal
from ocrbench.store import Outcome

METRIC = "e2e_hmean"
FLIPS_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Drop:
    """What was lost against the reference, over the images that both read.

    Attributes:
        before: The metric of the reference.
        after: The metric of the cell.
        interval: Of ``lost``, paired by image; None where there are too few images.
        words: Those that were right in the reference and are wrong now.
    """

    before: float
    after: float
    interval: Interval | None
    words: tuple[Flipped, ...]

    @property
    def lost(self) -> float:
        """How much lower the cell's metric is; negative where it is better."""
        return self.before - self.after

    def __str__(self) -> str:
        """Say it in one line."""
        words, shown_words = self.words, self.words[:FLIPS_SHOWN]
        shown = "; ".join(f"{sample_id}: {text!r} as {other!r}" for sample_id, text, _, other in shown_words)
        more = f"; and {len(words) - FLIPS_SHOWN} more" if len(words) > FLIPS_SHOWN else ""
        interval = f" [{self.interval.low:.4f}, {self.interval.high:.4f}]" if self.interval else ""
        return (
            f"{METRIC} fell by {self.lost:.4f}{interval} against FP32 "
            f"({self.before:.4f} to {self.after:.4f}); right at FP32 and wrong here: {len(words)} words"
            + (f" ({shown}{more})" if words else "")
        )


def drop(reference: Sequence[Outcome], measured: Sequence[Outcome], scoring: Scoring) -> Drop | None:
    """Compare two runs of the same images.

    Args:
        reference: What the cell read at FP32.
        measured: What it read at its own precision.
        scoring: How both are scored.

    Returns:
        None where the images have no ground truth that counts.
    """
    before = {each.sample_id: each.predicted for each in reference}
    after = {each.sample_id: each.predicted for each in measured}
    expected = {each.sample_id: each.expected for each in measured}
    changes = accuracy_changes(before, after, expected, scoring)
    change = next((each for each in changes if each.metric == METRIC), None)
    if change is None:
        return None
    flipped = flipped_words(before, after, expected, scoring)
    return Drop(
        before=change.before,
        after=change.after,
        interval=change.interval.negated() if change.interval else None,
        words=tuple(each for each in flipped if texts_equal(each[2], each[1], scoring)),
    )
