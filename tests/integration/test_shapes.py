"""Static and bucketed widths of a real recognizer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ocrbench.config.composing import load
from ocrbench.config.schema import Cell, Dataset
from ocrbench.convert.converter import convert_recognizer
from ocrbench.data import read
from ocrbench.data.images import read_image
from ocrbench.geometry import crop_quadrilateral
from ocrbench.models import build_recognizer
from ocrbench.records import Image
from ocrbench.runtime.network import CompiledNetwork, Settings

Run = Callable[..., CompletedProcess[str]]
SETTINGS = Settings(device="CPU", precision="FP32", properties={})


@pytest.fixture(scope="module")
def cell(cache_dir: Path, model: str) -> Cell:
    return load(["precision=FP32", model, f"cache_dir={cache_dir}"])


@pytest.fixture(scope="module")
def words(signs: Dataset) -> list[tuple[Image, str]]:
    """Words with what they say."""
    samples = read(replace(signs, limit=4, seed=1))
    regions = [(read_image(each.image_path), region) for each in samples for region in each.regions]
    return [(crop_quadrilateral(image, region.polygon), region.text) for image, region in regions if not region.ignore]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"widths": [64, 128, 256]},
        {"shapes": "static", "widths": [480], "batch_size": 4},
        {"batch_size": 1},
    ],
    ids=["default", "buckets", "static", "one by one"],
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
