"""Runs held against others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocrbench.compare.stored import compare_stored
from ocrbench.config.schema import Gate
from ocrbench.report.comparison import sentence
from ocrbench.report.html import comparison, load_report, report_data, to_html
from ocrbench.report.html.comparison import build
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store, find_runs

WriteRun = Callable[..., Run]


@pytest.fixture
def sides(write_run: WriteRun, tmp_path: Path) -> tuple[Path, Path]:
    """A and B; both folders give their first run the same id."""
    one, other = tmp_path / "one", tmp_path / "other"
    write_run(one, "precision=FP32", wrong=1)
    write_run(other, "precision=INT8", ms=50, wrong=3)
    return one, other


def built(one: Path, other: Path) -> Any:
    return build(load_report([str(other)], [str(one)]))


def test_without_a_second_group_there_is_none(reports: Path) -> None:
    assert build(load_report([str(reports)])) is None


def test_it_says_what_ocrbench_compare_says(sides: tuple[Path, Path]) -> None:
    one, other = sides
    (found,) = built(one, other)["comparisons"]
    said = compare_stored(find_runs([str(one)]), find_runs([str(other)]), Gate(name="").margin)
    assert (found["before"], found["after"]) == ("ppocrv6_small FP32", "ppocrv6_small INT8")
    assert (found["verdict"], found["sentence"]) == (said.verdict, sentence(said))
    assert [each["metric"] for each in found["changes"]] == [change.metric for change in said.changes]
    latency = found["changes"][0]
    assert (latency["metric"], latency["direction"], latency["verdict"]) == ("latency_p50_ms", "none", "")


def test_repeated_runs_have_a_verdict(write_run: WriteRun, tmp_path: Path) -> None:
    for _ in range(2):
        write_run(tmp_path / "one", "precision=FP32")
        write_run(tmp_path / "other", "precision=INT8", ms=50)
    (found,) = built(tmp_path / "one", tmp_path / "other")["comparisons"]
    latency = found["changes"][0]
    assert (latency["metric"], latency["direction"], latency["verdict"]) == ("latency_p50_ms", "better", "faster")


def test_words_are_lost_or_gained(sides: tuple[Path, Path]) -> None:
    one, other = sides
    lost, gained = built(one, other)["comparisons"][0]["words"]
    # Images 1 and 2, with two and three words.
    assert (lost["count"], gained["count"]) == (5, 0)
    assert lost["shown"][0] == {"image": "img_1.jpg", "expected": "Exit", "before": "Exit", "after": "?"}
    lost, gained = built(other, one)["comparisons"][0]["words"]
    assert (lost["count"], gained["count"]) == (0, 5)


def test_many_pairs_and_many_words_are_cut(
    write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, wrong in (("one", 0), ("other", 6)):
        for precision in ("FP32", "INT8"):
            write_run(tmp_path / folder, f"precision={precision}", wrong=wrong)
    monkeypatch.setattr(comparison, "MAX_PAIRS", 1)
    monkeypatch.setattr(comparison, "MAX_WORDS", 2)
    found = built(tmp_path / "one", tmp_path / "other")
    assert (len(found["comparisons"]), found["left_out"]) == (1, 1)
    lost = found["comparisons"][0]["words"][0]
    assert (lost["count"], len(lost["shown"])) == (13, 2)


def test_runs_without_a_finished_counterpart_are_a_note(write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path / "one")
    write_run(tmp_path / "other", error="x")
    (found,) = built(tmp_path / "one", tmp_path / "other")["comparisons"]
    assert (found["after"], found["problem"]) == ("–", "the cell failed: x")


def test_runs_without_an_image_in_common_are_a_note(sides: tuple[Path, Path]) -> None:
    one, other = sides
    store = Store(other)
    (record,) = store.runs()
    outcomes = [replace(each, sample_id=f"other_{each.sample_id}") for each in store.find(record.run_id).outcomes]
    store.save(record, store.find(record.run_id).timings, outcomes)
    (found,) = built(one, other)["comparisons"]
    assert found["problem"].endswith("have no image in common with the same ground truth")


def test_a_long_text_is_cut_and_there_in_full(write_run: WriteRun, tmp_path: Path) -> None:
    text = "<b>&" + "x" * 10_000
    write_run(tmp_path / "one", texts=(text,))
    write_run(tmp_path / "other", texts=(text,), wrong=1, change=lambda record: replace(record, noisy=("<i>",)))
    page = to_html(report_data(load_report([str(tmp_path / "other")], [str(tmp_path / "one")]))).decode()
    assert "<b>" not in page.partition('<script type="application/json"')[0]
    assert f"<summary><bdi>&lt;b&gt;&amp;{'x' * 76}…</bdi> (10004 characters)</summary>" in page
    assert f'<bdi class="long">&lt;b&gt;&amp;{"x" * 10_000}</bdi>' in page
