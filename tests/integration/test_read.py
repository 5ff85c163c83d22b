"""``ocrbench read`` for real: what it prints and writes, and what becomes of images that cannot be read."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from numpy.typing import NDArray

from ocrbench.cli import main
from ocrbench.files import packaged

PAIR = ("detector=horizontal_text_detection_0001", "recognizer=text_recognition_0014")
TEXTS = ["dark22", "light"]
PICTURE = str(Path(packaged("datasets/sample")) / "img_1.jpg")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def images(halves: NDArray[Any], tmp_path: Path) -> Path:
    """A folder with two images of the same name and a page that is none."""
    folder = tmp_path / "images"
    for name in ("photo.png", "more/photo.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), halves)
    (folder / "page.jpg").write_text("<html>Please sign in.</html>", encoding="utf-8")
    return folder


@pytest.fixture
def read(ocrbench: Run, zoo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``ocrbench read`` with networks whose answers are known."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return ocrbench("read", *words, *PAIR, f"omz.root={zoo_folder}", "--output", tmp_path / "out")

    return run


def written(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_a_folder(read: Run, images: Path, tmp_path: Path) -> None:
    done = read(images, "--crops")
    assert done.returncode == 1
    assert done.stdout.split() == ["more/photo.png:", *TEXTS, "page.jpg:", "photo.png:", *TEXTS]
    assert "skipped image page.jpg: not an image" in done.stderr
    # Two images of one name have pictures of their own.
    names = [f"{name}.{kind}.png" for name in ("photo", "photo-2") for kind in ("annotated", "crops")]
    assert written(tmp_path) == sorted(names)


def test_addresses(read: Run, serve: Callable[[Path], Any], images: Path, tmp_path: Path) -> None:
    address = serve(images).address
    good, bad, missing = f"{address}/photo.png?size=large", f"{address}/page.jpg", f"{address}/nowhere.png"
    done = read(good, bad, missing, "--json")
    assert done.returncode == 1
    found = {each["image"]: each for each in json.loads(done.stdout)}
    assert [region["text"] for region in found[good]["regions"]] == TEXTS
    assert found[bad]["skipped"] == f"image {bad}: not an image"
    assert found[missing]["skipped"] == f"{missing}: cannot be fetched: 404 Client Error: File not found"
    assert written(tmp_path) == ["photo.annotated.png"]


def test_the_threshold_leaves_text_out(read: Run, images: Path) -> None:
    done = read(images / "photo.png", "--threshold", 1)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"no text found in {images / 'photo.png'}" in done.stderr


def test_an_image_whose_name_looks_like_an_override(read: Run, images: Path, tmp_path: Path) -> None:
    path = shutil.copy(images / "photo.png", tmp_path / "size=large.png")
    done = read(path)
    assert (done.returncode, done.stdout.split()) == (0, TEXTS), done.stderr


def status(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["read", *words])
    return int(ended.value.code or 0)


class TestWithoutModels:
    def test_nothing_that_can_be_read(
        self, serve: Callable[[Path], Any], images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        missing = f"{serve(images).address}/nowhere.png"
        (tmp_path / "empty").mkdir()
        assert status(missing, str(tmp_path / "empty")) == 1
        shown = capsys.readouterr()
        assert shown.out.split() == [f"{missing}:", f"{tmp_path / 'empty'}:"]
        assert f"skipped {missing}: cannot be fetched: 404" in shown.err
        assert "has no images" in shown.err

    def test_a_picture_that_cannot_be_written_does_not_lose_the_text(
        self, model: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert status(PICTURE, model, "--output", "/dev/null") == 2
        shown = capsys.readouterr()
        assert shown.out.strip()
        assert "ocrbench: /dev/null/img_1.annotated.png: cannot be written" in shown.err

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["nowhere.png"], "nowhere.png: no such file or folder, and neither an address nor KEY=VALUE"),
            (["--crops", "nowhere.png"], "nowhere.png: no such file or folder, and neither an address nor KEY=VALUE"),
            (["device=CPU"], "read: expected an image, an address or a folder"),
            ([PICTURE, "--order", "distanse"], "--order distanse: expected reading or distance"),
            (["ftp://127.0.0.1/a.jpg"], "ftp://127.0.0.1/a.jpg: only http and https addresses are read"),
            ([PICTURE, "device=TPU"], "device=TPU: OpenVINO finds no TPU on this machine"),
        ],
    )
    def test_mistakes(self, words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert status(*words) == 2
        assert f"ocrbench: {message}" in capsys.readouterr().err
