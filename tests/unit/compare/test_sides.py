"""A and B in words."""

import os
import sys
from pathlib import Path

import pytest

from ocrbench.compare.sides import check_shared, parse_side
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


def test_an_experiment_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_text("# @package _global_\nprecision: FP32\n", encoding="utf-8")
    assert parse_side("own", [], str(tmp_path)).cell.precision == "FP32"


def test_a_side_is_one_cell() -> None:
    with pytest.raises(ConfigError, match="experiment=precisions: expected one cell, but this is a matrix of cells"):
        parse_side("precisions", [])


@pytest.mark.parametrize(("word", "name"), [("gate=ci", "gate"), ("scoring.case_sensitive=true", "scoring")])
def test_both_sides_are_judged_by_the_same_rules(word: str, name: str) -> None:
    check_shared(parse_side("precision=FP32", [word]), parse_side("", [word]))
    for sides in (("", word), (word, "")):
        with pytest.raises(ConfigError, match=f"A and B must be judged by the same {name}; give it once, after both"):
            check_shared(*(parse_side(each, []) for each in sides))
