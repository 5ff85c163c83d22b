"""Cropped words, listed in a file of tab-separated values."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrbench.config.schema import Dataset
from ocrbench.data import read
from ocrbench.errors import DatasetError
from ocrbench.records import Sample


def write(folder: Path, labels: str, name: str = "labels.tsv") -> Path:
    (folder / "images").mkdir(exist_ok=True)
    for number, width in enumerate((40, 60)):
        assert cv2.imwrite(str(folder / "images" / f"{number}.png"), np.zeros((20, width, 3), np.uint8))
    (folder / name).write_text(labels, encoding="utf-8")
    return folder / name


def words(root: Path, **options: object) -> list[Sample]:
    return read(Dataset(name="mine", format="words", root=str(root), options=options))


def test_a_word_is_its_whole_image(tmp_path: Path) -> None:
    labels = write(tmp_path, "images/0.png\tOpen\nimages/1.png\tvino \n")
    first, second = words(labels)
    assert (first.id, first.regions[0].text) == ("images/0.png", "Open")
    assert second.regions[0].text == "vino"
    assert second.regions[0].polygon == ((0, 0), (60, 0), (60, 20), (0, 20))
    assert words(tmp_path) == [first, second]


def test_a_text_may_hold_separators_and_the_last_line_may_be_empty(tmp_path: Path) -> None:
    labels = write(tmp_path, "images/0.png\tOpen\u2028vi\x85no\r\nimages/1.png\tvino\r\n\r\n \n")
    assert [sample.regions[0].text for sample in words(labels)] == ["Open\u2028vi\x85no", "vino"]


@pytest.mark.parametrize("separator", [",", " ", ", "])
def test_another_separator(tmp_path: Path, separator: str) -> None:
    labels = write(tmp_path, f"images/0.png{separator}Open{separator}now\n", "labels.txt")
    (sample,) = words(labels, separator=separator)
    assert (sample.id, sample.regions[0].text) == ("images/0.png", f"Open{separator}now".strip())
    with pytest.raises(DatasetError, match=f"labels.txt:1: expected IMAGE{separator}TEXT"):
        words(write(tmp_path, "images/0.png\tOpen\n", "labels.txt"), separator=separator)


def test_a_folder_must_hold_one_list(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found none"):
        words(tmp_path)
    write(tmp_path, "images/0.png\tOpen\n")
    write(tmp_path, "images/0.png\tOpen\n", "other.tsv")
    with pytest.raises(DatasetError, match=r"found labels\.tsv, other\.tsv"):
        words(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("images/0.png Open", r"labels\.tsv:1: expected IMAGE<tab>TEXT"),
        ("images/0.png\t ", "expected IMAGE<tab>TEXT"),
        ("images/9.png\tOpen", "is missing"),
        ("../secret.png\tOpen", "leads outside|is missing"),
        ("images/0.png\tOpen\nimages/0.png\tvino", r"labels\.tsv:2: repeats images/0\.png"),
        ("", "is empty"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        words(write(tmp_path, line))


def test_a_damaged_word_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((20, 50, 3), dtype=np.uint8))
    (tmp_path / "2.png").write_bytes(b"no image")
    (tmp_path / "words.tsv").write_text("1.png\tone\n2.png\ttwo\n", encoding="utf-8")
    whole, damaged = read(Dataset(name="mine", format="words", root=str(tmp_path), options={"separator": "\t"}))
    assert [region.text for region in whole.regions] == ["one"]
    assert damaged.regions == ()
