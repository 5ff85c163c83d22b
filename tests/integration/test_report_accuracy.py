"""Where words are lost, and in which images, in the report of a real run."""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ocrbench.report.html import load_report, report_data

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(ocrbench: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six images."""
    folder = tmp_path_factory.mktemp("accuracy")
    measured = ocrbench("precision=FP32", "dataset.limit=6", "scenario.min_seconds=0", f"reports_dir={folder}")
    assert measured.returncode == 0, measured.stderr
    return folder


@pytest.fixture(scope="module")
def data(ocrbench: Run, folder: Path) -> Any:
    """What the page holds of the run, held against itself."""
    page = folder / "report.html"
    made = ocrbench("report", folder, "--against", folder, "--gallery", "5", "--output", page)
    assert made.returncode == 0, made.stderr
    _, _, rest = page.read_text(encoding="utf-8").partition('<script type="application/json" id="data">')
    return json.loads(rest.partition("</script>")[0])


def test_words_add_up_to_the_table(data: Any) -> None:
    row, (run,) = data["runs"][0]["row"], data["sections"]["accuracy"]["runs"]
    kinds = run["kinds"]
    found = kinds["right"] + kinds["misread"] + kinds["unknown"]
    assert sum(kinds.values()) == row["words"] > 6
    assert found / row["words"] == pytest.approx(row["det_recall"])
    assert kinds["right"] / row["words"] == pytest.approx(row["e2e_recall"])
    assert run["errors"] / run["characters"] == pytest.approx(row["rec_cer"])


def test_the_gallery_shows_the_images_that_were_read(data: Any) -> None:
    (shelf,) = data["sections"]["gallery"]["sets"]
    assert [len(shelf["images"]), shelf["images_of_all"]] == [5, 6]
    sample = Path(__file__).parents[2] / "datasets" / "sample"
    for image in shelf["images"]:
        assert image["note"] == ""
        encoded = base64.b64decode(image["source"].removeprefix("data:image/jpeg;base64,"))
        small = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        original = cv2.imread(str(sample / image["id"]))
        assert (image["height"], image["width"]) == original.shape[:2]
        resized = cv2.resize(original, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(float) - resized).mean() < 8


def test_a_run_equals_itself(folder: Path) -> None:
    data = report_data(load_report([str(folder)], [str(folder)]))
    (comparison,) = data.sections["comparison"]["comparisons"]
    assert [words["count"] for words in comparison["words"]] == [0, 0]
    accuracy = [change for change in comparison["changes"] if change["metric"] == "e2e_hmean"]
    # Without any difference, but of few images.
    assert [change["verdict"] for change in accuracy] == ["undecided"]
