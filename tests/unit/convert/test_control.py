"""Accuracy control: how a network is judged, which one is chosen, and what the journal remembers."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ocrbench.convert.control import Journal, best_step, judge
from ocrbench.convert.end_to_end import hmean
from ocrbench.metrics.scoring import Tallies
from ocrbench.records import Tally

BUDGET = 0.005


def image(right: int, words: int = 10) -> Tallies:
    return {
        "e2e_hmean": Tally(numerator=2 * right, denominator=2 * words),
        "e2e_recall": Tally(numerator=right, denominator=words),
    }


def images(lost: int, count: int = 400) -> list[Tallies]:
    """Make images of ten words, of which some lose one word each."""
    return [image(9)] * lost + [image(10)] * (count - lost)


def chosen(steps: Sequence[Sequence[Tallies]]) -> int:
    return best_step([judge(images(0), step, BUDGET) for step in steps])


@pytest.mark.parametrize(
    ("lost", "count", "outcome", "said"),
    [
        (0, 400, "within", "400 validation images, allowed 0.005: within"),
        # The score is within the budget, and the interval is not.
        (1, 48, "undecided", "48 validation images, allowed 0.005: undecided; about "),
        (200, 400, "beyond", "allowed 0.005: beyond"),
        # The score is at the budget itself.
        (20, 400, "undecided", "undecided; more than 100000 images would settle it (quantization.validation_images)"),
    ],
)
def test_the_interval_is_held_against_the_budget(lost: int, count: int, outcome: str, said: str) -> None:
    judged = judge(images(0, count), images(lost, count), BUDGET)
    assert judged.outcome == outcome
    assert said in judged.sentence
    assert judged.drop is not None
    assert judged.drop.estimate == pytest.approx(lost / count / 10)


def test_two_images_are_too_few_to_judge() -> None:
    judged = judge(images(0, 2), images(0, 2), BUDGET)
    assert (judged.outcome, judged.drop) == ("undecided", None)
    assert "2 validation images are too few" in judged.sentence


def test_the_first_step_within_the_budget_is_taken_else_the_best_undecided_else_the_best() -> None:
    assert chosen([images(0), images(0)]) == 0
    assert chosen([images(200), images(1), images(0)]) == 1
    assert chosen([images(200), images(25), images(20), images(300)]) == 2
    assert chosen([images(400), images(200), images(300)]) == 1


def asked(network: str, *numbers: int) -> dict[str, object]:
    return {"images": list(numbers), "network": network}


def filled(path: Path) -> Journal:
    journal = Journal(path)
    for network, right in (("float", 5), ("recipe", 4), ("step 1", 3)):
        assert journal.next(asked(network, 0, 1)) is None
        journal.add(asked(network, 0, 1), [image(right)] * 2)
    return journal


def whole(journal: Journal) -> list[float]:
    return [hmean(each) for each in journal.whole(2)]


class TestJournal:
    def test_a_search_that_begins_again_is_told_its_scores_in_order(self, tmp_path: Path) -> None:
        filled(tmp_path / "journal.jsonl")
        journal = Journal(tmp_path / "journal.jsonl")
        found = [journal.next(asked(network, 0, 1)) for network in ("float", "recipe", "step 1")]
        assert [entry and entry["score"] for entry in found] == [0.5, 0.4, 0.3]
        assert journal.next(asked("step 2", 0, 1)) is None

    def test_it_keeps_what_was_counted_in_each_image(self, tmp_path: Path) -> None:
        filled(tmp_path / "journal.jsonl")
        assert Journal(tmp_path / "journal.jsonl").whole(2) == [[image(right)] * 2 for right in (5, 4, 3)]

    def test_another_network_makes_it_forget_the_rest(self, tmp_path: Path) -> None:
        filled(tmp_path / "journal.jsonl")
        journal = Journal(tmp_path / "journal.jsonl")
        assert journal.next(asked("float", 0, 1)) is not None
        assert journal.next(asked("another", 0, 1)) is None
        journal.add(asked("another", 0, 1), [image(3)])
        assert whole(Journal(tmp_path / "journal.jsonl")) == [0.5, 0.3]

    def test_a_line_that_was_cut_off_is_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        filled(path)
        path.write_text(path.read_text()[:-20])
        assert whole(Journal(path)) == [0.5, 0.4]
        assert path.read_text().endswith("\n")

    def test_rankings_are_no_whole_scores(self, tmp_path: Path) -> None:
        journal = filled(tmp_path / "journal.jsonl")
        assert journal.next(asked("ranked", 0)) is None
        journal.add(asked("ranked", 0), [image(9)])
        assert whole(journal) == [0.5, 0.4, 0.3]
