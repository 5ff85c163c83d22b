"""The images that warm up a measurement."""

from dataclasses import replace
from pathlib import Path

import pytest

from ocrbench import data
from ocrbench.config.schema import Dataset
from ocrbench.data.images import read_image
from ocrbench.data.warm_up import warm_up_samples
from ocrbench.files import packaged
from ocrbench.records import Sample

SAMPLE = Dataset(name="sample", format="icdar2015", root=packaged("datasets/sample"))


def choose(dataset: Dataset, count: int, cache_dir: Path) -> tuple[list[Sample], list[Sample]]:
    samples = data.read(dataset)
    return samples, warm_up_samples(dataset, samples, count, cache_dir)


def test_images_that_the_limit_leaves_out_come_first(tmp_path: Path) -> None:
    samples, chosen = choose(replace(SAMPLE, limit=20), 8, tmp_path)
    assert len({sample.id for sample in chosen}) == 8
    assert not {sample.id for sample in chosen} & {sample.id for sample in samples}
    assert chosen == choose(replace(SAMPLE, limit=20), 8, tmp_path)[1]
    assert chosen != choose(replace(SAMPLE, limit=20, seed=1), 8, tmp_path)[1]


@pytest.mark.parametrize("limit", [None, 30])
def test_a_dataset_used_as_a_whole_lends_some(limit: int | None, tmp_path: Path) -> None:
    samples, chosen = choose(replace(SAMPLE, limit=limit), 7, tmp_path)
    assert len(chosen) == 7
    assert all(sample in samples for sample in chosen)


class TestASmallDataset:
    @pytest.fixture
    def small(self, tmp_path: Path) -> Dataset:
        folder = tmp_path / "small"
        folder.mkdir()
        for number in (1, 2, 3):
            for name in (f"img_{number}.jpg", f"gt_img_{number}.txt"):
                (folder / name).write_bytes((Path(SAMPLE.root) / name).read_bytes())
        return replace(SAMPLE, root=str(folder))

    def test_is_timed_as_a_whole(self, small: Dataset, tmp_path: Path) -> None:
        samples, chosen = choose(small, 8, tmp_path)
        timed = {data.image_sha256(sample) for sample in samples}
        assert len({data.image_sha256(sample) for sample in chosen} - timed) == 8

    def test_lends_the_sizes_of_half_of_its_images(self, small: Dataset, tmp_path: Path) -> None:
        samples, chosen = choose(small, 8, tmp_path)
        sizes = [{read_image(sample.image_path).shape for sample in each} for each in (samples, chosen)]
        assert sizes[1] <= sizes[0]
        assert 1 <= len(sizes[1]) <= 2

    def test_is_made_once(self, small: Dataset, tmp_path: Path) -> None:
        before = [sample.image_path.stat().st_mtime_ns for sample in choose(small, 8, tmp_path)[1]]
        assert [sample.image_path.stat().st_mtime_ns for sample in choose(small, 8, tmp_path)[1]] == before

    def test_of_unreadable_images_makes_none(self, small: Dataset, tmp_path: Path) -> None:
        for path in Path(small.root).glob("*.jpg"):
            path.write_bytes(b"no picture")
        assert choose(small, 8, tmp_path)[1] == []


def test_none_are_wanted(tmp_path: Path) -> None:
    assert choose(SAMPLE, 0, tmp_path)[1] == []
