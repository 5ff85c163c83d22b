"""Hydra's task: what reaches it, what it leaves, and how a session finds that again."""

import json
import pickle
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra.core.hydra_config import HydraConfig

from ocrbench.cli.run import one_cell
from ocrbench.config.composing import compose_config, load
from ocrbench.config.schema import Cell
from ocrbench.measure import task
from ocrbench.measure.task import Session, run_task, task_number
from ocrbench.progress import LogListener
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store


@pytest.fixture
def session(loaded: Cell, tmp_path: Path) -> Session:
    """A session whose task 3 of a matrix is running."""
    session = Session.new(tmp_path)
    overrides = [f"hydra.job.name={session.name}", "hydra.job.num=2", "hydra.mode=MULTIRUN"]
    HydraConfig.instance().set_config(compose_config(overrides, hydra=True))
    return session


@pytest.fixture
def cell(loaded: Cell, tmp_path: Path) -> Cell:
    return replace(loaded, reports_dir=str(tmp_path))


def finished(run_id: str) -> Run:
    return Run(run_id=run_id, started="2030-01-01", status="failed", config=asdict(load([])), cell_id=run_id)


def test_a_launcher_can_pickle_it() -> None:
    assert pickle.loads(pickle.dumps(one_cell)) is one_cell


def test_its_run_is_found_through_the_store(session: Session, cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(cell: Cell, _: Any) -> Run:
        return Store(Path(cell.reports_dir)).save(finished("mine"), pd.DataFrame(), [])

    monkeypatch.setattr(task, "run_cell", run)
    session.note(1, run_id="of another process, gone")
    run_task(cell, LogListener(), Session.of_task(cell), task_number() or 1)
    assert task_number() == 3
    assert Session.of_task(cell) == session
    assert [each.run_id for each in session.runs] == ["mine"]
    assert session.errors == []
    session.end()
    assert not (session.reports_dir / "sessions").exists()


def test_an_unexpected_error_is_noted_and_not_raised(
    session: Session, cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Run:
        message = "first line\nwhat is wrong"
        raise RuntimeError(message)

    monkeypatch.setattr(task, "run_cell", fail)
    run_task(cell, LogListener(), Session.of_task(cell), task_number() or 1)
    assert (session.runs, session.errors) == ([], ["RuntimeError: what is wrong"])
    assert json.loads((session.folder / "000003.json").read_text(encoding="utf-8"))["error"]


def test_two_sessions_in_one_folder_do_not_mix(session: Session, cell: Cell) -> None:
    other = Session.new(session.reports_dir)
    other.note(1, error="of the other one")
    session.note(1, error="mine")
    assert session.errors == ["mine"]
    session.end()
    assert other.errors == ["of the other one"]


def test_a_note_that_cannot_be_written_is_a_warning(
    session: Session, cell: Cell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(task, "run_cell", lambda *_: finished("mine"))
    (session.reports_dir / "sessions").touch()
    run_task(cell, LogListener(), session, 2)
    assert "The table lacks cell 2: " in caplog.text
