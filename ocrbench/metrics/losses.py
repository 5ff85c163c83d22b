"""The fate of each word of the ground truth and of each prediction: where accuracy is lost.

The matching is that of the scores, so the counts add up to them: words of kind ``right`` are the numerator of
``e2e_recall``; those, ``misread`` and ``unknown`` are that of ``det_recall``; all kinds are its denominator. The
predictions that match, and the two kinds of spurious ones, are the denominator of ``det_precision``.
"""

import bisect
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rapidfuzz.distance import Levenshtein

from ocrbench.config.schema import Scoring
from ocrbench.geometry import text_height
from ocrbench.metrics.matching import Matching
from ocrbench.metrics.recognition import fold, texts_equal
from ocrbench.records import Polygon, Region

Kind = Literal["right", "unknown", "misread", "displaced", "cut", "missed"]
SpuriousKind = Literal["ill_fitting", "false_alarm"]
# In the order of display, the best first.
KINDS: Mapping[Kind, str] = {
    "right": "found and read right",
    "unknown": "found, but its expected text is unknown",
    "misread": "found, but its text differs",
    "displaced": "a box with its text overlaps it, but does not fit",
    "cut": "a box overlaps it, but does not fit",
    "missed": "no box is near it",
}
SPURIOUS: Mapping[SpuriousKind, str] = {
    "ill_fitting": "overlaps a word without fitting, or is a second one on it",
    "false_alarm": "is on no word",
}
# Last number of each group; one more group has the rest.
HEIGHTS_PX = (7, 11, 15, 23, 31, 47, 63)
LENGTHS = (1, 2, 3, 4, 6, 9, 14, 29)
# Expected and read character; an empty text stands for none, where a character was inserted or left out.
Confusion = tuple[str, str]
NONE = ""


@dataclass(frozen=True, kw_only=True)
class Fate:
    """The fate of a region of the ground truth.

    Attributes:
        number: Index in the matching's ``expected``.
        predicted: Index of the prediction that matches it, or else of the one that explains the loss; None if there is
            none near it.
    """

    number: int
    kind: Kind
    predicted: int | None


@dataclass(frozen=True, kw_only=True)
class Spurious:
    """A prediction that counts and matches nothing."""

    number: int
    kind: SpuriousKind


def fates(matching: Matching, rule: Scoring) -> list[Fate]:
    """Assign exactly one kind to each expected region, in the order of the ground truth.

    A region without a match is ``displaced`` if a prediction near it that matches nothing has its text, ``cut`` if any
    prediction is near it, else ``missed``; see ``Matching.near``.

    >>> from ocrbench.geometry import rectangle
    >>> from ocrbench.metrics.matching import match
    >>> word, part = (Region(polygon=rectangle(0, 0, width, 10), text="EXIT") for width in (40, 15))
    >>> [fate.kind for predicted in ([word], [part], []) for fate in fates(match(predicted, [word]), Scoring())]
    ['right', 'displaced', 'missed']
    """
    partner = {e: p for p, e in matching.pairs}
    near: dict[int, list[int]] = {}
    for p, e in matching.near:
        near.setdefault(e, []).append(p)
    return [
        _fate(number, partner.get(number), near.get(number, []), matching, rule)
        for number in range(len(matching.expected))
        if number not in matching.expected_ignored
    ]


def spurious(matching: Matching) -> list[Spurious]:
    """List the predictions that lower precision, in their order."""
    matched = {p for p, _ in matching.pairs}
    near = {p for p, _ in matching.near}
    return [
        Spurious(number=number, kind="ill_fitting" if number in near else "false_alarm")
        for number in range(len(matching.predicted))
        if number not in matched and number not in matching.predicted_ignored
    ]


def count(kinds: Iterable[Kind]) -> dict[Kind, int]:
    """Count each kind, including those that do not occur.

    >>> count(["cut", "right", "cut"])["cut"]
    2
    """
    totals: dict[Kind, int] = dict.fromkeys(KINDS, 0)
    for kind in kinds:
        totals[kind] += 1
    return totals


