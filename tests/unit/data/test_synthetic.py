"""Properties of generated datasets, and the committed sample made again."""

import hashlib
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ImageFont

from ocrbench.config.schema import Dataset
from ocrbench.data import read
from ocrbench.data.images import read_image
from ocrbench.data.synthetic import generate, versions
from ocrbench.data.synthetic.__main__ import main
from ocrbench.data.synthetic.signs import FONTS, STYLES, draw_sign
from ocrbench.data.synthetic.vocabulary import WORDS, draw_line
from ocrbench.errors import DatasetError
from ocrbench.geometry import intersection_areas, polygon_areas
from ocrbench.records import Sample

SAMPLE = Path(__file__).parents[3] / "datasets" / "sample"


def read_set(folder: Path) -> list[Sample]:
    return read(Dataset(name="generated", format="icdar2015", root=str(folder)))


def file_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / "set"
    generate(folder, count=12, seed=3)
    return folder


@pytest.fixture(scope="module")
def samples(generated: Path) -> list[Sample]:
    return read_set(generated)


def test_every_image_has_3_to_14_legible_words(samples: list[Sample]) -> None:
    assert len(samples) == 12
    for sample in samples:
        assert 3 <= sum(not region.ignore for region in sample.regions) <= 14
        assert all(region.text and " " not in region.text for region in sample.regions)
        assert all(region.ignore == (region.text == "###") for region in sample.regions)


def test_words_lie_inside_the_image_and_apart_from_each_other(samples: list[Sample]) -> None:
    for sample in samples:
        height, width = read_image(sample.image_path).shape[:2]
        polygons = [region.polygon for region in sample.regions]
        for x, y in (point for polygon in polygons for point in polygon):
            assert 0 <= x <= width
            assert 0 <= y <= height
        shared = intersection_areas(polygons, polygons)
        np.fill_diagonal(shared, 0)
        # Whole pixels: two neighbours may both round half a pixel towards each other.
        assert (shared.max(axis=1) <= 0.05 * polygon_areas(polygons)).all()


def test_words_run_clockwise_from_the_top_left(samples: list[Sample]) -> None:
    for region in (region for sample in samples for region in sample.regions):
        corners = np.array(region.polygon, dtype=np.float32)
        assert cv2.contourArea(corners, oriented=True) > 0
        assert corners[0, 0] < corners[1, 0]
        assert corners[0, 1] < corners[3, 1]


def test_sizes_and_text_differ_between_images(samples: list[Sample]) -> None:
    assert len({read_image(sample.image_path).shape for sample in samples}) >= 3
    assert len({sample.regions for sample in samples}) == len(samples)


@pytest.mark.parametrize("font", FONTS)
def test_word_boxes_hold_exactly_the_ink(font: str) -> None:
    (style,) = (style for style in STYLES if not style.board)
    style = type(style)(fonts=(font,), colours=style.colours, board=False)
    sign = draw_sign((("Harbour", "€2.50"), ("gym",)), style, (font, 40.0), style.colours[0], np.random.default_rng())
    left_over = sign.opacity.copy()
    for _, (left, top, right, bottom) in sign.words:
        outer = np.floor([left, top]).astype(int), np.ceil([right, bottom]).astype(int)
        box = left_over[outer[0][1] : outer[1][1], outer[0][0] : outer[1][0]]
        assert min(box[:2].max(), box[-2:].max(), box[:, :2].max(), box[:, -2:].max()) > 0.2
        box[:] = 0
    assert left_over.max() < 0.2
    assert [text for text, _ in sign.words] == ["Harbour", "€2.50", "gym"]


@pytest.mark.parametrize("name", FONTS)
def test_fonts_have_all_characters(name: str) -> None:
    package, file = FONTS[name]
    font = ImageFont.truetype(str(files(package) / "files" / file), 40)
    rng = np.random.default_rng(1)
    letters = {letter for _ in range(2000) for word in draw_line(rng, 4) for letter in word}
    missing = bytes(font.getmask("\uffff"))
    assert not [letter for letter in sorted(letters) if bytes(font.getmask(letter)) in {missing, b""}]


