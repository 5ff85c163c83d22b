"""The section on accuracy: its counts add up to the table's scores, and no metric is computed in another way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocrbench.report.html import Report, load_report
from ocrbench.report.html.accuracy import build
from ocrbench.runs.run import Run

WriteRun = Callable[..., Run]


@pytest.fixture(scope="module")
def report(reports: Path) -> Report:
    return load_report([str(reports)])


@pytest.fixture(scope="module")
def section(report: Report) -> Any:
    return build(report)


def test_there_is_a_line_per_finished_run(section: Any) -> None:
    assert [run["run"] for run in section["runs"]] == [0, 1, 2]


def test_the_kinds_add_up_to_the_tables_scores(report: Report, section: Any) -> None:
    for run in section["runs"]:
        row = report.runs[run["run"]].row
        kinds = run["kinds"]
        found = kinds["right"] + kinds["misread"] + kinds["unknown"]
        assert sum(kinds.values()) == run["words"] == row["words"]
        assert found / run["words"] == pytest.approx(row["det_recall"])
        assert kinds["right"] / run["words"] == pytest.approx(row["e2e_recall"])
        assert found / (found + sum(run["spurious"].values())) == pytest.approx(row["det_precision"])
        assert run["errors"] / run["characters"] == pytest.approx(row["rec_cer"])


def test_groups_and_bars_hold_all_words(section: Any) -> None:
    for run in section["runs"]:
        for name in ("height", "length"):
            assert sum(sum(kinds.values()) for kinds in run["groups"][name].values()) == run["words"]
        assert run["groups"]["folder"] == {}
        assert run["bars"][-1]["left"] + run["bars"][-1]["width"] == pytest.approx(100)


def test_misread_words_are_told_with_their_characters(section: Any) -> None:
    # The INT8 run reads "?" for all three words of its first two images.
    run = section["runs"][1]
    assert run["kinds"]["misread"] == 3
    assert run["errors"] == sum(number for _, _, number in run["confusions"]) == len("ExitExitGate")


def test_unknown_words_are_a_kind_only_where_there_are_any(section: Any, write_run: WriteRun, tmp_path: Path) -> None:
    assert "unknown" not in [each["kind"] for each in section["kinds"]]
    write_run(tmp_path, texts=("Exit", ""))
    found = build(load_report([str(tmp_path)]))
    assert found is not None
    assert "unknown" in [each["kind"] for each in found["kinds"]]
    assert found["runs"][0]["kinds"]["unknown"] > 0


def test_without_ground_truth_there_is_no_accuracy(write_run: WriteRun, tmp_path: Path) -> None:
    def without(record: Run) -> Run:
        return replace(
            record, score_list=tuple(each for each in record.score_list if not each.metric.startswith("det_"))
        )

    write_run(tmp_path, change=without)
    assert build(load_report([str(tmp_path)])) is None
