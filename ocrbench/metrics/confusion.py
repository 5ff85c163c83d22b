"""Confused characters: the edits behind the character error rate."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from ocrbench.config.schema import Scoring
from ocrbench.metrics.recognition import fold

# Expected and read character; an empty text stands for none, where a character was inserted or left out.
Confusion = tuple[str, str]
NONE = ""


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
