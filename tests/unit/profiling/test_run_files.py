"""Layers with their times, and the timeline of pipelines at work: valid for Perfetto, and true to the stages' times."""

import functools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest

from doubles import Clock
from ocrbench.engines import pipeline
from ocrbench.engines.pipeline import Pipeline
from ocrbench.geometry import rectangle
from ocrbench.models.interface import Reading
from ocrbench.profiling.run_files import chrome_trace, layer_frame, summarised
from ocrbench.records import Graph, Image, Network, Region, Span
from ocrbench.scenarios import SCENARIOS, latency, throughput
from ocrbench.scenarios.interface import Block, Setup
from ocrbench.scenarios.throughput import ThroughputSetup


def layer(name: str, kind: str, exec_type: str, microseconds: int) -> dict[str, Any]:
    originals = (name, f"{name}/bias")
    return {"name": name, "kind": kind, "exec_type": exec_type, "microseconds": microseconds, "originals": originals}


LAYERS = [
    layer("image", "Convert", "jit_avx512_U8", 400),
    layer("a", "Convolution", "brgconv_avx512_f32", 3000),
    layer("b", "Convolution", "brgconv_avx512_f32", 1000),
    layer("c", "Convolution", "brgconv_avx512_bf16", 6000),
    layer("d", "Result", "unknown", 0),
]
EXECUTION = {
    "detector": {"network": {"device": "CPU", "layers": LAYERS, "replayed": 2}},
    "recognizer": {"network": {"device": "CPU", "layers": [], "replayed": 2}},
}


def test_every_layer_is_listed_with_its_time_per_image() -> None:
    frame = layer_frame(EXECUTION)
    assert frame["layer"].tolist() == ["image", "a", "b", "c", "d"]
    assert frame["ms"].tolist() == [0.2, 1.5, 0.5, 3.0, 0.0]
    # With no 8-bit arithmetic, what is 8-bit is the image.
    assert frame["executed"].tolist() == ["other", "f32", "f32", "bf16", "other"]
    assert frame["operations"][1] == "a a/bias"
    assert set(frame["stage"]) == {"detector"}


def test_types_are_told_apart_by_precision_and_add_up() -> None:
    found = summarised(EXECUTION)
    network = found["detector"]["network"]
    assert [(each["type"], each["executed"], each["layers"], each["ms"]) for each in network["layer_types"]] == [
        ("Convolution", "bf16", 1, 3.0),
        ("Convolution", "f32", 2, 2.0),
        ("Convert", "other", 1, 0.2),
    ]
    assert sum(each["ms"] for each in network["layer_types"]) == pytest.approx(layer_frame(EXECUTION)["ms"].sum())
    assert network["device"] == "CPU"
    assert "layers" not in network


def test_a_network_without_layers_has_no_types() -> None:
    assert summarised(EXECUTION)["recognizer"]["network"] == {"device": "CPU", "replayed": 2}


SCHEMA = json.loads((Path(__file__).parents[2] / "data" / "trace-event.schema.json").read_text(encoding="utf-8"))
STEP_SECONDS = 0.002
Traced = Callable[[str, Setup, int], tuple[Block, dict[str, Any]]]


class OneBox:
    """A detector that begins when all others have an image too."""

    def __init__(self, clock: Clock, all_at_work: threading.Barrier) -> None:
        self._clock = clock
        self._begin = functools.cache(all_at_work.wait)

    def graphs(self) -> Mapping[str, Graph]:
        return {}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        self._begin()
        self._clock.sleep(STEP_SECONDS)
        networks["network"](image)
        self._clock.sleep(STEP_SECONDS)
        return [Region(polygon=rectangle(0, 0, 8, 8))]

    def calibration(self, image: Image) -> Iterator[Image]:
        yield image


class OneText:
    min_confidence = 0.0

    def graphs(self) -> Mapping[str, Graph]:
        return {}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        for crop in crops:
            networks["network"](crop)
        return [Reading(text="text", confidence=1) for _ in crops]

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        yield from crops


@pytest.fixture
def feed(tmp_path: Path) -> list[tuple[str, Path]]:
    """Eight images, and a file that is none."""
    for number in range(8):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((16, 16, 3), np.uint8))
    (tmp_path / "8.png").write_text("no image")
    return [(f"{number}.png", tmp_path / f"{number}.png") for number in range(9)]


@pytest.fixture
def pipelines(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[Pipeline]]:
    """Make pipelines with one clock, by which nothing takes no time at all."""
    clock = Clock(tick_ns=1000)
    clock.rule(monkeypatch, pipeline, latency, throughput)

    def infer(*tensors: Any) -> tuple[Any, ...]:
        clock.sleep(STEP_SECONDS)
        return tensors

    def make(count: int) -> list[Pipeline]:
        networks, all_at_work = {"network": infer}, threading.Barrier(count, timeout=10)
        return [Pipeline(OneBox(clock, all_at_work), networks, OneText(), networks) for _ in range(count)]

    return make


