"""Whether images that are read again are read the same."""

from collections.abc import Iterable, Mapping

from ocrbench.records import Score

REPEATABILITY = "repeatability"
# Below it something is wrong. Above, networks compiled for one shape, or on another device, may round otherwise.
LEAST_REPEATABILITY = 0.95


def repeatability(reread: Mapping[str, bool]) -> list[Score]:
    """Return the share of images that were always read the same; no score where none was read more than once.

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
    """Say how many images were read otherwise the next time, if that is more than rounding explains; empty if not.

    >>> unrepeatable(repeatability({"a": True, "b": False}))
    '1 of 2 images were read otherwise the next time; the accuracy is that of the first'
    """
    for score in scores:
        if score.metric == REPEATABILITY and score.value < LEAST_REPEATABILITY:
            others = round(score.n * (1 - score.value))
            return f"{others} of {score.n} images were read otherwise the next time; the accuracy is that of the first"
    return ""
