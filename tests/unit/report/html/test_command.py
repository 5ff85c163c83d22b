"""The command of a run composes the configuration that the run had."""

import shlex
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from ocrbench.config.composing import load
from ocrbench.config.schema import NOT_MEASURED
from ocrbench.report.html.command import command, value
from ocrbench.runs.run import Run

NOT_COMPARED = (*NOT_MEASURED, "omz", "attest")
WriteRun = Callable[..., Run]
CELLS = (
    (),
    ("precision=INT8", "device='AUTO:GPU,CPU'"),
    ("model=ppocrv4_mobile", "detector.threshold=0.25", "recognizer.precision=FP32", "precision=FP16"),
    ("detector.device=GPU.1", "properties.INFERENCE_NUM_THREADS=2", "properties.NAME='a b'"),
    ("scenario=server", "scenario.rate=5", "scenario.min_seconds=3"),
    ("granularity=line", "words.gap=null", "scoring.case_sensitive=true", "recognizer.alphabet=latin"),
    ("recognizer=text_recognition_0014", "quantization=accuracy_control", "quantization.max_drop=0.01"),
    ("detector.quantization.ignored_patterns=['a.*b','c,d']", "precision=INT8"),
)


def decisive(config: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in config.items() if name not in NOT_COMPARED}


@pytest.mark.parametrize("overrides", CELLS, ids=" ".join)
def test_it_measures_the_same_cell(overrides: tuple[str, ...], write_run: WriteRun, tmp_path: Path) -> None:
    record = write_run(tmp_path, *overrides)
    words = shlex.split(command(record))
    assert words[:3] == ["python", "-m", "ocrbench"]
    assert decisive(asdict(load(words[3:]))) == decisive(asdict(load([*overrides, "dataset.limit=6"])))


def test_it_reads_what_the_store_kept(write_run: WriteRun, tmp_path: Path) -> None:
    from ocrbench.runs.store import Store

    write_run(tmp_path, "detector.mean=[1,2,3]", "precision=INT8")
    (record,) = Store(tmp_path).runs()
    assert shlex.split(command(record))[3:] == [
        "device=CPU",
        "precision=INT8",
        "detector.mean=[1,2,3]",
        "dataset.limit=6",
    ]


def test_what_does_not_come_along_has_no_command(write_run: WriteRun, tmp_path: Path) -> None:
    record = write_run(tmp_path)
    detector = {**record.config["detector"], "name": "my_own"}
    assert command(replace(record, config={**record.config, "detector": detector})) == ""


@given(st.one_of(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.floats(allow_nan=False), st.booleans()))
def test_hydra_reads_back_what_was_written(given_value: Any) -> None:
    override = OverridesParser.create().parse_override(f"key={value(given_value)}")
    assert override.value() == given_value
    assert type(override.value()) in (type(given_value), str) or given_value == override.value()
