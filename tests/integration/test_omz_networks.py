"""The Open Model Zoo's families on OpenVINO: stand-ins with the documented interfaces, and the real detector."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ocrbench.config.composing import load
from ocrbench.config.stage import ROLES
from ocrbench.data.images import read_image
from ocrbench.errors import ModelError
from ocrbench.geometry import rectangle
from ocrbench.records import Region
from ocrbench.worker.protocol import Convert, Load, Run
from ocrbench.worker.session import Session

DETECTORS = ("horizontal_text_detection_0001", "text_detection_0003", "text_detection_0004")
RECOGNIZERS = (
    "text_recognition_resnet_fc",
    "text_recognition_0012",
    "text_recognition_0014",
    "text_recognition_0015",
    "text_recognition_0016",
)
TEXTS = ["dark22", "light"]
# (left, top, width, height) in the 400×200 image.
BOXES = [(25, 50, 150, 100), (225, 50, 150, 100)]

WORDS = ["robert", "n", "noyce", "building", "2200", "center"]

Command = Callable[..., Any]
Read = Callable[..., Sequence[Region]]


@pytest.fixture(scope="module")
def picture(halves: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "halves.png"
    cv2.imwrite(str(path), halves)
    return path


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def read(zoo_folder: Path, cache_dir: Path, picture: Path, said: list[str]) -> Read:
    """Convert, compile and run one pair on the picture as the worker does, in this process."""
    session = Session(said.append)

    def run(*overrides: str) -> Sequence[Region]:
        cell = load([f"omz.root={zoo_folder}", f"cache_dir={cache_dir}", "device=CPU", *overrides])
        artifacts = session.convert(Convert(cell=cell, roles=ROLES))
        session.load(Load(cell=cell, artifacts=artifacts))
        (found,) = session.run(Run(samples=[("halves", picture)])).measurements
        return found.regions

    return run


def texts(regions: Sequence[Region]) -> list[str]:
    return [region.text for region in regions]


@pytest.mark.parametrize("recognizer", RECOGNIZERS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_any_detector_works_with_any_recognizer(read: Read, detector: str, recognizer: str) -> None:
    regions = read(f"detector={detector}", f"recognizer={recognizer}", "precision=FP32")
    assert texts(regions) == TEXTS
    for region, box in zip(regions, BOXES, strict=True):
        # PixelLink's map has a quarter of the network's resolution.
        assert np.abs(np.array(region.polygon) - np.array(rectangle(*box))).max() <= 2
        # Scores are 10 apart: softmax over 37 to 66 classes.
        assert 0.99 < region.confidence <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("detector", "recognizer"),
    [(DETECTORS[0], RECOGNIZERS[0]), *((DETECTORS[1], name) for name in RECOGNIZERS[1:])],
)
def test_int8_is_made_where_the_folder_has_none(read: Read, detector: str, recognizer: str, said: list[str]) -> None:
    # Enough words for dark ones and light ones.
    small = [f"{role}.quantization.subset_size=32" for role in ROLES]
    said.clear()
    regions = read(f"detector={detector}", f"recognizer={recognizer}", "precision=INT8", *small)
    assert texts(regions) == TEXTS
    assert any("FP16-INT8 was requested" in text and text.endswith("has FP16") for text in said)


def test_a_missing_network_is_named(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no text-detection-0003; expected .*FP16.*xml and \.bin somewhere below"):
        read("detector=text_detection_0003", "recognizer=text_recognition_0012", f"omz.root={tmp_path}")


def test_half_a_network_is_none(zoo_folder: Path, read: Read, tmp_path: Path) -> None:
    shutil.copytree(zoo_folder, tmp_path / "zoo")
    next(tmp_path.glob("**/text-detection-0003.bin")).unlink()
    with pytest.raises(ModelError, match="has no text-detection-0003"):
        read("detector=text_detection_0003", "recognizer=text_recognition_0012", f"omz.root={tmp_path}")


def test_read_as_a_user_does(ocrbench: Command, zoo_folder: Path, picture: Path, tmp_path: Path) -> None:
    pair = ("model=omz_resnet_fc", f"omz.root={zoo_folder}", "device=AUTO")
    done = ocrbench("read", picture, *pair, "--output", tmp_path)
    assert (done.returncode, done.stdout.split()) == (0, TEXTS), done.stderr


def test_listed_as_on_disk(here: Command, zoo_folder: Path, tmp_path: Path) -> None:
    empty = [f"cache_dir={tmp_path}"]
    for words, expected in (([f"omz.root={zoo_folder}"], True), ([], False)):
        found = json.loads(here("list", "models", *words, *empty, "--json").stdout)
        on_disk = {each["name"]: each["on_disk"] for each in (*found["detectors"], *found["recognizers"])}
        assert [name for name in (*DETECTORS, *RECOGNIZERS) if on_disk[name] != expected] == []


@pytest.fixture(scope="module")
def real(data_root: Path, model: str) -> list[str]:
    """The tutorial's own detector, with a recognizer that this OpenVINO reads."""
    return [model, f"detector={DETECTORS[0]}", f"omz.root={data_root / 'omz'}"]


@pytest.fixture(scope="module")
def tutorial(data_root: Path) -> Path:
    return data_root / "tutorial" / "intel_rnb.jpg"


def test_the_tutorials_picture(ocrbench: Command, real: list[str], tutorial: Path, tmp_path: Path) -> None:
    done = ocrbench("read", tutorial, *real, "--crops", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.lower().splitlines() == WORDS
    image = read_image(tutorial)
    annotated = read_image(tmp_path / "intel_rnb.annotated.png")
    assert annotated.shape == image.shape
    assert (annotated != image).any()
    assert min(read_image(tmp_path / "intel_rnb.crops.png").shape[:2]) > 100


def test_the_tutorials_order(ocrbench: Command, real: list[str], tutorial: Path, tmp_path: Path) -> None:
    done = ocrbench("read", tutorial, *real, "--order", "distance", "--json", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["image"] == str(tutorial)
    corners = [region["polygon"][0] for region in found["regions"]]
    distances = [x**2 + y**2 for x, y in corners]
    assert distances == sorted(distances)
    assert sorted(region["text"].lower() for region in found["regions"]) == sorted(WORDS)
    assert all(0 <= region["confidence"] <= 1 for region in found["regions"])


def test_the_real_detector_keeps_its_accuracy(
    ocrbench: Command, real: list[str], data_root: Path, tmp_path: Path
) -> None:
    dataset = ["dataset=icdar2003", f"dataset.root={data_root / 'icdar2003'}"]
    brief = ["scenario.min_seconds=0", "scenario.warmup_images=0", "attest=off", "precision=FP32"]
    done = ocrbench(*real, *dataset, *brief, f"reports_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    (row,) = pd.read_parquet(tmp_path / "latest.parquet").to_dict("records")
    # The same network on plain OpenVINO gives 0.829.
    assert row["det_hmean"] == pytest.approx(0.829, abs=0.02)
    assert row["images"] == 45
