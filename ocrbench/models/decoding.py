"""From scores to text: decoders that several families share."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ocrbench.models.interface import Characters, Reading


def decode_ctc(
    indices: NDArray[np.integer],
    confidences: NDArray[np.floating],
    alphabet: Sequence[str],
    blank: int = 0,
    used: float | None = None,
    middle: float = 0.5,
) -> Reading:
    """Collapse a greedy CTC path (Graves et al. 2006): merge repeats, then drop blanks.

    Args:
        indices: Best class at each of T steps.
        confidences: Probability of that class.
        alphabet: Class → character.
        blank: Class without a character.
        used: Share of the steps, from the first one on, that see the crop; the others see padding. None omits the
            positions of the characters.
        middle: Point that a step looks at, in steps from the beginning of its part of the input.

    Returns:
        The text, with the mean probability of the steps that are kept; (``""``, 0) if there are none.

    >>> steps = np.array([1, 1, 0, 1, 2])
    >>> reading = decode_ctc(steps, np.array([0.9, 0.8, 1.0, 0.7, 0.8]), ["", "a", "b"], used=1.0)
    >>> reading
    Reading(text='aab', confidence=0.8)
    >>> reading.characters.centres.tolist()
    [0.2, 0.7, 0.9]
    """
    starts = indices != blank
    ends = starts.copy()
    changes = indices[1:] != indices[:-1]
    starts[1:] &= changes
    ends[:-1] &= changes
    reading = _reading(indices[starts], confidences[starts], alphabet)
    if used is None or not starts.any():
        return reading
    steps = (np.flatnonzero(starts) + np.flatnonzero(ends)) / 2
    characters = Characters(
        symbols=tuple(alphabet[index] for index in indices[starts]),
        centres=np.minimum((steps + middle) / (len(indices) * used), 1.0),
        confidences=confidences[starts].copy(),
    )
    return replace(reading, characters=characters)


def decode_until(
    indices: NDArray[np.integer], confidences: NDArray[np.floating], alphabet: Sequence[str], end: int = 0
) -> Reading:
    """Read one character per position up to the end symbol; repeats are kept.

    Args:
        indices: Best class at each position.
        confidences: Probability of that class.
        alphabet: Class → character.
        end: Class that ends the text.

    Returns:
        The text, with the mean probability of its characters; (``""``, 0) if the first symbol is the end.

    >>> decode_until(np.array([2, 1, 1, 0, 1]), np.ones(5), "~ab")
    Reading(text='baa', confidence=1.0)
    """
    ends = np.flatnonzero(indices == end)
    length = int(ends[0]) if ends.size else len(indices)
    return _reading(indices[:length], confidences[:length], alphabet)


def _reading(indices: NDArray[np.integer], confidences: NDArray[np.floating], alphabet: Sequence[str]) -> Reading:
    if not len(indices):
        return Reading(text="", confidence=0.0)
    text = "".join([alphabet[index] for index in indices])
    return Reading(text=text, confidence=round(float(confidences.mean()), 6))
