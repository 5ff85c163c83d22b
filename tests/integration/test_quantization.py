"""INT8 that is not as good as FP32: noticed, explained, and mended by accuracy control."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import numpy as np
import pytest

from ocrbench.config.composing import load
from ocrbench.convert.cache import key_digest
from ocrbench.convert.lookup import Lookup
from ocrbench.runs.store import Store

Run = Callable[..., CompletedProcess[str]]
Latest = Callable[[Path], list[dict[str, Any]]]
SMALL = ("dataset.limit=4", "scenario.min_seconds=0", "scenario.warmup_images=0")
INT8_DETECTOR = ("precision=FP32", "detector.precision=INT8", "detector.quantization.subset_size=4")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def misleading(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """A calibration set that ruins any detector: nothing but black."""
    folder = tmp_path_factory.mktemp("black")
    for number in range(4):
        assert cv2.imwrite(str(folder / f"black_{number}.png"), np.full((120, 160 + number, 3), 0, np.uint8))
    return ("calibration=folder", f"calibration.root={folder}")


def test_the_gate_fails_on_lost_accuracy(
    ocrbench: Run, model: str, misleading: tuple[str, ...], tmp_path: Path
) -> None:
    words = ("dataset.limit=12", "attest=off", model, "gate=accuracy", *misleading)
    bad = "detector.precision=INT8 detector.quantization.subset_size=4"
    done = ocrbench(
        "ab", "", bad, "precision=FP32", *words, "--seconds", 2, "--processes", 1, "--junit", tmp_path / "junit.xml"
    )
    # A loss in a dozen images is either shown or open, but never let through.
    assert done.returncode in (1, 3), done.stderr
    cases = {case.get("name"): case for case in ET.parse(tmp_path / "junit.xml").iter("testcase")}
    (judged,) = (case for name, case in cases.items() if "e2e_hmean" in str(name))
    assert judged.find("failure") is not None or judged.find("skipped") is not None


def test_a_pattern_that_fits_nothing_is_a_mistake(ocrbench: Run, tmp_path: Path, latest: Latest) -> None:
    pattern = "detector.quantization.ignored_patterns=[no_such_layer]"
    done = ocrbench(*INT8_DETECTOR, pattern, *SMALL, f"reports_dir={tmp_path}")
    assert done.returncode == 1
    (row,) = latest(tmp_path)
    assert "'no_such_layer' matches none of the model's" in row["error"]


def test_images_that_are_tested_are_not_calibrated_with(here: Run, data_root: Path) -> None:
    root = data_root / "icdar2015" / "test"
    same = ("dataset=icdar2015", f"dataset.root={root}", "calibration=icdar2015", f"calibration.root={root}")
    done = here(*INT8_DETECTOR, *same, "dataset.limit=2", "calibration.limit=null")
    assert done.returncode == 2
    assert "2 of the test images are in the calibration set too" in done.stderr.replace("\n", " ")


def test_accuracy_control_keeps_its_scores_and_its_outcome(
    ocrbench: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    control = (
        "quantization=accuracy_control",
        "quantization.validation_images=3",
        "quantization.max_minutes=0.2",
        "calibration.limit=4",
    )
    done = ocrbench(*INT8_DETECTOR, *control, *SMALL, f"reports_dir={tmp_path}", f"cache_dir={tmp_path / 'cache'}")
    assert done.returncode == 0, done.stderr
    (record,) = Store(tmp_path).runs()
    outcome = record.artifacts["detector"]["network"]["notes"]["accuracy_control"]
    (journal,) = (tmp_path / "cache" / "accuracy_control").glob("*.jsonl")
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    whole = [entry["score"] for entry in entries if len(entry["images"]) == 3]
    assert outcome["evaluations"] == len(entries) >= 3
    assert (outcome["float_score"], outcome["recipe_score"]) == (whole[0], whole[1])
    assert outcome["score"] in whole
    # The validation images have words, and so has what is scored: lines would reach a quarter of it.
    assert 0.8 < outcome["float_score"] <= 1
    # Three images decide nothing, whatever the score.
    assert outcome["outcome"] == "undecided"
    assert outcome["drop"]["low"] < outcome["drop"]["estimate"] < outcome["drop"]["high"]
    assert "accuracy control: the loss of e2e_hmean is " in done.stderr
    if not outcome["reverted"]:
        assert outcome["score"] == outcome["recipe_score"]


def test_accuracy_control_begins_anew_where_other_regions_are_scored(model: str, cache_dir: Path) -> None:
    def keys(method: str) -> set[str]:
        words = (f"quantization={method}", "quantization.validation_images=2", "calibration.limit=2")
        changes = ("words.gap=3", "words.gap=2", "calibration.granularity=line")
        cells = [load([model, *INT8_DETECTOR, *words, each, f"cache_dir={cache_dir}"]) for each in changes]
        return {key_digest(Lookup(cell, like_int8=False)._recipe_key("detector", cell.detector)) for cell in cells}

    assert len(keys("accuracy_control")) == 3
    assert len(keys("recipe")) == 1
