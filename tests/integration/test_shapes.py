"""Static, bucketed and dynamic widths of a real recognizer, and the plan for them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import cv2
import numpy as np
import pytest

from ocrbench.config import Cell
from ocrbench.config.composing import load
from ocrbench.convert import convert_recognizer
from ocrbench.data import read
from ocrbench.data.images import read_image
from ocrbench.geometry import crop_quadrilateral
from ocrbench.models import build_recognizer, check_options
from ocrbench.records import Image
from ocrbench.runtime import CompiledNetwork, Settings

Run = Callable[..., CompletedProcess[str]]
SETTINGS = Settings(device="CPU", precision="FP32", properties={})


@pytest.fixture(scope="module")
def cell(cache_dir: Path, model: str) -> Cell:
    return load(["precision=FP32", model, f"cache_dir={cache_dir}"])


@pytest.fixture(scope="module")
def words() -> list[tuple[Image, str]]:
    """Words of the sample with what they say."""
    samples = read(load(["dataset.limit=4", "dataset.seed=1"]).dataset)
    regions = [(read_image(each.image_path), region) for each in samples for region in each.regions]
    return [(crop_quadrilateral(image, region.polygon), region.text) for image, region in regions if not region.ignore]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"widths": [64, 128, 256]},
        {"shapes": "dynamic"},
        {"shapes": "static", "widths": [480], "batch_size": 4},
        {"batch_size": 1},
    ],
    ids=["default", "buckets", "dynamic", "static", "one by one"],
)
def test_words_are_read_whatever_the_shapes(
    changes: dict[str, object], cell: Cell, words: list[tuple[Image, str]]
) -> None:
    artifact = convert_recognizer(cell, print)["network"]
    stage = replace(cell.recognizer, options={**cell.recognizer.options, **changes})
    recognizer = build_recognizer(stage, artifact.metadata)
    network = CompiledNetwork(artifact, recognizer.graphs()["network"], SETTINGS).network()
    readings = recognizer.recognize([crop for crop, _ in words], {"network": network})
    right = sum(found.text.casefold() == text.casefold() for found, (_, text) in zip(readings, words, strict=True))
    assert right / len(words) > 0.7


@pytest.mark.slow
def test_a_plan_ends_with_overrides_that_can_be_used(ocrbench: Run, model: str) -> None:
    done = ocrbench("plan", model, "precision=FP32", "dataset.limit=1", "recognizer.width_step=640", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    assert "then, per crop" in done.stdout
    *_, overrides = done.stdout.splitlines()
    (measured,) = (line for line in done.stdout.splitlines() if "measured in turns" in line)
    assert "a crop now" in measured
    (accuracy,) = (line for line in done.stdout.splitlines() if "are read differently" in line)
    assert overrides in accuracy
    planned = load([model, *overrides.split()])
    check_options(planned.detector, planned.recognizer)


@pytest.mark.slow
def test_cropped_words_can_be_planned_for_and_a_bad_image_is_left_out(
    ocrbench: Run, model: str, tmp_path: Path
) -> None:
    for number, width in enumerate((64, 96, 160)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((48, width, 3), 200, np.uint8))
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "words.tsv").write_text("".join(f"{number}.png\tword\n" for number in range(3)), encoding="utf-8")
    words = ("detector=whole_image", "dataset=words", f"dataset.root={tmp_path / 'words.tsv'}", "precision=FP32")
    done = ocrbench("plan", model, *words, "--seconds", "1")
    assert done.returncode == 0, done.stderr
    assert "left out" in done.stderr
    assert "1.png" in done.stderr
    assert "then, per crop" in done.stdout


def test_there_is_no_plan_with_a_network_for_each_shape(here: Run) -> None:
    done = here("plan", "folding.recognizer_networks=8")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "folding.recognizer_networks=8: a plan weighs shapes that share a network" in line


def test_there_is_no_plan_for_an_input_of_one_width(here: Run) -> None:
    done = here("plan", "recognizer=text_recognition_resnet_fc")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "recognizer.family=omz_fixed" in line
