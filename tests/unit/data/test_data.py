"""Choosing samples and fingerprinting a dataset."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbench.config.schema import Dataset
from ocrbench.data import choose, fingerprint, image_sha256, read
from ocrbench.errors import DatasetError
from ocrbench.records import Region, Sample

SAMPLES = [Sample(id=f"{number}.jpg", image_path=Path(f"{number}.jpg")) for number in range(50)]


@given(limit=st.integers(1, 60), seed=st.integers(0, 2**32))
def test_choose_draws_without_replacement_in_order(limit: int, seed: int) -> None:
    chosen = choose(SAMPLES, limit, seed)
    positions = [SAMPLES.index(sample) for sample in chosen]
    assert len(chosen) == min(limit, 50)
    assert positions == sorted(set(positions))
    assert chosen == choose(SAMPLES, limit, seed)


def test_choose_depends_on_the_seed() -> None:
    assert choose(SAMPLES, 10, seed=1) != choose(SAMPLES, 10, seed=2)


def test_choose_all_and_none() -> None:
    assert choose(SAMPLES, None, seed=0) == SAMPLES
    for limit in (0, -1):
        with pytest.raises(DatasetError, match="at least 1"):
            choose(SAMPLES, limit, seed=0)


def test_a_dataset_is_read_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for number in range(9):
        (tmp_path / f"{number}.png").touch()
    found = read(Dataset(name="mine", format="folder", root="~", limit=4, seed=3))
    assert found == choose(read(Dataset(name="mine", format="folder", root=str(tmp_path))), 4, seed=3)
    assert len(found) == 4


def test_only_the_chosen_samples_are_read(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"img_{number}.png").touch()
        (tmp_path / f"gt_img_{number}.txt").write_text("0,0,9,1,9,5,0,4,fine" if number == 5 else "malformed")
    dataset = Dataset(name="mine", format="icdar2015", root=str(tmp_path))
    seed = next(seed for seed in range(99) if choose(range(9), 1, seed) == [5])
    assert [sample.id for sample in read(replace(dataset, limit=1, seed=seed))] == ["img_5.png"]
    with pytest.raises(DatasetError, match=r"gt_img_0\.txt:1"):
        read(dataset)


def test_fingerprint_changes_with_everything_that_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(b"image")
    region = Region(polygon=((0, 0), (1, 0), (1, 1), (0, 1)), text="word")
    sample = Sample(id="1.jpg", image_path=path, regions=(region,))
    variants = [
        [sample],
        [sample, sample],
        [],
        [replace(sample, id="2.jpg")],
        [replace(sample, regions=())],
        [replace(sample, regions=(replace(region, text="Word"),))],
        [replace(sample, regions=(replace(region, ignore=True),))],
        [replace(sample, regions=(replace(region, polygon=((0, 0), (2, 0), (1, 1), (0, 1))),))],
    ]
    prints = [fingerprint(variant) for variant in variants]
    assert len(set(prints)) == len(variants)
    path.write_bytes(b"other image")
    assert fingerprint([sample]) not in prints


def test_fingerprint_does_not_depend_on_where_the_dataset_lies(tmp_path: Path) -> None:
    prints = set()
    for name in ("a", "b"):
        path = tmp_path / name
        path.write_bytes(b"image")
        as_int = ((0, 0), (1, 0), (1, 1))
        as_float = tuple((float(x), float(y)) for x, y in as_int)
        polygon = as_int if name == "a" else as_float
        prints.add(fingerprint([Sample(id="1.jpg", image_path=path, regions=(Region(polygon=polygon),))]))
    assert len(prints) == 1


def test_an_image_is_hashed_once_per_session_unless_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    read = Path.open

    def counting(path: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(path)
        return read(path, *arguments, **options)

    image = tmp_path / "1.jpg"
    image.write_bytes(b"picture")
    sample = Sample(id="1.jpg", image_path=image)
    monkeypatch.setattr(Path, "open", counting)
    first = fingerprint([sample])
    assert fingerprint([sample]) == first
    assert opened == [image]
    monkeypatch.undo()
    image.write_bytes(b"another")
    os.utime(image, ns=(0, 0))
    assert fingerprint([sample]) != first


def test_an_image_that_cannot_be_read_has_no_hash(tmp_path: Path) -> None:
    sample = Sample(id="1.jpg", image_path=tmp_path / "1.jpg")
    assert image_sha256(sample) is None
    missing = fingerprint([sample])
    sample.image_path.write_bytes(b"picture")
    assert fingerprint([sample]) != missing
