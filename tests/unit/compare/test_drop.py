"""What a precision costs against FP32, in one line."""

from ocrbench.compare.drop import drop
from ocrbench.config import Scoring
from ocrbench.records import Region
from ocrbench.store import Outcome


def outcome(number: int, read: str, expected: str = "EXIT") -> Outcome:
    box = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
    predicted = (Region(polygon=box, text=read, confidence=0.9),) if read else ()
    return Outcome(sample_id=f"img_{number}", predicted=predicted, expected=(Region(polygon=box, text=expected),))


def test_the_difference_and_the_words_that_are_wrong_now_are_told() -> None:
    reference = [outcome(1, "EXIT"), outcome(2, "EXIT"), outcome(3, "EXIT"), outcome(4, "EX1T")]
    measured = [outcome(1, "EXIT"), outcome(2, "EXII"), outcome(3, ""), outcome(4, "EXIT")]
    found = drop(reference, measured, Scoring())
    assert found is not None
    assert found.before == 0.75
    assert found.interval is not None
    assert round(found.lost, 9) == round(found.interval.estimate, 9)
    assert found.interval.low <= found.lost <= found.interval.high
    assert [word[0] for word in found.words] == ["img_2", "img_3"]
    assert "img_2: 'EXIT' as 'EXII'" in str(found)
    assert "wrong here: 2 words" in str(found)


def test_long_lists_are_cut() -> None:
    found = drop([outcome(n, "EXIT") for n in range(30)], [outcome(n, "") for n in range(30)], Scoring())
    assert found is not None
    assert "and 20 more" in str(found)


def test_without_ground_truth_there_is_nothing_to_say() -> None:
    empty = [Outcome(sample_id="a", predicted=(), expected=())]
    assert drop(empty, empty, Scoring()) is None
