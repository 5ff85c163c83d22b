"""Datasets: their images and ground truth, read in one of the ``formats``."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ocrbench.config.checking import closest, validate
from ocrbench.config.schema import Dataset
from ocrbench.data.formats import FORMATS, Entry, Format, NoOptions, format_named
from ocrbench.data.images import read_image
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.records import Sample

# Format of a generated calibration set, with a seed that no test set has.
SYNTHETIC = "synthetic"
Each = TypeVar("Each")


def check_format(dataset: Dataset, where: str = "dataset") -> None:
    """Check a dataset's format and its keys, without reading files.

    Args:
        dataset: Composed YAML.
        where: Key in the cell; only ``calibration`` may be generated.

    Raises:
        ConfigError: The format does not exist, or a key is wrong.
    """
    if where == "calibration" and dataset.format == SYNTHETIC:
        validate(NoOptions, dataset.options, where, beside=Dataset)
    else:
        _format_and_options(dataset, where)


def read(dataset: Dataset) -> list[Sample]:
    """Read the selected samples of a dataset, without the ground truth of others.

    Raises:
        ConfigError: As ``check_format``.
        DatasetError: The dataset cannot be read.
    """
    return [entry.sample() for entry in choose(entries(dataset), dataset.limit, dataset.seed)]


def entries(dataset: Dataset) -> Sequence[Entry]:
    """List all images of a dataset, also those beyond its limit, without their ground truth.

    Raises:
        ConfigError: As ``check_format``.
        DatasetError: The dataset cannot be read.
    """
    kind, options = _format_and_options(dataset, "dataset")
    return kind.read(Path(dataset.root).expanduser(), **options)


def _format_and_options(dataset: Dataset, where: str) -> tuple[Format, Mapping[str, Any]]:
    if dataset.format not in FORMATS:
        valid = closest(dataset.format, (*FORMATS, SYNTHETIC) if where == "calibration" else FORMATS)
        message = f"{where}.format={dataset.format}: no such format; {valid}"
        raise ConfigError(message)
    kind = format_named(dataset.format)
    return kind, vars(validate(kind.options, dataset.options, where, beside=Dataset))


def choose(samples: Sequence[Each], limit: int | None, seed: int) -> list[Each]:
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
    """Hash ids, ground truth and image files, in order: equal hashes mean the same data.

    An image file that cannot be read has no hash; whoever measures leaves it out, with the reason.

    Returns:
        SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for sample in samples:
        regions = [
            [[[float(x), float(y)] for x, y in region.polygon], region.text, region.ignore] for region in sample.regions
        ]
        digest.update(json.dumps([sample.id, regions, image_sha256(sample)]).encode() + b"\n")
    return digest.hexdigest()


def image_sha256(sample: Sample) -> str | None:
    """Hash a sample's image file; None if it cannot be read."""
    try:
        status = sample.image_path.stat()
        return _sha256_of(sample.image_path, status.st_size, status.st_mtime_ns)
    except OSError:
        return None


@functools.lru_cache(maxsize=1_000_000)
def _sha256_of(path: Path, size: int, mtime_ns: int) -> str:
    """Hash a file once per session, as all cells of a matrix read the same images; a changed file is read anew."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_disjoint(calibration: Dataset, tested: Sequence[Sample]) -> None:
    """Check that no image is used for both calibration and testing, whatever its file name.

    Args:
        calibration: Images for calibration, including validation images.
        tested: Test images.

    Raises:
        DatasetError: An image is used for both, or the calibration set cannot be read.
    """
    if calibration.format == SYNTHETIC:
        return
    if not Path(calibration.root).expanduser().exists():
        message = f"calibration.root={calibration.root}: no such folder or file (set it with calibration.root=PATH)"
        raise DatasetError(message)
    used = pixel_hashes(read(calibration))
    shared = [(sample_id, used[digest]) for digest, sample_id in pixel_hashes(tested).items() if digest in used]
    if shared:
        test_id, calibration_id = shared[0]
        message = (
            f"calibration={calibration.name}: {len(shared)} of the test images are in the calibration set too, "
            f"for example {test_id} is {calibration_id}; calibrate with other images (calibration.root=PATH)"
        )
        raise DatasetError(message)


def pixel_hashes(samples: Sequence[Sample]) -> dict[str, str]:
    """Hash each image's pixels: the same picture in another file or lossless format has the same hash.

    Returns:
        SHA-256 of the decoded image → sample id. Images that cannot be decoded are left out.
    """
    hashes = {}
    for sample in samples:
        try:
            image = read_image(sample.image_path)
        except DatasetError:
            continue
        hashes[hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()] = sample.id
    return hashes
