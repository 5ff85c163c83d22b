"""A recognizer alone: cropped words through the detector that finds the whole image."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pandas as pd

Run = Callable[..., CompletedProcess[str]]


def test_words_are_read_without_a_detector_network(
    ocrbench: Run, data_root: Path, tmp_path: Path, latest: Callable[[Path], list[dict[str, Any]]]
) -> None:
    dataset = ["dataset=words", f"dataset.root={data_root / 'iiit5k' / 'labels_train.tsv'}", "dataset.limit=40"]
    brief = ["scenario.min_seconds=0", "scenario.warmup_images=0", "recognizer.min_confidence=0"]
    done = ocrbench("detector=whole_image", *dataset, *brief, f"reports_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    (row,) = latest(tmp_path)
    assert (row["images"], row["words"], row["det_hmean"]) == (40, 40, 1)
    assert row["rec_word_accuracy"] > 0.7
    assert row["recognizer_executed"]
    assert pd.isna(row["detector_executed"])
