"""Text recognition over pairs of (predicted, expected) transcriptions.

A pair whose expected text is empty is left out: its transcription is unknown. Letter case follows the rule;
optional edge punctuation affects word accuracy alone, because the other two work by the character.
"""

from collections.abc import Iterable, Mapping

from rapidfuzz.distance import Levenshtein

from ocrbench.config.schema import Scoring
from ocrbench.records import Score, Tally

EDGE_PUNCTUATION = tuple("!?.:,*\"()·[]/'")
TextPairs = Iterable[tuple[str, str]]
REPEATABILITY = "repeatability"
# A lower share means that something is wrong. Networks for single shapes, or on another device, may round differently.
LEAST_REPEATABILITY = 0.95


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


def text_similarity(predicted: str, expected: str) -> float:
    """Score the similarity of two strings, from 0 (nothing shared) to 1 (equal).

    One minus the Levenshtein distance over the longer length (1-NED); two empty strings score 1.

    >>> round(text_similarity("OCR", "OCT"), 3)
    0.667
    """
    return Levenshtein.normalized_similarity(predicted, expected)


def word_accuracy(pairs: TextPairs, rule: Scoring) -> Tally:
    """Count the words that are right.

    >>> word_accuracy([("exit", "EXIT"), ("exlt", "EXIT"), ("noise", "")], Scoring())
    Tally(numerator=1, denominator=2)
    """
    right = [texts_equal(predicted, expected, rule) for predicted, expected in pairs if expected]
    return Tally(numerator=sum(right), denominator=len(right))


def character_error_rate(pairs: TextPairs, rule: Scoring) -> Tally:
    """Count character edits against the expected characters (CER); the rate can exceed 1.

    Divides all Levenshtein edits by all expected characters, as ISRI's OCR accuracy measures and jiwer do: long words
    weigh more than short ones.

    >>> character_error_rate([("exlt", "EXIT"), ("to", "TO")], Scoring())
    Tally(numerator=1, denominator=6)
    """
    folded = _folded(pairs, rule)
    return Tally(
        numerator=sum(Levenshtein.distance(predicted, expected) for predicted, expected in folded),
        denominator=sum(len(expected) for _, expected in folded),
    )


def one_minus_ned(pairs: TextPairs, rule: Scoring) -> Tally:
    """Sum the similarities of words (1-NED); every word weighs the same.

    The mean of one minus the normalised edit distance, as in the ICDAR 2019 competitions ReCTS and LSVT.

    >>> one_minus_ned([("exlt", "EXIT"), ("to", "TO")], Scoring())
    Tally(numerator=1.75, denominator=2)
    """
    folded = _folded(pairs, rule)
    return Tally(
        numerator=sum(text_similarity(predicted, expected) for predicted, expected in folded),
        denominator=len(folded),
    )


def _folded(pairs: TextPairs, rule: Scoring) -> list[tuple[str, str]]:
    return [(fold(predicted, rule), fold(expected, rule)) for predicted, expected in pairs if expected]


def repeatability(reread: Mapping[str, bool]) -> list[Score]:
    """Return the share of images that were always read the same; no score if none was read more than once.

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
    """Describe how many images were read differently later, if rounding cannot explain it; else return an empty text.

    >>> unrepeatable(repeatability({"a": True, "b": False}))
    '1 of 2 images were read differently later; the accuracy is that of the first time'
    """
    for score in scores:
        if score.metric == REPEATABILITY and score.value < LEAST_REPEATABILITY:
            others = round(score.n * (1 - score.value))
            return f"{others} of {score.n} images were read differently later; the accuracy is that of the first time"
    return ""
