"""From scores to text: decoders that several families share."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocrbench.errors import ConfigError, ModelError
from ocrbench.models.interface import Characters, Reading

ALL = "all"
# Ranges of Unicode, both ends included.
SETS: dict[str, tuple[tuple[int, int], ...]] = {
    "ascii": ((0x20, 0x7E),),
    # Basic Latin, Latin-1, Latin Extended-A, -B and Additional, punctuation, currency signs.
    "latin": ((0x20, 0x7E), (0xA0, 0x24F), (0x1E00, 0x1EFF), (0x2010, 0x205E), (0x20A0, 0x20C0)),
}
# Number of unknown characters that an error message shows.
SHOWN = 20


def allowed_characters(choice: str) -> frozenset[str]:
    """Return the characters of a set or of a file.

    Args:
        choice: The name of a set, or the path of a UTF-8 text file; line breaks are ignored.

    Raises:
        ConfigError: It is neither, or the file is empty.

    >>> sorted(allowed_characters("ascii"))[:3]
    [' ', '!', '"']
    """
    if choice in SETS:
        return frozenset(chr(code) for first, last in SETS[choice] for code in range(first, last + 1))
    where = f"recognizer.alphabet={choice}"
    try:
        characters = frozenset(Path(choice).expanduser().read_text(encoding="utf-8-sig")) - {"\n", "\r"}
    except OSError as error:
        valid = ", ".join([ALL, *SETS])
        message = f"{where}: cannot be read: {error.strerror}; expected {valid} or a text file"
        raise ConfigError(message) from error
    except UnicodeDecodeError as error:
        message = f"{where}: not a UTF-8 text file"
        raise ConfigError(message) from error
    if not characters:
        message = f"{where}: contains no characters"
        raise ConfigError(message)
    return characters


def kept_classes(alphabet: Sequence[str], choice: str) -> tuple[int, ...]:
    """Choose the classes that a recognizer may return.

    Args:
        alphabet: Class → character; a class without a character is empty, and always kept.
        choice: As for ``allowed_characters``.

    Returns:
        The classes, ascending; an empty result means all of them.

    Raises:
        ConfigError: As ``allowed_characters``.
        ModelError: The model lacks every character of a set, or any character of a file.

    >>> kept_classes(["", "a", "中", " "], "ascii")
    (0, 1, 3)
    """
    if choice == ALL:
        return ()
    allowed = allowed_characters(choice)
    unknown = sorted(allowed - set(alphabet))
    if (choice not in SETS and unknown) or len(unknown) == len(allowed):
        shown = "".join(unknown[:SHOWN]) + ("…" if len(unknown) > SHOWN else "")
        message = f"recognizer.alphabet={choice}: {len(unknown)} of its characters are not in the model's: {shown!r}"
        raise ModelError(message)
    return tuple(index for index, character in enumerate(alphabet) if not character or character in allowed)


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
