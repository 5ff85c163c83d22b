"""A and B in words."""

import os
import sys
from pathlib import Path

import pytest

from ocrbench.compare.sides import parse_side
from ocrbench.errors import ConfigError


def test_a_relative_interpreter_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "env" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    side = parse_side(f"python={Path('env', 'bin', 'python')} precision=FP32", [])
    assert side.interpreter == os.fspath(link), "absolute, and still the link, which is what makes it an environment"
    assert side.cell.precision == "FP32"


def test_an_interpreter_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="python=no/such: no such program"):
        parse_side("python=no/such", [])


def test_words_that_are_neither() -> None:
    with pytest.raises(ConfigError, match="precisons: expected KEY=VALUE or an experiment; did you mean precisions"):
        parse_side("precisons", [])


def test_a_folder_of_further_configuration(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "own.yaml").write_text("name: own\nlimits: []\n", encoding="utf-8")
    assert parse_side("", ["gate=own"], str(tmp_path)).cell.gate.name == "own"
