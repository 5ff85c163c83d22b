"""The gallery's data: which images and runs it holds, and what happens where images are gone or too many."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocrbench.report.html import Options, Report, gallery, load_report
from ocrbench.report.html.gallery import MAX_SIDE_PX, build, worst_first
from ocrbench.runs.run import Run

WriteRun = Callable[..., Run]


def section(report: Report) -> Any:
    found = build(report)
    assert found is not None
    return found


def loaded(folder: Path, against: Path | None = None, **options: Any) -> Report:
    return load_report([str(folder)], [str(against)] if against else [], options=Options(**options))


def dataset_at(root: Path) -> Callable[[Run], Run]:
    def change(record: Run) -> Run:
        dataset = {**record.config["dataset"], "root": str(root)}
        return replace(record, config={**record.config, "dataset": dataset}, dataset_sha256=str(root))

    return change


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six noisy images, larger than the page shows them."""
    folder = tmp_path / "images"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (600, 1280, 3)).astype(np.uint8)
    for number in range(6):
        cv2.imwrite(str(folder / f"img_{number}.jpg"), noise)
    return folder


def test_images_are_embedded_small(images: Path, write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path / "reports", change=dataset_at(images))
    (shelf,) = section(loaded(tmp_path / "reports"))["sets"]
    (first, *_) = shelf["images"]
    assert (first["width"], first["height"]) == (1280, 600)
    encoded = base64.b64decode(first["source"].removeprefix("data:image/jpeg;base64,"))
    assert cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR).shape == (300, MAX_SIDE_PX, 3)


def test_or_linked(images: Path, write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path / "reports", change=dataset_at(images))
    (shelf,) = section(loaded(tmp_path / "reports", link_images=True))["sets"]
    assert {each["source"] for each in shelf["images"]} == {path.as_uri() for path in images.iterdir()}


def test_images_that_are_gone_get_a_note_and_room_for_their_regions(write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, change=dataset_at(tmp_path / "gone"))
    (shelf,) = section(loaded(tmp_path))["sets"]
    for image in shelf["images"]:
        assert image["source"] == ""
        assert "is missing" in image["note"]
        assert image["width"] >= 90
        assert image["height"] >= 30 * len(image["expected"]) - 10


def test_no_file_outside_the_dataset_is_shown(images: Path, write_run: WriteRun, tmp_path: Path) -> None:
    (images / "inner").mkdir()
    (images / "inner" / "img_1.jpg").symlink_to(images / "img_1.jpg")
    write_run(tmp_path / "reports", change=dataset_at(images / "inner"))
    (shelf,) = section(loaded(tmp_path / "reports"))["sets"]
    (image,) = [each for each in shelf["images"] if each["id"] == "img_1.jpg"]
    assert image["source"] == ""
    assert "leads outside" in image["note"]


def test_its_size_is_what_was_asked_for(reports: Path) -> None:
    assert build(loaded(reports, gallery=0)) is None
    for size in (1, 4):
        (shelf,) = section(loaded(reports, gallery=size))["sets"]
        assert len(shelf["images"]) == size
    assert len(section(loaded(reports, gallery=100))["sets"][0]["images"]) == 6


def test_images_and_runs_stop_where_the_page_would_become_too_large(
    reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "MAX_IMAGE_BYTES", 1)
    monkeypatch.setattr(gallery, "MAX_REGION_BYTES", 1)
    (shelf,) = section(loaded(reports))["sets"]
    assert (len(shelf["images"]), shelf["images_left_out"]) == (1, 5)
    assert (len(shelf["runs"]), shelf["runs_left_out"]) == (2, 1)


def test_what_is_lost_and_what_runs_disagree_on_come_first(write_run: WriteRun, tmp_path: Path) -> None:
    for precision, wrong in (("FP32", 2), ("INT8", 4)):
        write_run(tmp_path, f"precision={precision}", wrong=wrong)
    report = loaded(tmp_path)
    # The images have 1, 2, 3, 4, 1, 2 words. Both runs misread images 0 and 1, INT8 2 and 3 too.
    order = worst_first(report.finished)
    assert order[0] == "img_1.jpg" or order[0] == "img_3.jpg"
    assert set(order[:4]) == {f"img_{number}.jpg" for number in range(4)}
    assert len(order) == 6


def test_each_word_has_its_fate_in_each_run(reports: Path) -> None:
    report = loaded(reports)
    (shelf,) = section(report)["sets"]
    assert [run["run"] for run in shelf["runs"]] == [0, 1, 2]
    for run, of in zip(shelf["runs"], report.finished, strict=True):
        assert sum(len(image["fates"]) for image in run["images"]) == of.row["words"]
        wrong = sum(kind == "misread" for image in run["images"] for _, kind, _ in image["fates"])
        assert 1 - wrong / sum(len(image["fates"]) for image in run["images"]) == pytest.approx(of.row["e2e_recall"])
        for image, shown in zip(run["images"], shelf["images"], strict=True):
            assert len(image["fates"]) == len(shown["expected"])


def test_runs_to_compare_with_stand_first_and_datasets_apart(
    reports: Path, write_run: WriteRun, tmp_path: Path
) -> None:
    write_run(tmp_path, "precision=BF16")
    write_run(tmp_path, "precision=BF16", change=lambda record: replace(record, dataset_sha256="e" * 64))
    one, other = section(loaded(tmp_path, reports, gallery=4))["sets"]
    assert [run["run"] for run in one["runs"]] == [None, None, None, 0]
    assert [run["run"] for run in other["runs"]] == [1]
    assert [len(shelf["images"]) for shelf in (one, other)] == [2, 2]


def test_an_image_that_only_one_run_read_is_shown_for_it(write_run: WriteRun, tmp_path: Path) -> None:
    write_run(tmp_path, "precision=FP32", images=3)
    write_run(tmp_path, "precision=INT8", images=5)
    (shelf,) = section(loaded(tmp_path))["sets"]
    places = {image["id"]: place for place, image in enumerate(shelf["images"])}
    assert set(places) == {f"img_{number}.jpg" for number in range(5)}
    first, second = shelf["runs"]
    assert first["images"][places["img_4.jpg"]] is None
    assert second["images"][places["img_4.jpg"]]["fates"]


def test_it_is_plain_data(reports: Path) -> None:
    assert json.loads(json.dumps(section(loaded(reports)), allow_nan=False))
