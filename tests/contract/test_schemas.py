"""Runs of other schemas: earlier ones stay readable, later ones are left out with a word about it."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from ocrbench.compare.stored import compare_stored
from ocrbench.metrics.intervals import HALF_WIDTH
from ocrbench.metrics.scorers import iou
from ocrbench.metrics.scoring import METRICS
from ocrbench.report.history import history
from ocrbench.runs import table
from ocrbench.runs.columns import BY_NAME, NUMBERS
from ocrbench.runs.store import MIGRATIONS, SCHEMA, Store, find_runs

# Written by ocrbench when its schema was 1; only folders and the host's name were replaced by neutral ones.
FIRST = Path(__file__).parents[1] / "data" / "run-schema-1"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copytree(FIRST, tmp_path / "reports")
    return Store(tmp_path / "reports")


def test_every_earlier_schema_has_its_migration() -> None:
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA))


def test_a_run_of_schema_1_is_read(store: Store) -> None:
    (record,) = store.runs()
    assert record.cell_id == record.series == record.run_id
    assert (record.status, record.noisy, record.conditions) == ("ok", (), {})
    assert len(store.find(record.run_id).outcomes) == 2
    assert len(store.find(record.run_id).timings) == 8
    assert store.newest(record.run_id) == record


def test_it_is_a_row_of_the_wide_table(store: Store) -> None:
    (row,) = table.wide(store.runs()).to_dict("records")
    assert (row["detector"], row["status"], row["noisy"], row["host"]) == ("ppocrv6_small", "ok", "", "bench")
    assert (row["openvino"], row["images"], row["words"]) == ("2026.4.1", 2, 25)
    of_iou = {metric.name for metric in iou.SCORER.metrics}
    # Metrics of later scorers are filled in by ``ocrbench score``.
    of_then = [name for name in NUMBERS if not BY_NAME[name].scenarios and (name not in METRICS or name in of_iou)]
    empty = [name for name in of_then if row[name] != row[name]]
    # What was not recorded then.
    unknown = ["repeatability", "timed", "new_shape_share", "input_shapes", "pss_mb"]
    # Two images have no interval.
    empty = [name for name in empty if not name.endswith(HALF_WIDTH)]
    assert empty == unknown, "this column has no value in an old run: give it one, or say why here"


def test_it_has_a_history(store: Store) -> None:
    assert history(store.runs(), "latency_p50_ms")["value"].tolist() == [pytest.approx(168.1355565)]


def test_it_can_be_compared(store: Store) -> None:
    runs = find_runs([str(store.root)])
    comparison = compare_stored(runs, runs, margin=0.03)
    accuracy = comparison.change("e2e_hmean")
    assert accuracy is not None
    assert accuracy.before == accuracy.after == pytest.approx(0.3415, abs=1e-4)
    assert comparison.warnings == ()


def test_saving_it_again_makes_it_one_of_this_schema(store: Store) -> None:
    (record,) = store.runs()
    store.save(record, store.find(record.run_id).timings, store.find(record.run_id).outcomes)
    content = json.loads((store.root / record.run_id / "run.json").read_text(encoding="utf-8"))
    assert content["schema"] == SCHEMA
    assert store.runs() == [record]


def test_a_run_of_a_newer_ocrbench_is_left_out_with_a_warning(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    (path,) = store.root.glob("*/run.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "schema": SCHEMA + 1}), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert store.runs() == []
    assert f"schema {SCHEMA + 1} of a newer ocrbench, this one reads up to {SCHEMA}" in caplog.text
    assert str(path) in caplog.text


@pytest.mark.parametrize("schema", [0, -1, "two", None])
def test_a_schema_that_never_was_is_left_out_with_a_warning(
    schema: object, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    (path,) = store.root.glob("*/run.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "schema": schema}), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert store.runs() == []
    assert str(path) in caplog.text
