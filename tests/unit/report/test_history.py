"""Runs over time: one series per cell and host, failed runs, where the level changed."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from ocrbench.records import Score
from ocrbench.report.history import COLUMNS, change_text, history, sparkline
from ocrbench.runs.run import Run


def run(number: int, value: float | None = 10.0, series: str = "cell", **changes: Any) -> Run:
    scores = [Score(stage="", metric="latency_p50_ms", value=value or 0.0, unit="ms", higher_is_better=False, n=1)]
    fields: dict[str, Any] = {
        "run_id": f"run-{number}",
        "series": series,
        "started": f"2030-01-{number + 1:02}T00:00:00",
        "status": "ok",
        "config": {},
        "environment": {"versions": {"openvino": "2030.1"}},
        "conditions": {"git": {"commit": "0123456789abcdef", "dirty": False}},
        "score_list": scores if value is not None else (),
    }
    return Run(**{**fields, **changes})


def test_one_row_per_run_oldest_first_series_by_series() -> None:
    frame = history([run(3), run(1, series="other"), run(0), run(2)], "latency_p50_ms")
    assert tuple(frame.columns) == COLUMNS
    assert frame["run_id"].tolist() == ["run-0", "run-2", "run-3", "run-1"]
    assert frame["series"].tolist() == ["cell", "cell", "cell", "other"]
    row = frame.iloc[0].to_dict()
    assert (row["commit"], row["openvino"], row["value"], row["unit"]) == ("012345678", "2030.1", 10.0, "ms")
    assert (row["status"], row["noisy"], row["change"], row["error"]) == ("ok", "", "", "")


def test_a_change_is_told_at_the_run_that_begins_it() -> None:
    values = [10.0, 10.1, 9.9, 10.0, 12.0, 12.1, 11.9, 12.0]
    frame = history([run(number, value) for number, value in enumerate(values)], "latency_p50_ms")
    assert frame["change"].tolist() == ["", "", "", "", "+20.0 % (worse)", "", "", ""]
    assert frame["level"].tolist() == [10.0] * 4 + [12.0] * 4


def test_where_some_runs_timed_repeats_only_all_values_are_of_repeats() -> None:
    def timed_first(number: int) -> Run:
        scores = [
            Score(stage="", metric=metric, value=value, unit="ms", higher_is_better=False, n=1)
            for metric, value in (("latency_p50_ms", 30.0), ("warm_latency_p50_ms", 10.0))
        ]
        return run(number, pictures="unseen", score_list=scores)

    mixed = history([run(0), timed_first(1)], "latency_p50_ms")
    assert (mixed["value"].tolist(), mixed["pictures"].tolist()) == ([10.0, 10.0], ["seen", "seen"])
    alike = history([timed_first(0), timed_first(1)], "latency_p50_ms")
    assert (alike["value"].tolist(), alike["pictures"].tolist()) == ([30.0, 30.0], ["unseen", "unseen"])


def test_failed_runs_keep_their_row_and_do_not_disturb_the_levels() -> None:
    runs = [run(number, 10.0 if number < 4 else 8.0) for number in range(8)]
    failed = run(4, None, status="failed", error="out of memory")
    frame = history([*runs[:4], failed, *runs[5:]], "latency_p50_ms")
    row = frame.iloc[4]
    assert (row["status"], row["error"], row["change"]) == ("failed", "out of memory", "")
    assert row["value"] != row["value"]
    assert frame["change"].tolist()[5] == "-20.0 % (better)"


def test_commits_with_changed_files_and_runs_without_repository() -> None:
    dirty = run(0, conditions={"git": {"commit": "f" * 40, "dirty": True}})
    frame = history([dirty, run(1, conditions={"git": {}}), run(2, conditions={})], "latency_p50_ms")
    assert frame["commit"].tolist() == ["fffffffff+", "", ""]


def test_noise_is_told() -> None:
    assert history([run(0, noisy=("drifted", "stolen"))], "latency_p50_ms")["noisy"].tolist() == ["drifted; stolen"]


def test_series_are_judged_apart() -> None:
    runs = [run(number, 10.0) for number in range(8)] + [run(number, 99.0, series="other") for number in range(8)]
    assert set(history(runs, "latency_p50_ms")["change"]) == {""}


class TestASeriesOverVersionsOfOcrbench:
    """A key that is new in a version makes another series, which ``history`` joins to the one before."""

    OLD: ClassVar = {
        "detector": {"precision": "FP32"},
        "recognizer": {"precision": "FP32"},
        "folding": {"rewrites": "all"},
        "dataset": {"root": "here"},
    }
    NEW: ClassVar = {**OLD, "folding": {"rewrites": "all", "recognizer_networks": 0}, "dataset": {"root": "there"}}

    @classmethod
    def runs(cls, *given: tuple[str, dict[str, Any], str]) -> list[Run]:
        return [
            run(number, series=series, config=config, environment={"source": source, "host": {"name": "bench"}})
            for number, (series, config, source) in enumerate(given)
        ]

    @staticmethod
    def names(runs: list[Run]) -> list[str]:
        return list(history(runs, "latency_p50_ms")["series"])

    def test_goes_on_under_the_newest_name(self) -> None:
        newest = {**self.NEW, "words": {"margin": 0.5}}
        runs = self.runs(("a", self.OLD, "1"), ("a", self.OLD, "1"), ("b", self.NEW, "2"), ("c", newest, "3"))
        assert self.names(runs) == ["c"] * 4

    def test_ends_where_two_could_follow(self) -> None:
        other = {**self.NEW, "folding": {"rewrites": "all", "recognizer_networks": 48}}
        runs = self.runs(("a", self.OLD, "1"), ("b", self.NEW, "2"), ("c", other, "2"))
        assert self.names(runs) == ["a", "b", "c"]

    def test_ends_where_it_could_follow_two(self) -> None:
        other = {**self.OLD, "folding": {"rewrites": "all", "gone": 1}}
        runs = self.runs(("a", self.OLD, "1"), ("b", other, "1"), ("c", self.NEW, "2"))
        assert self.names(runs) == ["a", "b", "c"]

    def test_does_not_mix_versions_that_take_turns(self) -> None:
        runs = self.runs(("a", self.OLD, "1"), ("b", self.NEW, "2"), ("a", self.OLD, "1"))
        assert self.names(runs) == ["a", "a", "b"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"config": {**NEW, "folding": {"rewrites": "none", "recognizer_networks": 0}}},
            {"dataset_sha256": "other"},
            {"environment": {"source": "2", "host": {"name": "another"}}},
        ],
    )
    def test_ends_where_something_else_differs(self, changes: dict[str, Any]) -> None:
        old, new = self.runs(("a", self.OLD, "1"), ("b", self.NEW, "2"))
        assert sorted(self.names([old, replace(new, **changes)])) == ["a", "b"]


@pytest.mark.parametrize("value", [None, float("nan")])
def test_no_values(value: float | None) -> None:
    frame = history([run(number, value) for number in range(8)], "latency_p50_ms")
    assert frame["value"].isna().all()
    assert frame["level"].isna().all()
    assert history([], "latency_p50_ms").empty


@pytest.mark.parametrize(
    ("before", "after", "higher", "text"),
    [
        (0.5, 0.45, True, "-10.0 % (worse)"),
        (0.5, 0.55, True, "+10.0 % (better)"),
        (10.0, 9.0, False, "-10.0 % (better)"),
        (0.0, 0.25, True, "+0.25 (better)"),
    ],
)
def test_change_in_words(before: float, after: float, higher: bool, text: str) -> None:
    assert change_text(before, after, higher_is_better=higher) == text


def test_sparklines() -> None:
    assert sparkline([]) == ""
    assert sparkline([3.0, 3.0]) == "▁▁"
    assert sparkline([float("nan")]) == "×"
    assert sparkline([0.0, 7.0, float("nan"), 3.5]) == "▁█×▅"
