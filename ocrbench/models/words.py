"""Cut a line that was read into words, each with its own polygon, text and confidence."""

import statistics
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from unicodedata import east_asian_width

from ocrbench.config.schema import Cutting
from ocrbench.geometry import cut
from ocrbench.models.interface import Characters, Reading
from ocrbench.records import Image, Region

# Distance that a word extends beyond the middles of its outer characters, in character distances; found on the training
# images of ICDAR 2015.
MARGIN = 0.5
# Usual distance between characters, in heights of the line, for lines with too few characters to measure it.
DEFAULT_PITCH = 0.5
ENOUGH = 2


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of a line.

    Attributes:
        confidence: Mean confidence of its characters.
        left: Left end, as a share of the line's width.
        right: Right end, as a share of the line's width.
    """

    text: str
    confidence: float
    left: float
    right: float


def pieces(region: Region, crop: Image, reading: Reading, cutting: Cutting) -> list[Region]:
    """Put the text into the region, or into one region per word, trimmed above and below.

    Args:
        region: Region of the crop in the image.
        crop: Upright picture that was read.
        reading: Text of the crop.
        cutting: How to cut it. A reading without positions of its characters stays whole.
    """
    if cutting.words is None or reading.characters is None:
        polygon = cut(region.polygon, [(0.0, 1.0)], cutting.trim)[0] if cutting.trim else region.polygon
        return [replace(region, polygon=polygon, text=reading.text, confidence=reading.confidence)]
    words = split(reading.characters, crop.shape[1] / crop.shape[0], cutting.words.gap)
    polygons = cut(region.polygon, [(word.left, word.right) for word in words], cutting.trim)
    return [
        replace(region, polygon=polygon, text=word.text, confidence=word.confidence)
        for polygon, word in zip(polygons, words, strict=True)
    ]


def split(characters: Characters, aspect: float, gap: float | None) -> list[Word]:
    """Split a line at its spaces, and at gaps as wide as a space where none was read.

    A recognizer marks the approximate middle of each character. A word therefore extends about half a character beyond
    the middles of its first and last characters, but not beyond the line or into the next word.

    Args:
        characters: Characters and their positions.
        aspect: Width ÷ height of the line.
        gap: As in ``Words``.

    Returns:
        The words from left to right; none for a line of spaces.
    """
    visible = [index for index, symbol in enumerate(characters.symbols) if not symbol.isspace()]
    if not visible:
        return []
    centres: list[float] = (characters.centres * aspect).tolist()
    joined = [(a, b) for a, b in pairwise(visible) if b == a + 1]
    pitch = _usual_distance([centres[b] - centres[a] for a, b in joined])
    apart = _gaps(characters, centres, joined, gap * pitch) if gap is not None else set()
    groups = _groups(visible, {b for a, b in pairwise(visible) if b > a + 1} | apart)
    ends = _ends(centres, groups, pitch, aspect)
    return [
        Word(
            text="".join(characters.symbols[index] for index in group),
            confidence=round(float(characters.confidences[group].mean()), 6),
            left=left / aspect,
            right=right / aspect,
        )
        for group, (left, right) in zip(groups, ends, strict=True)
    ]


def _usual_distance(distances: Sequence[float]) -> float:
    """Return the median distance between neighbouring characters, in heights of the line."""
    return statistics.median(distances) if len(distances) >= ENOUGH else DEFAULT_PITCH


def _gaps(
    characters: Characters, centres: Sequence[float], joined: Sequence[tuple[int, int]], limit: float
) -> set[int]:
    """Find the characters that follow a gap, although no space was read.

    Scripts without spaces between words are left alone: their characters are wide.
    """
    wide = [east_asian_width(symbol[0]) in "WF" for symbol in characters.symbols]
    return {b for a, b in joined if centres[b] - centres[a] > limit and not (wide[a] or wide[b])}


def _groups(visible: Sequence[int], begins: Set[int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for index in visible:
        if not groups or index in begins:
            groups.append([])
        groups[-1].append(index)
    return groups


def _ends(
    centres: Sequence[float], groups: Sequence[Sequence[int]], usual: float, whole: float
) -> list[tuple[float, float]]:
    """Return the beginning and the end of each word, in heights of the line.

    Args:
        centres: Middles of the characters, in heights of the line.
        groups: Characters of each word.
        usual: Usual distance between characters.
        whole: Width of the line.
    """
    reaches = [MARGIN * _own_distance(centres, group, usual) for group in groups]
    firsts, lasts = ([centres[group[place]] for group in groups] for place in (0, -1))
    borders = [0.0, *((last + first) / 2 for last, first in zip(lasts[:-1], firsts[1:], strict=True)), whole]
    return [
        (max(first - reach, before), min(last + reach, after))
        for first, last, reach, (before, after) in zip(firsts, lasts, reaches, pairwise(borders), strict=True)
    ]


def _own_distance(centres: Sequence[float], group: Sequence[int], usual: float) -> float:
    """Return the mean distance between a word's characters; the usual one for a single character."""
    return (centres[group[-1]] - centres[group[0]]) / (len(group) - 1) if len(group) > 1 else usual
