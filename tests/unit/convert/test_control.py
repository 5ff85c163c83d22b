"""The journal of accuracy control: what is remembered, and what is not."""

from pathlib import Path

from ocrbench.convert.control import Journal, _best_step


def asked(network: str, *images: int) -> dict[str, object]:
    return {"images": list(images), "network": network}


def filled(path: Path) -> Journal:
    journal = Journal(path)
    for network, score in (("float", 0.5), ("recipe", 0.4), ("step 1", 0.45)):
        assert journal.next(asked(network, 0, 1)) is None
        journal.add(asked(network, 0, 1), score, [score, score])
    return journal


class TestJournal:
    def test_a_search_that_begins_again_is_told_its_scores_in_order(self, tmp_path: Path) -> None:
        filled(tmp_path / "journal.jsonl")
        journal = Journal(tmp_path / "journal.jsonl")
        found = [journal.next(asked(network, 0, 1)) for network in ("float", "recipe", "step 1")]
        assert [entry and entry["score"] for entry in found] == [0.5, 0.4, 0.45]
        assert journal.next(asked("step 2", 0, 1)) is None

    def test_another_network_makes_it_forget_the_rest(self, tmp_path: Path) -> None:
        filled(tmp_path / "journal.jsonl")
        journal = Journal(tmp_path / "journal.jsonl")
        assert journal.next(asked("float", 0, 1)) is not None
        assert journal.next(asked("another", 0, 1)) is None
        journal.add(asked("another", 0, 1), 0.3, [0.3])
        assert Journal(tmp_path / "journal.jsonl").whole_scores(2) == [0.5, 0.3]

    def test_a_line_that_was_cut_off_is_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        filled(path)
        path.write_text(path.read_text()[:-20])
        assert Journal(path).whole_scores(2) == [0.5, 0.4]
        assert path.read_text().endswith("\n")

    def test_rankings_are_no_whole_scores(self, tmp_path: Path) -> None:
        journal = filled(tmp_path / "journal.jsonl")
        assert journal.next(asked("ranked", 0)) is None
        journal.add(asked("ranked", 0), 0.9, [0.9])
        assert journal.whole_scores(2) == [0.5, 0.4, 0.45]


def test_the_first_step_within_the_budget_is_taken_else_the_best() -> None:
    assert _best_step([0.5, 0.497, 0.5], 0.005) == 0
    assert _best_step([0.5, 0.4, 0.496, 0.5], 0.005) == 1
    assert _best_step([0.5, 0.4, 0.3, 0.48, 0.45], 0.005) == 2