def _fate(number: int, matched: int | None, near: list[int], matching: Matching, rule: Scoring) -> Fate:
    expected = matching.expected[number]
    if matched is not None:
        kind: Kind = "right" if _same(matching.predicted[matched], expected, rule) else "misread"
        return Fate(number=number, kind=kind if expected.text else "unknown", predicted=matched)
    taken = {p for p, _ in matching.pairs}
    for p in near:
        if p not in taken and matching.predicted[p].text and _same(matching.predicted[p], expected, rule):
            return Fate(number=number, kind="displaced", predicted=p)
    return Fate(number=number, kind="cut" if near else "missed", predicted=near[0] if near else None)


def _same(predicted: Region, expected: Region, rule: Scoring) -> bool:
    return texts_equal(predicted.text, expected.text, rule)


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


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """The part of a confusion matrix with the most confusions.

    Attributes:
        expected: Characters of the rows, from the ground truth; ``NONE`` for inserted characters.
        read: Characters of the columns, as they were read; ``NONE`` for characters that were left out.
        counts: Counts, row by row.
    """

    expected: Sequence[str]
    read: Sequence[str]
    counts: Sequence[Sequence[int]]


def confusions(pairs: Iterable[tuple[str, str]], rule: Scoring) -> Counter[Confusion]:
    """Count pairs of expected and read characters over (predicted, expected) texts; equal pairs were read right.

    Texts are aligned by their Levenshtein edits. As in the character error rate, pairs whose expected text is empty
    are left out and letter case follows the rule; so the counts of unequal characters add up to its numerator, those
    with an expected character to its denominator.

    >>> sorted(confusions([("EX1T!", "EXIT")], Scoring()).items())
    [(('', '!'), 1), (('E', 'E'), 1), (('I', '1'), 1), (('T', 'T'), 1), (('X', 'X'), 1)]
    """
    found: Counter[Confusion] = Counter()
    for predicted, expected in pairs:
        if expected:
            found.update(_aligned(fold(predicted, rule), fold(expected, rule)))
    return found


def top(found: Mapping[Confusion, int], limit: int) -> list[tuple[Confusion, int]]:
    """List the most frequent errors; ties are in the order of the characters."""
    errors = [(pair, number) for pair, number in found.items() if pair[0] != pair[1]]
    return sorted(errors, key=lambda each: (-each[1], each[0]))[:limit]


def matrix(found: Mapping[Confusion, int], size: int) -> Matrix:
    """Choose the characters with the most errors as rows and columns; the cells of right readings are included.

    >>> shown = matrix({("O", "0"): 3, ("O", "O"): 9, ("I", ""): 1}, 2)
    >>> shown.expected, shown.read, shown.counts
    (['I', 'O'], ['0', 'O', ''], [[0, 0, 1], [3, 9, 0]])
    """
    errors = top(found, len(found))
    rows, columns = (_most_frequent(errors, place, size) for place in (0, 1))
    # Include a row's own character, so that its errors can be compared with right readings.
    columns = sorted({*columns, *(set(rows) & {read for (_, read), _ in found.items()})}, key=_order)
    counts = [[found.get((one, other), 0) for other in columns] for one in rows]
    return Matrix(expected=rows, read=columns, counts=counts)


def _most_frequent(errors: Sequence[tuple[Confusion, int]], place: int, size: int) -> list[str]:
    totals: Counter[str] = Counter()
    for pair, number in errors:
        totals[pair[place]] += number
    chosen = sorted(totals, key=lambda character: (-totals[character], character))[:size]
    return sorted(chosen, key=_order)


def _order(character: str) -> tuple[bool, str]:
    return character == NONE, character


def _aligned(predicted: str, expected: str) -> list[Confusion]:
    if predicted == expected:
        return list(zip(expected, predicted, strict=True))
    pairs: list[Confusion] = []
    for code in Levenshtein.opcodes(expected, predicted):
        # Either one of them is empty, or both have the same length.
        one, other = expected[code.src_start : code.src_end], predicted[code.dest_start : code.dest_end]
        pairs += itertools.zip_longest(one, other, fillvalue=NONE)
    return pairs
