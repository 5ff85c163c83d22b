"""Static, bucketed and dynamic widths of a real recognizer, and the plan for them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ocrbench.config import Cell, load, packaged
from ocrbench.convert import convert_recognizer
from ocrbench.data import FORMATS, choose
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
    samples = choose(FORMATS["icdar2015"](Path(packaged("datasets/sample"))), 4, seed=1)
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
    done = ocrbench("plan", model, "precision=FP32", "dataset.limit=1", "recognizer.width_step=1024", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    assert "then, per crop" in done.stdout
    *_, measured, accuracy, overrides = done.stdout.splitlines()
    assert "measured in turns" in measured
    assert overrides in accuracy
    planned = load([model, *overrides.split()])
    check_options(planned.detector, planned.recognizer)


def test_there_is_no_plan_for_an_input_of_one_width(ocrbench: Run) -> None:
    done = ocrbench("plan", "recognizer=text_recognition_resnet_fc")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "recognizer.family=omz_fixed" in line