def test_lines_keep_to_their_length() -> None:
    rng = np.random.default_rng(2)
    for longest in (1, 2, 3, 4):
        assert {len(draw_line(rng, longest)) for _ in range(300)} <= set(range(1, longest + 1))
    assert len(set(WORDS)) == len(WORDS) > 300


def test_the_same_seed_gives_the_same_bytes(generated: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", count=4, seed=3)
    again, first = file_bytes(tmp_path / "again"), file_bytes(generated)
    assert again == {name: first[name] for name in again}
    assert len(again) == 8


def test_another_seed_gives_other_images(generated: Path, tmp_path: Path) -> None:
    generate(tmp_path / "other", count=1, seed=4)
    assert file_bytes(tmp_path / "other")["img_1.jpg"] != file_bytes(generated)["img_1.jpg"]


def test_the_manifest_says_how_the_set_was_made(generated: Path) -> None:
    manifest = json.loads((generated / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["command"].endswith("--count 12 --seed 3")
    assert (manifest["count"], manifest["seed"], manifest["versions"]) == (12, 3, versions())
    expected = {name: hashlib.sha256(data).hexdigest() for name, data in file_bytes(generated).items()}
    assert manifest["sha256"] == expected


def test_progress_is_reported_and_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def stop_at_two(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "set", count=3, seed=0, progress=stop_at_two)
    assert seen == [(1, 3), (2, 3)]
    assert not list(tmp_path.iterdir())


def test_existing_data_are_not_overwritten(generated: Path, tmp_path: Path) -> None:
    before = file_bytes(generated)
    with pytest.raises(DatasetError, match="already exists"):
        generate(generated, count=1, seed=0)
    assert file_bytes(generated) == before
    generate(tmp_path, count=1, seed=0)  # an empty folder is fine
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(("count", "seed"), [(0, 1), (-1, 1), (1, -1)])
def test_values_out_of_range_are_refused(tmp_path: Path, count: int, seed: int) -> None:
    with pytest.raises(DatasetError, match="expected count >= 1 and seed >= 0"):
        generate(tmp_path / "set", count, seed)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "set"), "--count", "1"]) == 0
    assert "1 images in" in capsys.readouterr().out
    assert main([str(tmp_path / "set"), "--count", "1"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_runs_as_a_module(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "ocrbench.data.synthetic",
        str(tmp_path / "set"),
        "--count=1",
    ]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[3])
    assert (tmp_path / "set" / "img_1.jpg").is_file()


@pytest.fixture(scope="module")
def manifest() -> dict:
    return json.loads((SAMPLE / "manifest.json").read_text(encoding="utf-8"))


def test_the_committed_sample_is_what_its_manifest_says(manifest: dict) -> None:
    # Git may have changed the line ends of the text files.
    images = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SAMPLE.glob("*.jpg")}
    assert images == {name: sha for name, sha in manifest["sha256"].items() if name.endswith(".jpg")}
    assert len(images) == manifest["count"] == 32
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 3_000_000


@pytest.mark.slow
def test_the_committed_sample_can_be_made_again(manifest: dict, tmp_path: Path) -> None:
    again = tmp_path / "again"
    generate(again, manifest["count"], manifest["seed"], hard=True)
    if manifest["versions"] == versions():
        remade = json.loads((again / "manifest.json").read_text(encoding="utf-8"))
        assert remade["sha256"] == manifest["sha256"]
    for old, new in zip(read_set(SAMPLE), read_set(again), strict=True):
        assert_alike(old, new)


def assert_alike(old: Sample, new: Sample) -> None:
    assert [region.text for region in new.regions] == [region.text for region in old.regions]
    for before, after in zip(old.regions, new.regions, strict=True):
        # Another FreeType may space the letters of a word by some per mille more or less.
        tolerance_px = max(2.0, 0.02 * np.ptp(before.polygon, axis=0).max())
        assert np.abs(np.subtract(before.polygon, after.polygon)).max() <= tolerance_px
    assert cv2.PSNR(read_image(old.image_path), read_image(new.image_path)) > 30
