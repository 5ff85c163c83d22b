"""Damaged, absurd and mislabelled images: the run goes on without them and says why."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import numpy as np
import pytest

from ocrbench.files import packaged
from ocrbench.runs.store import Store

Run = Callable[..., CompletedProcess[str]]

pytestmark = pytest.mark.slow

# A word of the reason that each must get.
BAD = {
    "img_101.jpg": "truncated",
    "img_102.jpg": "empty",
    "img_103.jpg": "too small",
    "img_104.jpg": "not an image",
    "img_105.jpg": "too long",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good images with their ground truth, and five bad ones."""
    folder = tmp_path / "images"
    folder.mkdir()
    sample = Path(packaged("datasets/sample"))
    for name in ("img_1", "img_2"):
        shutil.copy(sample / f"{name}.jpg", folder)
        shutil.copy(sample / f"gt_{name}.txt", folder)
    whole = (sample / "img_3.jpg").read_bytes()
    (folder / "img_101.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "img_102.jpg").touch()
    cv2.imwrite(str(folder / "img_103.jpg"), np.zeros((1, 1, 3), dtype=np.uint8))
    (folder / "img_104.jpg").write_text("This is text.\n" * 100)
    cv2.imwrite(str(folder / "img_105.jpg"), np.full((50, 20_000, 3), 200, dtype=np.uint8))
    for name in BAD:
        (folder / f"gt_{name}").with_suffix(".txt").write_text("0,0,40,0,40,20,0,20,word\n")
    return folder


def test_good_images_are_scored_and_bad_ones_listed(
    folder: Path, ocrbench: Run, latest: Callable[[Path], list[dict[str, Any]]], tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    done = ocrbench("dataset=icdar2015", f"dataset.root={folder}", "scenario.min_seconds=0", f"reports_dir={reports}")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (row,) = latest(reports)
    assert (row["status"], row["images"], row["skipped"]) == ("ok", 2, len(BAD))
    assert row["det_hmean"] > 0.2
    store = Store(reports)
    (record,) = store.runs()
    assert set(record.skipped) == set(BAD)
    for name, reason in BAD.items():
        assert reason in record.skipped[name]
        assert f"  {name}: {record.skipped[name]}" in done.stdout
    assert [outcome.sample_id for outcome in store.find(record.run_id).outcomes] == ["img_1.jpg", "img_2.jpg"]
    # Words of images that were left out count neither as found nor as missed.
    assert row["words"] == sum(
        not region.ignore for outcome in store.find(record.run_id).outcomes for region in outcome.expected
    )


def test_with_no_good_image_the_cell_fails_and_says_why(folder: Path, ocrbench: Run, tmp_path: Path) -> None:
    for name in ("img_1", "img_2"):
        (folder / f"{name}.jpg").unlink()
        (folder / f"gt_{name}.txt").unlink()
    reports = tmp_path / "reports"
    done = ocrbench("dataset=icdar2015", f"dataset.root={folder}", f"reports_dir={reports}")
    assert done.returncode == 1
    (record,) = Store(reports).runs()
    assert record.status == "failed"
    assert f"none of its {len(BAD)} images can be used" in record.error
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="elsewhere, file names are Unicode")
def test_a_file_name_that_is_not_unicode(folder: Path, ocrbench: Run, tmp_path: Path) -> None:
    for name in BAD:
        (folder / name).unlink()
        (folder / f"gt_{name}").with_suffix(".txt").unlink()
    for number, byte in ((b"1", b"\xfe"), (b"2", b"\xff")):
        for name in (b"img_%b.jpg", b"gt_img_%b.txt"):
            (folder / os.fsdecode(name % number)).rename(folder / os.fsdecode(name % byte))
    (folder / os.fsdecode(b"img_\xfe.jpg")).write_bytes(b"")
    reports = tmp_path / "reports"
    done = ocrbench("dataset=icdar2015", f"dataset.root={folder}", "scenario.min_seconds=0", f"reports_dir={reports}")
    assert done.returncode == 0, done.stderr
    (record,) = Store(reports).runs()
    ((name, reason),) = record.skipped.items()
    assert (name, "empty" in reason) == ("img_\\udcfe.jpg", True)
    assert name in done.stdout
    assert [outcome.sample_id for outcome in Store(reports).find(record.run_id).outcomes] == ["img_\\udcff.jpg"]
