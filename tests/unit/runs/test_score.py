"""Stored runs scored anew: by their own rule, by another one, and by what scorers learnt since."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ocrbench.config.schema import Scoring
from ocrbench.metrics.scoring import METRICS
from ocrbench.runs.run import Run
from ocrbench.runs.score import score_run
from ocrbench.runs.store import Store

WriteRun = Callable[..., Run]
CASED = Scoring(case_sensitive=True)


def stored(reports: Path) -> Run:
    (run,) = Store(reports).runs()
    return run


@pytest.fixture
def run(write_run: WriteRun, tmp_path: Path) -> Run:
    """A run that misread the words of one image."""
    write_run(tmp_path, texts=("Exit", "Gate"), wrong=1)
    return stored(tmp_path)


def files(run: Run) -> list[Path]:
    assert run.folder is not None
    return sorted(run.folder.glob("scores-*.json"))


def test_its_own_rule_gives_the_very_scores_that_it_has(run: Run) -> None:
    again = score_run(run, run.scoring)
    assert again.scores == pytest.approx(run.scores, abs=1e-12)
    assert again.score_list == run.score_list
    assert again.config == run.config


def test_another_rule_gives_other_scores_and_says_so(run: Run) -> None:
    outcomes = [
        replace(each, predicted=tuple(replace(region, text=region.text.upper()) for region in each.predicted))
        for each in run.outcomes
    ]
    shouted = Store(run.folder.parents[1]).save(replace(run, run_id="shouted"), run.timings, outcomes)
    folded, cased = score_run(shouted, Scoring()), score_run(shouted, CASED)
    assert folded.scores["e2e_hmean"] == pytest.approx(run.scores["e2e_hmean"])
    assert cased.scores["e2e_hmean"] == 0
    assert cased.scores["det_hmean"] == folded.scores["det_hmean"]
    assert cased.config["scoring"]["case_sensitive"] is True
    assert cased.scores["latency_p50_ms"] == run.scores["latency_p50_ms"]
    assert len(files(shouted)) == 2


def test_what_was_scored_once_is_read(run: Run) -> None:
    first = score_run(run, CASED)
    # Whoever scores again needs these no longer.
    (run.folder / run.files["outcomes"]).write_bytes(b"damaged")
    again = score_run(stored(run.folder.parents[1]), CASED)
    assert again.score_list == first.score_list


def test_the_tallies_of_each_image_are_kept_with_the_rule(run: Run) -> None:
    score_run(run, CASED)
    (file,) = files(run)
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["scoring"] == {"iou_threshold": 0.5, "case_sensitive": True, "edge_punctuation": "required"}
    assert content["outcomes"] == run.files["outcomes"]
    assert content["tallies"].keys() == {outcome.sample_id for outcome in run.outcomes}
    found = sum(counts[content["metrics"].index("det_recall")][0] for counts in content["tallies"].values())
    assert found / run.scores["words"] == run.scores["det_recall"]


def test_a_scorer_that_came_later_fills_a_run(run: Run) -> None:
    before = [score for score in run.score_list if score.metric != "rec_cer"]
    store = Store(run.folder.parents[1])
    store.save(replace(run, score_list=before), run.timings, run.outcomes)
    lacking = stored(run.folder.parents[1])
    assert "rec_cer" not in lacking.scores
    score_run(lacking, lacking.scoring)
    assert stored(run.folder.parents[1]).score_list == run.score_list


def test_a_damaged_file_is_written_anew(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    first = score_run(run, CASED)
    (file,) = files(run)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with caplog.at_level(logging.WARNING):
        assert score_run(run, CASED).score_list == first.score_list
    assert "the run is scored again" in caplog.text
    assert file.read_bytes() == content


def test_scores_are_never_taken_for_those_of_other_readings(run: Run) -> None:
    score_run(run, CASED)
    read = [replace(each, predicted=()) for each in run.outcomes]
    blind = Store(run.folder.parents[1]).save(run, run.timings, read)
    assert files(blind) == []
    assert score_run(blind, CASED).scores["det_recall"] == 0


def test_a_failed_run_stays_as_it_is(write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, error="out of memory")
    failed = stored(tmp_path)
    assert score_run(failed, CASED) is failed


def test_every_metric_is_scored(run: Run) -> None:
    assert set(METRICS) <= set(score_run(run, CASED).scores)
