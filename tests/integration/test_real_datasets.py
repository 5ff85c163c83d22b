"""The published datasets, checked wherever they are at hand: ``OCRBENCH_DATA`` says where."""

import os
from pathlib import Path

import pytest

from ocrbench.config.schema import Dataset
from ocrbench.data import choose, fingerprint, read
from ocrbench.data.images import read_image
from ocrbench.geometry import polygon_areas
from ocrbench.records import Sample

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("OCRBENCH_DATA", REPOSITORY.parent / "shared" / "data"))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no datasets in {DATA}; set OCRBENCH_DATA")

# Format, folder, images, regions, don't-care regions.
DATASETS = [
    ("icdar2015", "icdar2015/test", 150, 1894, None),
    ("icdar2015", "icdar2015/train", 200, 2797, None),
    ("icdar2003", "icdar2003", 45, 219, 0),
    ("funsd", "funsd/train", 60, 8994, 0),
    ("sroie", "sroie", 21, 1257, 0),
    ("folder", "iiit5k/test", 600, 0, 0),
]


def read_whole(name: str, folder: str) -> list[Sample]:
    return read(Dataset(name="published", format=name, root=str(DATA / folder)))


@pytest.mark.parametrize(("name", "folder", "images", "regions", "ignored"), DATASETS)
def test_published_datasets(name: str, folder: str, images: int, regions: int, ignored: int | None) -> None:
    samples = read_whole(name, folder)
    everything = [region for sample in samples for region in sample.regions]
    assert len(samples) == len({sample.id for sample in samples}) == images
    assert len(everything) == regions
    assert all(region.text for region in everything)
    if ignored is not None:
        assert sum(region.ignore for region in everything) == ignored
    else:
        assert 0 < sum(region.ignore for region in everything) < regions
    assert (polygon_areas([region.polygon for region in everything]) > 0).all()


@pytest.mark.parametrize(("name", "folder"), [row[:2] for row in DATASETS])
def test_their_images_are_read_and_hold_their_words(name: str, folder: str) -> None:
    for sample in choose(read_whole(name, folder), 8, seed=0):
        height, width = read_image(sample.image_path).shape[:2]
        for x, y in (point for region in sample.regions for point in region.polygon):
            assert -width * 0.05 <= x <= width * 1.05
            assert -height * 0.05 <= y <= height * 1.05


def test_damaged_receipt_is_accepted() -> None:
    assert read_image(DATA / "sroie" / "img" / "427.jpg").shape == (7016, 4961, 3)


def test_fingerprint_is_repeatable() -> None:
    samples = read_whole("icdar2003", "icdar2003")
    assert fingerprint(samples) == fingerprint(read_whole("icdar2003", "icdar2003"))
    assert fingerprint(samples) != fingerprint(samples[::-1])
