"""What is measured reaches the tables, and the tables reach every report."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ocrbench import table
from ocrbench.metrics.scoring import METRICS
from ocrbench.records import RunRecord
from ocrbench.report.tables import REPORTS
from ocrbench.store import Store


@pytest.fixture(scope="module")
def record(sample_run: tuple[Path, object]) -> RunRecord:
    (record,) = Store(sample_run[0]).records()
    return record


def test_every_metric_is_a_column() -> None:
    assert set(METRICS) <= set(table.NUMBER_COLUMNS)


def test_columns_are_named_once() -> None:
    assert len(set(table.WIDE_COLUMNS)) == len(table.WIDE_COLUMNS)
    assert len(set(table.LONG_COLUMNS)) == len(table.LONG_COLUMNS)


def test_a_real_run_fills_every_column(record: RunRecord) -> None:
    (row,) = table.wide([record]).to_dict("records")
    assert [name for name in table.NUMBER_COLUMNS if math.isnan(row[name])] == []
    empty = {name for name in (*table.TEXT_COLUMNS, *table.EXECUTION_COLUMNS) if not row[name]}
    # A quiet machine has no reason for "noisy" either, and there is no other run to tell this one from.
    assert empty - {"noisy"} == {"error", "settings"}


def test_scores_of_a_real_run_say_how_much_stands_behind_them(record: RunRecord) -> None:
    frame = table.long([record])
    assert set(METRICS) <= set(frame["metric"])
    assert frame["metric"].is_unique
    assert (frame["n"] > 0).all()
    assert frame["unit"].map(type).eq(str).all()
    ways = {row.metric: row.higher_is_better for row in frame.itertuples()}
    assert {name: ways[name] for name in METRICS} == {name: each.higher_is_better for name, each in METRICS.items()}
    assert all(not higher for name, higher in ways.items() if name.endswith("_ms"))


@pytest.mark.parametrize("suffix", REPORTS)
def test_every_report_writes_finished_and_failed_runs(suffix: str, record: RunRecord) -> None:
    failed = replace(record, run_id="other", status="failed", error="reason", scores=(), execution={}, environment={})
    write = REPORTS[suffix]
    contents = [write(table.wide(runs)) for runs in ([record], [failed], [record, failed], [])]
    assert all(isinstance(content, bytes) and content for content in contents)
    assert len(set(contents)) == 4
    assert write(table.wide([record])) == contents[0]


@pytest.mark.parametrize("suffix", REPORTS)
def test_every_report_is_written_by_a_real_run(suffix: str, sample_run: tuple[Path, object]) -> None:
    assert (sample_run[0] / f"latest.{suffix}").stat().st_size > 0


def test_the_latest_table_is_the_wide_one(record: RunRecord, sample_run: tuple[Path, object]) -> None:
    latest = pd.read_parquet(sample_run[0] / "latest.parquet")
    pd.testing.assert_frame_equal(latest, table.wide([record]))
