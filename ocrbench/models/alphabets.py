"""The characters that a recognizer may return: ``alphabet=all|ascii|latin|FILE``."""

from collections.abc import Sequence
from pathlib import Path

from ocrbench.errors import ConfigError, ModelError

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