@pytest.fixture
def traced(pipelines: Callable[[int], list[Pipeline]], feed: Any) -> Traced:
    """Measure a block and return it with its trace."""

    def run(scenario: str, setup: Setup, count: int) -> tuple[Block, dict[str, Any]]:
        at_work = pipelines(count)
        for each in at_work:
            assert each.trace() == []
        block = SCENARIOS[scenario].run(at_work, feed, setup)
        trace = chrome_trace("test", {number: each.trace() for number, each in enumerate(at_work)})
        jsonschema.validate(trace, SCHEMA)
        return block, trace

    return run


def complete(trace: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [event for event in trace["traceEvents"] if event["ph"] == "X"]


def sums_ms(trace: Mapping[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for event in complete(trace):
        found[event["name"]] += event["dur"] / 1000
    return found


RUNS = [("latency", Setup(), 1), ("throughput", ThroughputSetup(), 3), ("throughput", ThroughputSetup(together=3), 2)]


@pytest.mark.parametrize(("scenario", "setup", "count"), RUNS)
def test_stage_sums_are_those_of_the_stage_times(scenario: str, setup: Setup, count: int, traced: Traced) -> None:
    block, trace = traced(scenario, setup, count)
    times = [each.times for each in block.measurements if each.times]
    assert len(times) == 8
    found = sums_ms(trace)
    for stage in ("read", "detect", "detect_infer", "crop", "recognize", "recognize_infer"):
        expected = sum(getattr(each, f"{stage}_ns") for each in times) / 1e6
        assert found[stage] == pytest.approx(expected, rel=1e-6) != 0, stage
    inside = found["detect_pre"] + found["detect_infer"] + found["detect_post"]
    assert inside == pytest.approx(found["detect"], rel=1e-6)
    assert found["detect_pre"] > 8 * STEP_SECONDS * 1000


@pytest.mark.parametrize(("scenario", "setup", "count"), RUNS)
def test_each_pipeline_has_a_track_on_which_events_nest(
    scenario: str, setup: Setup, count: int, traced: Traced
) -> None:
    block, trace = traced(scenario, setup, count)
    names = {each["tid"]: each["args"]["name"] for each in trace["traceEvents"] if each["name"] == "thread_name"}
    assert names == {number: f"pipeline {number}" for number in range(1, count + 1)}
    events = complete(trace)
    assert {event["tid"] for event in events} == set(names)
    assert min(event["ts"] for event in events) == 0
    assert max(event["ts"] + event["dur"] for event in events) <= block.wall_ns / 1000
    for one, other in combinations(events, 2):
        if one["tid"] == other["tid"]:
            # Whole nanoseconds, since thousandths of a microsecond do not add up exactly.
            starts, ends = zip(*((round(e["ts"] * 1000), round((e["ts"] + e["dur"]) * 1000)) for e in (one, other)))  # noqa: B905
            inside = (starts[0] <= starts[1] and ends[1] <= ends[0]) or (starts[1] <= starts[0] and ends[0] <= ends[1])
            assert inside or ends[0] <= starts[1] or ends[1] <= starts[0]


def test_reading_names_its_image(traced: Traced) -> None:
    _, trace = traced("throughput", ThroughputSetup(), 2)
    assert sorted(each["args"]["image"] for each in complete(trace) if each["name"] == "read") == [
        f"{number}.png" for number in range(8)
    ]


def test_an_image_that_cannot_be_read_leaves_no_events(traced: Traced) -> None:
    _, trace = traced("throughput", ThroughputSetup(), 3)
    counts = Counter(event["name"] for event in complete(trace))
    assert {counts[stage] for stage in ("read", "detect", "crop", "recognize")} == {8}


def test_nothing_is_noted_unless_asked(pipelines: Callable[[int], list[Pipeline]], feed: Any) -> None:
    (reader,) = pipelines(1)
    SCENARIOS["latency"].run([reader], feed, Setup())
    assert reader.trace() == []
    SCENARIOS["latency"].run([reader], feed[:1], Setup())
    stages = ["read", "detect_infer", "detect", "crop", "recognize_infer", "recognize"]
    assert [span.stage for span in reader.trace()] == stages
    assert reader.trace() == []


def test_a_stage_that_called_no_network_has_no_parts() -> None:
    trace = chrome_trace("test", {0: [Span("detect", 1000, 3000), Span("recognize", 3000, 4000)]})
    assert [(e["name"], e["ts"], e["dur"]) for e in complete(trace)] == [("detect", 0, 2), ("recognize", 2, 1)]


def test_no_image_at_all_is_an_empty_track() -> None:
    trace = chrome_trace("test", {0: []})
    jsonschema.validate(trace, SCHEMA)
    assert complete(trace) == []


@pytest.mark.parametrize("spoilt", [{"dur": None}, {"ph": "B"}, {"ts": -1}, {"tid": "one"}])
def test_the_schema_refuses_what_perfetto_does(spoilt: dict[str, Any]) -> None:
    event = {"name": "read", "ph": "X", "ts": 0, "dur": 1, "pid": 1, "tid": 1} | spoilt
    event = {key: value for key, value in event.items() if value is not None}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"traceEvents": [event]}, SCHEMA)
