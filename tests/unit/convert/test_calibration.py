"""What is calibrated with, and that it is never tested with."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrbench.config.schema import Dataset
from ocrbench.convert.calibration import CalibrationSet
from ocrbench.data import check_disjoint, read
from ocrbench.errors import DatasetError


def write_images(folder: Path, seeds: Sequence[int], suffix: str = ".png") -> Path:
    folder.mkdir()
    for seed in seeds:
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 48, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"photo_{seed}{suffix}"), pixels)
    return folder


def dataset(root: Path, limit: int | None = None) -> Dataset:
    return Dataset(name="mine", format="folder", root=str(root), limit=limit)


def test_a_shared_picture_is_refused_even_in_another_format(tmp_path: Path) -> None:
    calibration = write_images(tmp_path / "calibration", [1, 2, 3])
    tested = write_images(tmp_path / "tested", [3, 4], suffix=".bmp")
    with pytest.raises(DatasetError, match=r"1 of the test images .* photo_3.bmp is photo_3.png"):
        check_disjoint(dataset(calibration), read(dataset(tested)))


def test_other_pictures_are_fine(tmp_path: Path) -> None:
    check_disjoint(
        dataset(write_images(tmp_path / "calibration", [1, 2])), read(dataset(write_images(tmp_path / "tested", [3])))
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"calibration\.root=.*nowhere: no such folder"):
        check_disjoint(dataset(tmp_path / "nowhere"), [])


def test_validation_images_are_set_apart(tmp_path: Path) -> None:
    root = write_images(tmp_path / "images", range(7))
    whole = CalibrationSet(dataset(root), tmp_path)
    assert len(whole.samples()) == 7
    split = CalibrationSet(dataset(root), tmp_path, validation_images=2)
    chosen, kept = ({each.id for each in part} for part in (split.samples(), split.validation()))
    assert (len(chosen), len(kept)) == (4, 2)
    assert not chosen & kept
    assert split.key() != whole.key()


def test_too_few_images_to_set_apart_is_said(tmp_path: Path) -> None:
    root = write_images(tmp_path / "images", [1, 2])
    with pytest.raises(DatasetError, match="too few images"):
        CalibrationSet(dataset(root), tmp_path, validation_images=2).validation()


def test_generated_validation_images_differ_from_the_generated_calibration_images(tmp_path: Path) -> None:
    synthetic = Dataset(name="synthetic", format="synthetic", root="", limit=2, seed=5)
    made = CalibrationSet(synthetic, tmp_path, validation_images=2)
    calibration, validation = made.samples(), made.validation()
    assert len(calibration) == len(validation) == 2
    contents = {each.image_path.read_bytes() for each in (*calibration, *validation)}
    assert len(contents) == 4
