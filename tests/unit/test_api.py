import pkgutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ocrbench
from ocrbench.errors import ConfigError
from ocrbench.records import Region, Score
from ocrbench.report.pareto import front, pareto_figure
from ocrbench.runs.run import Outcome, Run
from ocrbench.runs.store import Store

HOSTILE = "<script>alert(1)</script>"
POINTS = {"a": ("FP32", 100.0, 0.9), "b": ("INT8", 50.0, 0.8), "c": ("INT8", 120.0, 0.85)}


def score(metric: str, value: float, *, higher: bool) -> Score:
    return Score(stage="end_to_end", metric=metric, value=value, unit="", higher_is_better=higher, n=1)


def make_record(name: str, precision: str, latency: float, hmean: float) -> Run:
    stage = {"name": "model", "precision": precision, "device": "CPU"}
    plain = {"detector": stage, "recognizer": stage, "scenario": {"name": "latency"}, "dataset": {"name": "sample"}}
    scores = (score("latency_p50_ms", latency, higher=False), score("e2e_hmean", hmean, higher=True))
    return Run(run_id=name, started=f"2026-01-01T00:00:0{len(name)}", status="ok", config=plain, score_list=scores)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Three finished runs and a failed one with a hostile reason."""
    store = Store(tmp_path)
    region = Region(polygon=((0, 0), (9, 0), (9, 9), (0, 9)), text="A")
    outcomes = [Outcome(sample_id="1.png", predicted=(region,), expected=(region,))]
    for name, point in POINTS.items():
        store.save(make_record(name, *point), pd.DataFrame({"sample_id": ["1.png"]}), outcomes)
    failed = replace(make_record("failed", "FP16", 1, 1), status="failed", error=HOSTILE, score_list=())
    store.save(failed, pd.DataFrame(), [])
    return tmp_path


@pytest.fixture
def runs(reports: Path) -> ocrbench.Runs:
    return ocrbench.load(reports)


def test_every_name_is_there_and_none_is_that_of_a_module() -> None:
    assert set(ocrbench.__all__) <= set(dir(ocrbench))
    assert all(getattr(ocrbench, name) for name in ocrbench.__all__)
    assert not {module.name for module in pkgutil.iter_modules(ocrbench.__path__)} & set(ocrbench.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ocrbench.nothing  # noqa: B018


def test_runs_are_a_sequence_with_failed_ones_too(runs: ocrbench.Runs) -> None:
    assert [run.id for run in runs] == ["a", "b", "c", "failed"]
    assert repr(runs) == "<Runs: 4, 1 failed>"
    assert isinstance(runs[:2], ocrbench.Runs)
    assert [run.id for run in runs[:2]] == ["a", "b"]
    assert [run.ok for run in runs] == [True, True, True, False]


def test_runs_are_chosen_by_column_and_by_condition(runs: ocrbench.Runs) -> None:
    assert [run.id for run in runs.where(precision="INT8")] == ["b", "c"]
    assert [run.id for run in runs.where(lambda run: run.scores["latency_p50_ms"] > 100, precision="INT8")] == ["c"]
    assert len(runs.where(device="GPU")) == 0
    with pytest.raises(ConfigError, match="precison: no such column; did you mean precision"):
        runs.where(precison="INT8")


def test_a_run_gives_what_is_stored(runs: ocrbench.Runs) -> None:
    run = runs[0]
    assert run.scores == {"latency_p50_ms": 100.0, "e2e_hmean": 0.9}
    assert run.row["e2e_hmean"] == 0.9
    assert list(run.timings["sample_id"]) == ["1.png"]
    assert run.outcomes[0].predicted[0].text == "A"
    assert repr(run) == "<Run a: precision='FP32', device='CPU', scenario='latency', dataset='sample', ok>"


def test_tables_have_both_forms(runs: ocrbench.Runs) -> None:
    assert list(runs.to_frame()["run_id"]) == ["a", "b", "c", "failed"]
    assert len(runs.to_frame(long=True)) == 6


def test_what_a_notebook_shows_is_escaped(runs: ocrbench.Runs) -> None:
    for shown in (runs._repr_html_(), runs[3]._repr_html_()):
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown


def test_the_figure_has_a_point_per_finished_run_and_the_front(runs: ocrbench.Runs) -> None:
    figure = runs.plot_pareto()
    assert [(trace.name, list(trace.x)) for trace in figure.data] == [
        ("front", [50.0, 100.0]),
        ("FP32, CPU", [100.0]),
        ("INT8, CPU", [50.0, 120.0]),
    ]
    assert figure.layout.xaxis.title.text == "latency_p50_ms (less is better)"


@pytest.mark.parametrize(
    ("x", "message"),
    [("host", "no such column of numbers"), ("server_rate_ips", "none of 4 runs has finished and has both")],
)
def test_a_figure_of_what_is_not_there_is_refused(runs: ocrbench.Runs, x: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        runs.plot_pareto(x=x)


def test_a_failed_cell_is_not_on_the_front() -> None:
    fast = replace(make_record("fast", "INT8", 10.0, 0.2), status="failed", error="out of memory")
    figure = pareto_figure([make_record("slow", "FP32", 100.0, 0.9), fast], "latency_p50_ms", "e2e_hmean")
    assert [(trace.name, list(trace.x)) for trace in figure.data] == [("front", [100.0]), ("FP32, CPU", [100.0])]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"config": {"dataset": {"name": "other"}}}, ["front: sample, latency", "front: other, latency"]),
        ({"config": {"scenario": {"name": "server"}}}, ["front: sample, latency", "front: sample, server"]),
        ({"environment": {"host": {"name": "<b>"}}}, ["front: sample, latency", "front: sample, latency, &lt;b&gt;"]),
        ({"dataset_sha256": "1"}, ["front: sample, latency", "front: sample, latency"]),
    ],
)
def test_runs_that_do_not_compete_have_fronts_of_their_own(changes: dict[str, Any], names: list[str]) -> None:
    one = make_record("one", "FP32", 100.0, 0.9)
    other = replace(one, **{**changes, "config": {**one.config, **changes.get("config", {})}})
    figure = pareto_figure([one, other], "latency_p50_ms", "e2e_hmean")
    assert [(trace.name, list(trace.x)) for trace in figure.data[:-1]] == [(name, [100.0]) for name in names]
    assert len(figure.data[-1].x) == 2


def test_what_figures_show_is_escaped(runs: ocrbench.Runs, tmp_path: Path) -> None:
    record = runs[0]
    hostile = {
        **record.config,
        "dataset": {"name": HOSTILE},
        "detector": {**record.config["detector"], "device": HOSTILE},
    }
    Store(tmp_path / "hostile").save(replace(record, config=hostile), pd.DataFrame(), [])
    _, points = ocrbench.load(tmp_path / "hostile").plot_pareto().data
    assert "<script" not in points.name + points.text[0]


def test_points_that_are_equal_or_beaten_are_not_on_the_front() -> None:
    assert front([(1, 1), (1, 1), (2, 1), (0, 1)], higher=(True, True)) == [(2, 1)]
    assert front([(1, 5), (1, 4), (2, 6)], higher=(False, False)) == [(1, 4)]


def test_mistakes_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ocrbench.OcrBenchError, match=r"expected a list of overrides, for example \['precision=INT8'\]"):
        ocrbench.run("precision=INT8")
    with pytest.raises(ConfigError, match="no such folder"):
        ocrbench.run(config_dir=tmp_path / "none")
    with pytest.raises(ConfigError, match="is a folder; expected one image"):
        ocrbench.read(tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        ocrbench.read(tmp_path / "none.png")
    with pytest.raises(ConfigError, match="holds no run"):
        ocrbench.load(tmp_path)
