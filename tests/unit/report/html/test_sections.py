"""Runs → the page's plain data."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ocrbench.errors import ConfigError
from ocrbench.metrics.intervals import latency_intervals
from ocrbench.profiling.run_files import LAYERS
from ocrbench.report.html import Report, load_report, model, report_data
from ocrbench.report.html.latency import POINTS, cost
from ocrbench.report.html.precision import LAYERS_SHOWN
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store, find_runs

EARLIER = Path(__file__).parents[3] / "data" / "run-schema-1"
WriteRun = Callable[..., Run]


@pytest.fixture(scope="module")
def report(reports: Path) -> Report:
    return load_report([str(reports)], command="ocrbench report")


@pytest.fixture(scope="module")
def sections(report: Report) -> Any:
    return report_data(report).sections


def test_failed_runs_are_part_of_it(report: Report) -> None:
    assert [run.status for run in report.runs] == ["ok", "ok", "ok", "failed"]
    assert len(report.finished) == 3


def test_labels_are_short_and_unique(report: Report) -> None:
    labels = [run.label for run in report.runs]
    assert labels == ["ppocrv6_small FP32 #1", "ppocrv6_small INT8", "ppocrv6_small FP16", "ppocrv6_small FP32 #2"]


def test_long_names_are_cut_and_stay_apart(write_run: WriteRun, tmp_path: Path) -> None:
    def named(record: Run) -> Run:
        return replace(record, config={**record.config, "dataset": {**record.config["dataset"], "name": "x" * 999}})

    for change in (named, named, lambda record: record):
        write_run(tmp_path, change=change)
    labels = [run.label for run in load_report([str(tmp_path)]).runs]
    assert len(set(labels)) == 3
    assert max(map(len, labels)) < 100


def test_no_runs_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        load_report([str(tmp_path)])
    with pytest.raises(ConfigError, match="no such folder"):
        load_report([str(tmp_path / "elsewhere")])


def test_runs_that_are_compared_with_are_kept_apart(reports: Path, write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, "precision=BF16")
    report = load_report([str(tmp_path)], [str(reports)])
    assert [len(report.runs), len(report.against)] == [1, 4]
    assert report.runs[0].label == "ppocrv6_small BF16"


def test_it_is_plain_data(report: Report) -> None:
    data = report_data(report)
    assert json.loads(json.dumps(vars(data), allow_nan=False))["title"] == data.title


def test_a_report_without_a_finished_run_has_the_table_and_the_reason(write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, error="out of memory")
    sections = report_data(load_report([str(tmp_path)])).sections
    assert list(sections) == ["summary", "runs", "environment"]
    assert sections["summary"]["warnings"][0]["lines"][0]["text"] == "out of memory"
    assert list(report_data(Report(title="none", runs=())).sections) == ["summary", "runs", "environment"]


class TestSummary:
    def test_warnings_name_what_failed_or_is_doubtful(self, sections: Any) -> None:
        warnings = {each["kind"]: each for each in sections["summary"]["warnings"]}
        assert list(warnings) == ["failed", "precision", "unrepeatable", "noisy"]
        assert warnings["failed"]["title"] == "1 run failed"
        assert "FP16 requested, bf16 80% f32 20% executed" in warnings["precision"]["lines"][0]["text"]
        assert warnings["unrepeatable"]["lines"][0]["text"].startswith("1 of 2 images were read differently later")
        assert warnings["noisy"]["lines"] == [{"label": "ppocrv6_small FP16", "text": "others used the CPU"}]

    def test_winners_are_named_with_intervals_and_the_next(self, sections: Any) -> None:
        (group,) = sections["summary"]["groups"]
        fastest, accurate, bounded = group["winners"]
        assert (fastest["goal"], fastest["label"]) == ("Fastest", "ppocrv6_small INT8")
        assert "a median latency of 48.6 ms [" in fastest["numbers"]
        assert fastest["margin"].endswith("ppocrv6_small FP16, is open: no verdict from noisy runs.")
        # As accurate as FP32, and faster.
        assert (accurate["goal"], accurate["label"]) == ("Most accurate", "ppocrv6_small FP16")
        assert "may be chance (39.3 % of all images may be unlike these 6" in accurate["margin"]
        assert group["bound_ms"] == 97
        assert bounded["goal"] == "Most accurate within 97 ms"
        assert bounded["label"] == "ppocrv6_small FP16"
        assert "a median latency of 96.6 ms" in bounded["numbers"]

    def test_the_lead_of_repeated_runs_has_an_interval(self, write_run: WriteRun, tmp_path: Path) -> None:
        for ms in (100, 101, 102):
            write_run(tmp_path, "precision=FP32", ms=ms)
            write_run(tmp_path, "precision=INT8", ms=ms / 2)
        (group,) = report_data(load_report([str(tmp_path)])).sections["summary"]["groups"]
        fastest = group["winners"][0]
        assert "its latency differs by -49.8 % [-50.9, -48.6]: faster." in fastest["margin"]

    def test_runs_on_other_images_are_not_held_against_each_other(self, write_run: WriteRun, tmp_path: Path) -> None:
        write_run(tmp_path, "precision=FP32", ms=100)
        write_run(tmp_path, "precision=INT8", ms=50, change=lambda record: replace(record, dataset_sha256="e" * 64))
        groups = report_data(load_report([str(tmp_path)])).sections["summary"]["groups"]
        assert [group["runs"] for group in groups] == [[0], [1]]
        assert all(winner["margin"] == "" for group in groups for winner in group["winners"])
        assert groups[0]["name"] != groups[1]["name"]

    def test_repeats_of_a_cell_are_not_each_others_rivals(self, write_run: WriteRun, tmp_path: Path) -> None:
        for ms in (100, 101):
            write_run(tmp_path, "precision=FP32", ms=ms)
        (group,) = report_data(load_report([str(tmp_path)])).sections["summary"]["groups"]
        assert all(winner["margin"] == "" for winner in group["winners"])

    def test_speed_alone_where_there_is_no_ground_truth(self, write_run: WriteRun, tmp_path: Path) -> None:
        def without(record: Run) -> Run:
            kept = tuple(
                each for each in record.score_list if each.stage in ("", "end_to_end") and "e2e" not in each.metric
            )
            return replace(record, score_list=kept)

        write_run(tmp_path, change=without)
        sections = report_data(load_report([str(tmp_path)])).sections
        assert [winner["goal"] for winner in sections["summary"]["groups"][0]["winners"]] == ["Fastest"]
        assert sections["pareto"]["y"] == []


class TestIntervals:
    def test_they_hold_the_tables_value(self, report: Report) -> None:
        for run in report.finished:
            assert {"latency_p50_ms", "e2e_hmean", "det_hmean"} <= set(run.intervals)
            for name, interval in run.intervals.items():
                assert interval.low <= run.row[name] <= interval.high
                assert interval.estimate == run.row[name]

    def test_those_of_latencies_cover_as_often_as_they_say(self) -> None:
        generator = np.random.default_rng(3)
        truth = {"latency_p50_ms": 100.0, "latency_mean_ms": 100.0 * np.exp(0.3**2 / 2)}
        covered = dict.fromkeys(truth, 0)
        for _ in range(200):
            latencies = generator.lognormal(0, 0.3, 40) * 1e8
            frame = pd.DataFrame({"sample_id": [str(i) for i in range(40)], "latency_ns": latencies})
            row = {
                "latency_p50_ms": float(np.median(latencies)) / 1e6,
                "latency_mean_ms": float(latencies.mean()) / 1e6,
            }
            intervals = latency_intervals(frame, row)
            for name, true in truth.items():
                covered[name] += intervals[name].low <= true <= intervals[name].high
        assert all(0.9 <= count / 200 <= 0.99 for count in covered.values()), covered

    def test_two_images_say_nothing(self, write_run: WriteRun, tmp_path: Path) -> None:
        write_run(tmp_path, images=2)
        (run,) = load_report([str(tmp_path)]).runs
        assert run.intervals == {}


class TestSampling:
    def test_every_run_of_a_dataset_has_the_same_images(self, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(model, "MAX_IMAGES", 12)
        report = load_report([str(reports)])
        images = [{outcome.sample_id for outcome in run.outcomes} for run in report.finished]
        assert [len(ids) for ids in images] == [4, 4, 4]
        assert images[0] == images[1] == images[2]
        assert "4 of each dataset" in report.sampled

    def test_all_images_where_there_are_few(self, report: Report) -> None:
        assert [len(run.outcomes) for run in report.finished] == [6, 6, 6]
        assert report.sampled == ""


class TestLatency:
    def test_it_agrees_with_the_table(self, report: Report, sections: Any) -> None:
        for entry in sections["latency"]["runs"]:
            run = report.runs[entry["run"]]
            levels, quantiles = entry["levels"], entry["quantiles_ms"]
            assert np.interp(0.5, levels, quantiles) == pytest.approx(run.row["latency_p50_ms"], rel=1e-3)
            assert sum(entry["stages_ms"]) == pytest.approx(run.row["latency_mean_ms"], rel=1e-3)
            assert entry["times"] == 6

    def test_the_cost_of_an_image_and_of_a_word(self) -> None:
        words = np.repeat([1.0, 3.0, 5.0, 8.0], 5)
        found = cost(np.column_stack([words, 20 + 3 * words]))
        assert found is not None
        assert found["fixed_ms"] == pytest.approx([20, 20, 20])
        assert found["per_word_ms"] == pytest.approx([3, 3, 3])
        assert found["explained"] == 1

    def test_noise_widens_the_interval_around_the_truth(self) -> None:
        generator = np.random.default_rng(0)
        words = generator.integers(1, 30, 80).astype(float)
        found = cost(np.column_stack([words, 20 + 3 * words + generator.normal(0, 4, 80)]))
        assert found is not None
        estimate, low, high = found["per_word_ms"]
        assert low < 3 < high
        assert low < estimate < high

    @pytest.mark.parametrize("images", [np.array([[1.0, 5.0]] * 9), np.array([[1.0, 5.0], [2.0, 6.0]])])
    def test_there_is_no_line_through_one_number_of_words(self, images: Any) -> None:
        assert cost(images) is None

    def test_a_cloud_is_thinned(self, write_run: WriteRun, tmp_path: Path) -> None:
        write_run(tmp_path, images=POINTS + 50)
        (entry,) = report_data(load_report([str(tmp_path)])).sections["latency"]["runs"]
        assert len(entry["points"]) == POINTS


def test_precision_shows_shares_side_by_side(sections: Any) -> None:
    rows = sections["precision"]["rows"]
    assert len(rows) == 6
    int8 = next(row for row in rows if row["asked"] == "INT8")
    assert int8["bars"] == [{"kind": "i8", "left": 0.0, "width": 90.0}, {"kind": "f32", "left": 90.0, "width": 10.0}]
    assert [row["honoured"] for row in rows if row["asked"] == "FP16"] == [False, False]


def test_profiled_runs_show_their_slowest_layers(reports: Path, tmp_path: Path) -> None:
    (run, *_) = find_runs([str(reports)])
    names = [f"layer_{number}" for number in range(LAYERS_SHOWN + 3)]
    layers = pd.DataFrame({"stage": "detector", "network": "network", "layer": names, "type": "Convolution"})
    # The first took no time: it is not one of the others either.
    layers["executed"], layers["ms"] = "f32", [0.0, *range(1, len(names))]
    Store(tmp_path).add(run, run.timings, run.outcomes, {LAYERS: layers.to_csv(index=False)})

    (profile,) = report_data(load_report([str(tmp_path)])).sections["precision"]["profiles"]

    assert (profile["part"], profile["count"]) == ("detector", len(names) - 1)
    assert profile["rows"][0]["layer"] == names[-1]
    assert profile["rest"]["count"] == 2
    shares = [row["share"] for row in profile["rows"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) + profile["rest"]["share"] == pytest.approx(1)


def test_environment_tells_what_is_shared_and_what_differs(write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, "precision=FP32")
    write_run(tmp_path, "precision=INT8", change=lambda record: replace(record, conditions={"governor": "powersave"}))
    environment = report_data(load_report([str(tmp_path)])).sections["environment"]
    assert ("Machine", "bench") in environment["shared"]
    assert [each["facts"] for each in environment["different"]] == [
        (("Governor", "performance"),),
        (("Governor", "powersave"),),
    ]


def test_some_outcomes_are_those_of_all(reports: Path) -> None:
    (run, *_) = find_runs([str(reports)])
    store, run_id = Store(reports), run.run_id
    everything = store.find(run_id).outcomes
    wanted = {"img_1.jpg", "img_4.jpg", "no such image"}
    assert replace(store.find(run_id), sample_ids=frozenset(wanted)).outcomes == [
        each for each in everything if each.sample_id in wanted
    ]
    assert replace(store.find(run_id), sample_ids=frozenset(set())).outcomes == []


def test_a_run_of_an_earlier_ocrbench_is_shown_too() -> None:
    data = report_data(load_report([str(EARLIER)]))
    assert {"summary", "pareto", "latency", "precision"} <= set(data.sections)
    assert data.sections["environment"]["runs"][0]["command"].startswith("python -m ocrbench device=CPU precision=FP16")
