"""The comparison of two transcriptions."""

from ocrbench.config.schema import Scoring

EDGE_PUNCTUATION = tuple("!?.:,*\"()·[]/'")


def fold(text: str, rule: Scoring) -> str:
    """Return the text in the letter case in which it is compared.

    Case is ignored by ``str.upper``, as in the official ICDAR 2015 scripts. There is no Unicode normalisation: a
    full-width letter differs from its plain one.

    >>> fold("Straße", Scoring())
    'STRASSE'
    """
    return text if rule.case_sensitive else text.upper()


def texts_equal(predicted: str, expected: str, rule: Scoring) -> bool:
    """Return whether a transcription is right.

    With optional edge punctuation this is ``transcription_match`` of the official end-to-end script (ICDAR
    2015 Robust Reading Competition, Challenge 4, Task 4, ``ONLY_REMOVE_FIRST_LAST_CHARACTER``): only the
    expected text may lose a character, and only one at each end.

    >>> texts_equal("exit", "EXIT", Scoring())
    True
    >>> texts_equal("exit", "Exit!", Scoring(edge_punctuation="optional"))
    True
    >>> texts_equal("exit!", "Exit", Scoring(edge_punctuation="optional"))
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
