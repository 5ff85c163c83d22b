import io
import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from ocrbench.cli.export import app
from ocrbench.records import Score
from ocrbench.runs import table
from ocrbench.runs.columns import NAMES
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A finished run with an infinite number, and a failed one."""
    stage = {"name": "model", "precision": "FP16", "device": "CPU"}
    plain = {"detector": stage, "recognizer": stage, "scenario": {"name": "latency"}, "dataset": {"name": "sample"}}
    numbers = {"latency_p50_ms": 12.5, "rec_cer": float("inf")}
    scores = tuple(
        Score(stage="end_to_end", metric=name, value=value, unit="", higher_is_better=False, n=1)
        for name, value in numbers.items()
    )
    store = Store(tmp_path)
    finished = Run(run_id="one", started="2026-01-01", status="ok", config=plain, score_list=scores)
    failed = Run(run_id="two", started="2026-01-02", status="failed", config=plain, error='a "b", ü')
    for record in (finished, failed):
        store.save(record, pd.DataFrame(), [])
    return tmp_path


def export(*words: object) -> bytes:
    done = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout_bytes


def test_json_is_strict_and_has_null_for_what_is_not_finite(reports: Path) -> None:
    rows = json.loads(export("json", reports), parse_constant=pytest.fail)
    assert [list(row) for row in rows] == [list(NAMES)] * 2
    assert [(row["latency_p50_ms"], row["rec_cer"], row["error"]) for row in rows] == [
        (12.5, None, ""),
        (None, None, 'a "b", ü'),
    ]
    assert rows[0]["detector_executed"] is None


def test_every_format_holds_the_same_table(reports: Path, tmp_path: Path) -> None:
    expected = table.wide(Store(reports).runs())
    for name in ("csv", "parquet", "json"):
        assert export(name, reports, "--output", tmp_path / f"table.{name}") == b""
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), expected)
    csv = pd.read_csv(tmp_path / "table.csv")
    assert list(csv["run_id"]) == ["one", "two"]
    assert csv["rec_cer"][0] == float("inf")
    assert [row["run_id"] for row in json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))] == [
        "one",
        "two",
    ]


def test_the_long_form_has_a_row_per_metric(reports: Path) -> None:
    frame = pd.read_csv(io.BytesIO(export("csv", reports, "--long")))
    assert list(frame.columns) == list(table.LONG_COLUMNS)
    assert list(frame["metric"]) == ["latency_p50_ms", "rec_cer"]


def test_parquet_is_no_text_for_a_terminal(reports: Path) -> None:
    done = CliRunner().invoke(app, ["export", "parquet", str(reports)])
    assert done.exit_code == 2
