"""Words of the ground truth grouped by height, length, and folder of the image."""

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from ocrbench.geometry import text_height
from ocrbench.metrics.losses import Kind, count
from ocrbench.records import Polygon, Region

# Last number of each group; one more group has the rest.
HEIGHTS_PX = (7, 11, 15, 23, 31, 47, 63)
LENGTHS = (1, 2, 3, 4, 6, 9, 14, 29)
# A word of an image: its sample id, its region, and its fate.
Word = tuple[str, Region, Kind]


def by_height(words: Iterable[Word]) -> dict[str, dict[Kind, int]]:
    """Count by the height of the crop, in pixels."""
    return _grouped(words, HEIGHTS_PX, lambda region: _height(region.polygon))


def by_length(words: Iterable[Word]) -> dict[str, dict[Kind, int]]:
    """Count by the number of characters; words with an unknown text are left out."""
    known = [word for word in words if word[1].text]
    return _grouped(known, LENGTHS, lambda region: len(region.text))


def by_folder(words: Iterable[Word]) -> dict[str, dict[Kind, int]]:
    """Count by the folder of the image; empty if all are in one folder."""
    found: dict[str, list[Kind]] = {}
    for sample_id, _, kind in words:
        found.setdefault(sample_id.rpartition("/")[0], []).append(kind)
    return {name: count(found[name]) for name in sorted(found)} if len(found) > 1 else {}


def label(group: int, ends: Sequence[int]) -> str:
    """Name a group of numbers.

    >>> [label(group, (1, 2, 5)) for group in range(4)]
    ['1', '2', '3–5', '6 and more']
    """
    first = ends[group - 1] + 1 if group else 1
    if group == len(ends):
        return f"{first} and more"
    return str(first) if first == ends[group] else f"{first}–{ends[group]}"


def _grouped(
    words: Iterable[Word], ends: Sequence[int], measure: Callable[[Region], int]
) -> dict[str, dict[Kind, int]]:
    found: Mapping[int, list[Kind]] = {group: [] for group in range(len(ends) + 1)}
    for _, region, kind in words:
        found[bisect.bisect_left(ends, measure(region))].append(kind)
    return {label(group, ends): count(kinds) for group, kinds in found.items() if kinds}


@lru_cache(maxsize=100_000)
def _height(polygon: Polygon) -> int:
    """Measure once the sizes that every run of a dataset needs."""
    return text_height(polygon)
