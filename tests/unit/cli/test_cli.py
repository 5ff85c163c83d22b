"""What the command line does about errors that nobody thought of: one line, and never status 1."""

import logging
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer

from ocrbench.cli import main
from ocrbench.cli import run as run_command
from ocrbench.config.schema import Cell

COMMAND = ("history", "latency_p50_ms")
STEP = "ocrbench.cli.history.Store"


def failing(error: BaseException) -> Any:
    def fail(*_: object) -> NoReturn:
        raise error

    return fail


def ended(*words: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(words)
    return caught.value.code


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("Exception from src/core.cpp:9:\nwhat is wrong"), "RuntimeError: what is wrong"),
        (KeyError(), "KeyError"),
        (PermissionError(13, "Permission denied", "runs"), "PermissionError: [Errno 13] Permission denied: 'runs'"),
    ],
)
def test_it_is_one_line_and_status_2(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(STEP, failing(error))
    assert ended(*COMMAND) == 2
    assert capsys.readouterr() == ("", f"ocrbench: internal error: {told} (-v shows where)\n")


def test_verbose_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(STEP, failing(ValueError("what is wrong")))
    with caplog.at_level(logging.ERROR):
        assert ended(*COMMAND, "-v") == 2
    assert "ocrbench was called with: history latency_p50_ms" in caplog.text
    assert "in show_history" in caplog.text
    assert capsys.readouterr().err.endswith("ocrbench: internal error: ValueError: what is wrong\n")


@pytest.mark.parametrize(("error", "status"), [(typer.Exit(3), 3), (typer.Abort(), 1)])
def test_commands_still_end_as_they_wish(error: Exception, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STEP, failing(error))
    assert ended(*COMMAND) == status


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("history", ["history: Missing argument 'METRIC'", "See ocrbench history --help"]),
        ("ab a b --secnds 3", ["ab: No such option", "--seconds"]),
        ("ab a b --undecided=maybe", ["ab: Invalid value for '--undecided'", "pass", "fail"]),
        ("export cvs", ["export: No such command 'cvs'", "csv", "See ocrbench export --help"]),
        ("lst models", ["lst: expected KEY=VALUE or a command; did you mean list?"]),
        ("lst --help", ["lst: expected KEY=VALUE or a command; did you mean list?"]),
        ("--multrun device=CPU", ["--multrun: no such flag; did you mean --multirun?"]),
        ("read missing.jpg", ["missing.jpg: no such file or folder"]),
        ("devce=CPU", ["devce: no such key; did you mean device?"]),
    ],
)
def test_a_mistyped_word_gets_one_line(words: str, parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(*words.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("ocrbench: ")
    assert [part for part in parts if part not in line] == [], line


def test_a_group_of_commands_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("list") == 2
    assert "Usage: ocrbench list" in capsys.readouterr().err


def test_in_a_matrix_the_other_cells_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tried = []

    def fail(cell: Cell, _: object) -> NoReturn:
        tried.append(cell.precision)
        message = f"no {cell.precision}"
        raise RuntimeError(message)

    monkeypatch.setattr("ocrbench.measure.task.run_cell", fail)
    monkeypatch.setattr(sys, "argv", sys.argv)
    assert ended("-m", "precision=FP32,FP16", f"reports_dir={tmp_path}") == 2
    assert tried == ["FP32", "FP16"]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert shown.err.splitlines()[-1] == "ocrbench: internal error: RuntimeError: no FP32 (-v shows where)"


def test_the_keys_that_everybody_needs_have_flags() -> None:
    flags, overrides = run_command._split(["--device", "CPU", "--precision=FP16", "-m", "dataset.limit=2"], ())
    assert flags == ["-m"]
    assert overrides == ["device=CPU", "precision=FP16", "dataset.limit=2"]
