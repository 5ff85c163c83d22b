"""Words and lines of real images, as the command line measures them."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from ocrbench.files import packaged
from ocrbench.runs.store import Store

Run = Callable[..., CompletedProcess[str]]
Latest = Callable[[Path], list[dict[str, Any]]]

pytestmark = pytest.mark.slow
ONCE = ("precision=FP32", "scenario.min_seconds=0", "scenario.warmup_images=0", "attest=off")
# Parted at spaces only, with nothing dropped.
EVERYTHING = ("recognizer.min_confidence=0", "words.gap=null")


@pytest.fixture(scope="module")
def both(ocrbench: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of one cell in words and in lines, parted at spaces only, with nothing dropped."""
    reports = tmp_path_factory.mktemp("granularity")
    done = ocrbench("-m", "granularity=word,line", "dataset.limit=8", *EVERYTHING, *ONCE, f"reports_dir={reports}")
    assert done.returncode == 0, done.stderr
    return reports


def test_the_words_of_an_image_are_those_of_its_lines(both: Path) -> None:
    store = Store(both)
    texts: dict[str, list[str]] = {}
    for record in store.runs():
        for outcome in store.find(record.run_id).outcomes:
            texts.setdefault(outcome.sample_id, []).append(" ".join(region.text for region in outcome.predicted))
    assert len(texts) == 8
    for sample_id, (one, other) in texts.items():
        assert one.split() == other.split(), sample_id


def test_words_are_found_where_the_ground_truth_is_in_words(both: Path, latest: Latest) -> None:
    word, line = latest(both)
    assert word["words"] == line["words"]
    assert word["det_hmean"] > line["det_hmean"] + 0.2
    assert word["det_hmean"] > 0.75
    assert word["e2e_hmean"] > 0.7


def test_photographs_in_words(ocrbench: Run, latest: Latest, data_root: Path, tmp_path: Path) -> None:
    """Twenty images that nothing was tuned on; lines reach about half of this."""
    done = ocrbench(
        "dataset=icdar2015",
        f"dataset.root={data_root / 'icdar2015' / 'test'}",
        "dataset.limit=20",
        *ONCE,
        f"reports_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    (row,) = latest(tmp_path)
    assert row["det_hmean"] > 0.7
    assert row["e2e_hmean"] > 0.55


def test_forms_in_words(ocrbench: Run, latest: Latest, data_root: Path, tmp_path: Path) -> None:
    done = ocrbench(
        "dataset=funsd",
        f"dataset.root={data_root / 'funsd' / 'train'}",
        "dataset.limit=2",
        *ONCE,
        f"reports_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    (row,) = latest(tmp_path)
    assert row["det_hmean"] > 0.6
    assert row["e2e_hmean"] > 0.5


def test_a_restricted_alphabet_reads_nothing_else(ocrbench: Run, latest: Latest, tmp_path: Path) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    allowed = tmp_path / "letters.txt"
    allowed.write_text(f"{letters} \n", encoding="utf-8")
    reports = tmp_path / "reports"
    done = ocrbench(f"recognizer.alphabet={allowed}", "dataset.limit=8", *ONCE, f"reports_dir={reports}")
    assert done.returncode == 0, done.stderr
    (row,) = latest(reports)
    assert row["e2e_hmean"] > 0.4
    store = Store(reports)
    (record,) = store.runs()
    read = {c for outcome in store.find(record.run_id).outcomes for region in outcome.predicted for c in region.text}
    assert read
    assert read <= set(letters)


def test_characters_that_the_model_does_not_know_fail_the_cell(ocrbench: Run, latest: Latest, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed.txt"
    allowed.write_text("ab\ue000", encoding="utf-8")
    done = ocrbench(f"recognizer.alphabet={allowed}", "dataset.limit=1", *ONCE, f"reports_dir={tmp_path / 'reports'}")
    assert done.returncode == 1
    (row,) = latest(tmp_path / "reports")
    assert f"recognizer.alphabet={allowed}: 1 of its characters are not in the model's" in row["error"]


def test_a_person_reads_lines_unless_words_are_asked_for(ocrbench: Run, model: str, tmp_path: Path) -> None:
    image = Path(packaged("datasets/sample"), "img_14.jpg")
    lines, words = (
        ocrbench("read", image, model, *EVERYTHING, *wanted, "--output", tmp_path).stdout.splitlines()
        for wanted in ([], ["granularity=word"])
    )
    assert len(words) > len(lines) > 1
    assert any(" " in line for line in lines)
    assert not any(" " in word for word in words)
    assert sorted(" ".join(lines).split()) == sorted(words)
