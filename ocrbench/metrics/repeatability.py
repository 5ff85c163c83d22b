"""Whether an image that is read again gives the same text."""

from collections.abc import Iterable, Mapping

from ocrbench.records import Score

REPEATABILITY = "repeatability"
# A lower share means that something is wrong. Networks for single shapes, or on another device, may round differently.
LEAST_REPEATABILITY = 0.95


def repeatability(reread: Mapping[str, bool]) -> list[Score]:
    """Return the share of images that were always read the same; no score if none was read more than once.

    Args:
        reread: Sample id → whether each reading was the same as the first.
    """
    if not reread:
        return []
    share = sum(reread.values()) / len(reread)
    return [
        Score(
            stage="end_to_end",
            metric=REPEATABILITY,
            value=share,
            unit="",
            higher_is_better=True,
            n=len(reread),
        )
    ]


def unrepeatable(scores: Iterable[Score]) -> str:
    """Describe how many images were read differently later, if rounding cannot explain it; else return an empty text.

    >>> unrepeatable(repeatability({"a": True, "b": False}))
    '1 of 2 images were read differently later; the accuracy is that of the first time'
    """
    for score in scores:
        if score.metric == REPEATABILITY and score.value < LEAST_REPEATABILITY:
            others = round(score.n * (1 - score.value))
            return f"{others} of {score.n} images were read differently later; the accuracy is that of the first time"
    return ""
