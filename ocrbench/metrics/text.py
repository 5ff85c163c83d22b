"""When two transcriptions count as equal."""

from dataclasses import dataclass
from typing import Literal

EDGE_PUNCTUATION = tuple("!?.:,*\"()·[]/'")


@dataclass(frozen=True, kw_only=True)
class TextRule:
    """How transcriptions are compared.

    Attributes:
        ignore_case: Compare upper-cased texts with ``str.upper``, as the official ICDAR 2015 scripts do.
            There is no Unicode normalisation: a full-width letter differs from its plain one.
        edge_punctuation: ``optional`` lets a prediction leave out one of ``EDGE_PUNCTUATION`` at the start
            of the expected text, at its end, or at both; ``required`` does not.
    """

    ignore_case: bool = True
    edge_punctuation: Literal["required", "optional"] = "required"


def fold(text: str, rule: TextRule) -> str:
    """Return the text in the letter case in which it is compared.

    >>> fold("Straße", TextRule())
    'STRASSE'
    """
    return text.upper() if rule.ignore_case else text


def texts_equal(predicted: str, expected: str, rule: TextRule) -> bool:
    """Say whether a transcription is right.

    With optional edge punctuation this is ``transcription_match`` of the official end-to-end script (ICDAR
    2015 Robust Reading Competition, Challenge 4, Task 4, ``ONLY_REMOVE_FIRST_LAST_CHARACTER``): only the
    expected text may lose a character, and only one at each end.

    >>> texts_equal("exit", "EXIT", TextRule())
    True
    >>> texts_equal("exit", "Exit!", TextRule(edge_punctuation="optional"))
    True
    >>> texts_equal("exit!", "Exit", TextRule(edge_punctuation="optional"))
    False
    """
    predicted, expected = fold(predicted, rule), fold(expected, rule)
    if predicted == expected or rule.edge_punctuation == "required":
        return predicted == expected
    begins, ends = expected.startswith(EDGE_PUNCTUATION), expected.endswith(EDGE_PUNCTUATION)
    return (
        (begins and predicted == expected[1:])
        or (ends and predicted == expected[:-1])
        or (begins and ends and predicted == expected[1:-1])
    )
