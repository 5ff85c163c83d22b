"""What is measured reaches the tables, and the tables reach every report."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ocrbench.files import packaged
from ocrbench.metrics.scoring import METRICS
from ocrbench.records import Column
from ocrbench.report.tables import REPORTS
from ocrbench.runs import table
from ocrbench.runs.columns import COLUMNS, NAMES
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store

CONF = Path(packaged("conf"))


@pytest.fixture(scope="module")
def record(sample_run: tuple[Path, object]) -> Run:
    (record,) = Store(sample_run[0]).runs()
    return record


def test_columns_are_named_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert len(set(table.LONG_COLUMNS)) == len(table.LONG_COLUMNS)


def test_a_real_run_fills_every_column(record: Run) -> None:
    (row,) = table.wide([record]).to_dict("records")
    everywhere = [column for column in COLUMNS if not column.scenarios]
    # The highest percentiles need more readings, and nothing was read again.
    everywhere = [column for column in everywhere if not column.name.endswith(("_p90_ms", "_p99_ms"))]
    again = [column for column in everywhere if column.name.startswith("warm_") or column.name == "repeatability"]
    everywhere = [column for column in everywhere if column not in again]
    assert [column.name for column in everywhere if column.number and math.isnan(row[column.name])] == []
    empty = {column.name for column in everywhere if not column.number and not row[column.name]}
    # A quiet machine has no reason for "noisy" either, and there is no other run to distinguish this one from.
    assert empty - {"noisy"} == {"error", "settings"}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_column_says_what_it_is(column: Column) -> None:
    assert column.meaning[-1] not in ".:;"
    assert len(column.meaning.splitlines()) == 1
    assert column.unit or not column.number
    assert column.heading or column.group == "data" or not column.number
    assert set(column.scenarios) <= {path.stem for path in CONF.glob("scenario/*.yaml")}


def test_scores_of_a_real_run_say_how_much_stands_behind_them(record: Run) -> None:
    frame = table.long([record])
    assert set(METRICS) <= set(frame["metric"])
    assert frame["metric"].is_unique
    assert (frame["n"] > 0).all()
    assert frame["unit"].map(type).eq(str).all()
    ways = {row.metric: row.higher_is_better for row in frame.itertuples()}
    assert {name: ways[name] for name in METRICS} == {name: each.higher_is_better for name, each in METRICS.items()}
    assert all(not higher for name, higher in ways.items() if name.endswith("_ms"))


@pytest.mark.parametrize("suffix", REPORTS)
def test_every_report_writes_finished_and_failed_runs(suffix: str, record: Run) -> None:
    failed = replace(
        record, run_id="other", status="failed", error="reason", score_list=(), execution={}, environment={}
    )
    write = REPORTS[suffix]
    contents = [write(table.wide(runs)) for runs in ([record], [failed], [record, failed], [])]
    assert all(isinstance(content, bytes) and content for content in contents)
    assert len(set(contents)) == 4
    assert write(table.wide([record])) == contents[0]


@pytest.mark.parametrize("suffix", REPORTS)
def test_every_report_is_written_by_a_real_run(suffix: str, sample_run: tuple[Path, object]) -> None:
    assert (sample_run[0] / f"latest.{suffix}").stat().st_size > 0


def test_the_latest_table_is_the_wide_one(record: Run, sample_run: tuple[Path, object]) -> None:
    latest = pd.read_parquet(sample_run[0] / "latest.parquet")
    pd.testing.assert_frame_equal(latest, table.wide([record]))
