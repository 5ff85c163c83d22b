"""Datasets: one module per format, each with ``read(root)``, listed in ``FORMATS``."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ocrbench.config import Dataset
from ocrbench.data import folder, funsd, icdar2003, icdar2015, sroie, words
from ocrbench.errors import DatasetError
from ocrbench.records import Sample

FORMATS: dict[str, Callable[[Path], list[Sample]]] = {
    "folder": folder.read,
    "funsd": funsd.read,
    "icdar2003": icdar2003.read,
    "icdar2015": icdar2015.read,
    "sroie": sroie.read,
    "words": words.read,
}


def read(dataset: Dataset) -> list[Sample]:
    """Read the chosen samples of a dataset.

    Raises:
        DatasetError: It cannot be read.
    """
    samples = FORMATS[dataset.format](Path(dataset.root).expanduser())
    return choose(samples, dataset.limit, dataset.seed)


def choose(samples: Sequence[Sample], limit: int | None, seed: int) -> list[Sample]:
    """Draw ``limit`` samples without replacement, in their original order; None means all.

    Raises:
        DatasetError: The limit is below 1.
    """
    if limit is None or limit >= len(samples):
        return list(samples)
    if limit < 1:
        message = f"cannot choose {limit} samples: expected at least 1"
        raise DatasetError(message)
    generator = np.random.Generator(np.random.PCG64(seed))
    chosen = sorted(generator.choice(len(samples), size=limit, replace=False).tolist())
    return [samples[index] for index in chosen]


def fingerprint(samples: Sequence[Sample]) -> str:
    """Hash ids, ground truth and image files, in order: equal exactly when the same data would be measured.

    Returns:
        SHA-256, 64 hexadecimal digits.

    Raises:
        DatasetError: An image file cannot be read.
    """
    digest = hashlib.sha256()
    for sample in samples:
        regions = [
            [[[float(x), float(y)] for x, y in region.polygon], region.text, region.ignore] for region in sample.regions
        ]
        digest.update(json.dumps([sample.id, regions, _file_sha256(sample.image_path)]).encode() + b"\n")
    return digest.hexdigest()


def _file_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        message = f"image {path}: cannot be read: {error.strerror}"
        raise DatasetError(message) from error
