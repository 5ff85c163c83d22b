"""``profile=true`` on real cells: the trace and the table tell the same times, and the layers are there."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import jsonschema
import pandas as pd
import pytest

from ocrbench.runs.run import Run
from ocrbench.runs.store import Store
from ocrbench.scenarios.throughput import ThroughputSetup

Command = Callable[..., CompletedProcess[str]]
SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "trace-event.schema.json").read_text(encoding="utf-8"))
STAGES = ("read", "detect", "detect_infer", "crop", "recognize", "recognize_infer")
SMALLER = ("detector.limit_type=max", "detector.limit_side=640")
SMALL = ("precision=FP32", "dataset.limit=2", "scenario.min_seconds=0", *SMALLER)

pytestmark = pytest.mark.slow


def trace_of(store: Store, record: Run) -> dict[str, Any]:
    (path,) = (store.root / record.run_id).glob("logs-*/trace.json")
    trace: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(trace, SCHEMA)
    return trace


def sums_ms(trace: dict[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            found[event["name"]] += event["dur"] / 1000
    return found


@pytest.fixture(scope="module")
def profiled(ocrbench: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, CompletedProcess[str]]:
    """A profiled cell after the same cell without profile; what the second one printed."""
    reports = tmp_path_factory.mktemp("reports")
    plain = ocrbench(*SMALL, "attest=off", f"reports_dir={reports}")
    assert plain.returncode == 0, plain.stderr
    assert "by type of layer" not in plain.stdout
    done = ocrbench(*SMALL, "attest=off", f"reports_dir={reports}", "profile=true")
    assert done.returncode == 0, done.stderr
    return Store(reports), done


def test_a_run_without_profile_is_measured_again_under_the_same_id(
    profiled: tuple[Store, CompletedProcess[str]], ocrbench: Command
) -> None:
    store, _ = profiled
    plain, other = store.runs()
    assert (plain.cell_id, plain.series) == (other.cell_id, other.series)
    assert not list((store.root / plain.run_id).glob("logs-*"))
    again = ocrbench(*SMALL, "attest=off", f"reports_dir={store.root.parent}", "profile=true")
    assert "measured before" in again.stderr
    assert "by type of layer" in again.stdout
    assert len(store.runs()) == 2


def test_stage_sums_of_the_trace_agree_with_the_table(profiled: tuple[Store, CompletedProcess[str]]) -> None:
    store, _ = profiled
    record = store.runs()[-1]
    found = sums_ms(trace_of(store, record))
    # Every image was seen in the warm-up, so all of them count.
    means = {score.stage: score for score in record.score_list if score.metric.endswith("_mean_ms")}
    for stage in STAGES:
        assert found[stage] == pytest.approx(means[stage].value * means[stage].n, rel=0.02), stage


def test_every_layer_has_its_time_and_types_add_up(profiled: tuple[Store, CompletedProcess[str]]) -> None:
    store, done = profiled
    record = store.runs()[-1]
    (path,) = (store.root / record.run_id).glob("logs-*/layers.csv")
    layers = pd.read_csv(path)
    scores = {score.metric: score.value for score in record.score_list}
    for role, stage in (("detector", "detect"), ("recognizer", "recognize")):
        own = layers[layers["stage"] == role]
        types = record.execution[role]["network"]["layer_types"]
        assert sum(each["ms"] for each in types) == pytest.approx(own["ms"].sum(), rel=1e-3)
        convolutions = [each for each in types if each["type"] == "Convolution"]
        assert convolutions[0]["executed"] == "f32"
        assert convolutions[0]["layers"] > 10
        # The layers are timed at another moment than the stages, so only roughly.
        assert 0.1 < own["ms"].sum() / scores[f"{stage}_infer_mean_ms"] < 4
        assert role in done.stdout
    assert str(path) in done.stdout


def test_images_in_flight_have_a_track_each(ocrbench: Command, tmp_path: Path) -> None:
    check_tracks(ocrbench, tmp_path, "scenario.requests=2")


def test_so_have_those_of_several_processes(two_cores: None, ocrbench: Command, tmp_path: Path) -> None:
    check_tracks(ocrbench, tmp_path, "scenario.requests=1", "scenario.processes=2")


def check_tracks(ocrbench: Command, tmp_path: Path, *two: str) -> None:
    # Each block of repeats has 128 images.
    smaller = "detector.limit_side=320"
    words = ("scenario=throughput", *two, "scenario.warmup_images=2", smaller)
    done = ocrbench(
        "precision=FP32",
        "dataset.limit=2",
        "scenario.min_seconds=0.1",
        *words,
        "profile=true",
        f"reports_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    store = Store(tmp_path)
    (record,) = store.runs()
    trace = trace_of(store, record)
    assert {event["tid"] for event in trace["traceEvents"] if event["ph"] == "X"} == {1, 2}
    timings = store.find(record.run_id).timings
    measured = timings[~timings["warmup"]]
    assert len(measured) >= 2 + ThroughputSetup.block_queries
    found = sums_ms(trace)
    for stage in STAGES:
        assert found[stage] == pytest.approx(measured[f"{stage}_ns"].sum() / 1e6, rel=0.02), stage
