"""Runs → pandas: the columns, failed runs, what ran where."""

import math
from dataclasses import replace
from typing import Any

import pytest

from ocrbench.records import Region, Score
from ocrbench.runs import table
from ocrbench.runs.columns import NAMES, NUMBERS
from ocrbench.runs.run import Outcome, Run, reading_of


def score(metric: str, value: float, stage: str = "end_to_end", n: int = 3) -> Score:
    return Score(stage=stage, metric=metric, value=value, unit="ms", higher_is_better=False, n=n)


def stage(name: str, device: str = "CPU", precision: str = "FP16") -> dict[str, str]:
    return {"name": name, "device": device, "precision": precision}


def network(device: str = "CPU", honoured: bool = True, **executed: float) -> dict[str, Any]:
    return {"executed": executed, "execution_devices": [device], "honoured": honoured}


def run(**changes: Any) -> Run:
    record = Run(
        run_id="cell-1",
        started="2030-01-01T00:00:00",
        status="ok",
        config={
            "detector": stage("finder"),
            "recognizer": stage("reader"),
            "scenario": {"name": "latency"},
            "dataset": {"name": "sample"},
        },
        environment={"versions": {"openvino": "2030.1"}, "host": {"name": "bench"}},
        execution={
            "detector": {"network": network(bf16=0.806, f32=0.19, other=0.004)},
            "recognizer": {"network": network(i8=1.0)},
        },
        score_list=(score("latency_p50_ms", 12.5), score("det_hmean", 0.75, "detection", n=40)),
    )
    return replace(record, **changes)


def test_a_finished_run_is_one_row_with_every_column() -> None:
    frame = table.wide([run()])
    assert tuple(frame.columns) == NAMES
    (row,) = frame.to_dict("records")
    filled = {name: value for name, value in row.items() if value == value and value not in ("", None)}
    assert filled == {
        "run_id": "cell-1",
        "started": "2030-01-01T00:00:00",
        "status": "ok",
        # It does not say that images were timed at their first reading.
        "pictures": "seen",
        "warm_latency_p50_ms": 12.5,
        "detector": "finder",
        "recognizer": "reader",
        "precision": "FP16",
        "device": "CPU",
        "scenario": "latency",
        "dataset": "sample",
        "det_hmean": 0.75,
        "latency_p50_ms": 12.5,
        "detector_executed": "bf16 81% f32 19%",
        "recognizer_executed": "i8 100%",
        "precision_honoured": "yes",
        "execution_devices": "CPU",
        "openvino": "2030.1",
        "host": "bench",
    }


def test_a_failed_run_keeps_its_row_with_the_reason_and_empty_numbers() -> None:
    failed = run(run_id="cell-2", status="failed", error="no such device", score_list=(), execution={}, environment={})
    frame = table.wide([run(), failed])
    row = frame.iloc[1]
    assert (row["status"], row["error"], row["detector"]) == ("failed", "no such device", "finder")
    assert all(math.isnan(row[name]) for name in NUMBERS)
    assert table.long([run(), failed])["run_id"].unique().tolist() == ["cell-1"]


@pytest.mark.parametrize("records", [[], [run()], [run(score_list=())]], ids=["no runs", "a run", "no scores"])
def test_types_do_not_depend_on_the_content(records: list[Run]) -> None:
    frame = table.wide(records)
    assert tuple(frame.columns) == NAMES
    assert {str(frame[name].dtype) for name in NUMBERS} == {"float64"}
    assert tuple(table.long(records).columns) == table.LONG_COLUMNS


def test_two_devices_or_precisions_are_both_shown() -> None:
    config = {
        **run().config,
        "detector": stage("finder", device="GPU.1", precision="FP16"),
        "recognizer": stage("reader", device="CPU", precision="INT8"),
    }
    execution = {
        "detector": {"network": network("GPU.1", f16=1.0)},
        "recognizer": {"network": network("CPU", honoured=False, f32=1.0)},
    }
    (row,) = table.wide([run(config=config, execution=execution)]).to_dict("records")
    assert (row["device"], row["precision"]) == ("GPU.1+CPU", "FP16+INT8")
    assert row["execution_devices"] == "GPU.1,CPU"
    assert row["precision_honoured"] == "no"


@pytest.mark.parametrize(
    ("detector", "recognizer", "shown"), [([], [], "yes"), ([], ["bf16"], "no"), (["bf16"], [], "no")]
)
def test_a_type_that_was_emulated_is_not_native(detector: list[str], recognizer: list[str], shown: str) -> None:
    execution = {
        "detector": {"network": {**network(bf16=1.0), "emulated": detector}},
        "recognizer": {"network": {**network(bf16=1.0), "emulated": recognizer}},
    }
    (row,) = table.wide([run(execution=execution)]).to_dict("records")
    assert row["precision_native"] == shown


def test_an_earlier_run_does_not_say_what_was_native() -> None:
    (row,) = table.wide([run()]).to_dict("records")
    assert row["precision_native"] is None


def test_a_stage_of_several_networks_shows_each() -> None:
    execution = {"recognizer": {"encoder": network(bf16=1.0), "decoder": network(f32=1.0)}}
    (row,) = table.wide([run(execution=execution)]).to_dict("records")
    assert row["recognizer_executed"] == "bf16 100% / f32 100%"
    assert row["execution_devices"] == "CPU"


def test_the_long_form_has_a_row_per_score() -> None:
    assert table.long([run()]).to_dict("records") == [
        {
            "run_id": "cell-1",
            "stage": stage_name,
            "metric": metric,
            "value": value,
            "unit": "ms",
            "higher_is_better": False,
            "n": n,
        }
        for stage_name, metric, value, n in (
            ("end_to_end", "latency_p50_ms", 12.5, 3),
            ("detection", "det_hmean", 0.75, 40),
        )
    ]


def test_a_noisy_run_says_why() -> None:
    noisy = run(noisy=("an image's time drifted", "other processes used 50% of the CPU"))
    rows = table.wide([run(), noisy]).to_dict("records")
    assert [row["noisy"] for row in rows] == ["", "an image's time drifted; other processes used 50% of the CPU"]
    assert list(NAMES).index("noisy") == list(NAMES).index("status") + 1


def test_half_an_interval_follows_an_accuracy() -> None:
    scores = (score("det_hmean", 0.75, "detection"), score("det_hmean_pm", 0.0312, "detection"))
    (cells,) = table.cells(table.wide([run(score_list=scores)]), ["det_hmean", "e2e_hmean"])
    assert cells == ["0.750 ±0.031", "–"]


def test_whether_runs_read_the_same_is_shown_where_they_do_not() -> None:
    one, other = run(reading="a1"), run(reading="b2")
    assert "reading" in table.shown_columns(table.wide([one, other]))
    assert "reading" not in table.shown_columns(table.wide([one, one]))


def test_equal_texts_have_an_equal_hash() -> None:
    def outcome(*texts: str, sample_id: str = "a.png") -> Outcome:
        regions = tuple(Region(polygon=((0, 0), (9, 0), (9, 9)), text=text, confidence=0.5) for text in texts)
        return Outcome(sample_id=sample_id, predicted=regions, expected=())

    assert reading_of([outcome("Exit")]) == reading_of([outcome("Exit")])
    assert (
        len({reading_of([each]) for each in (outcome("Exit"), outcome("Ex", "it"), outcome("Exit", sample_id="b"))})
        == 3
    )
    assert reading_of([]) == ""
