"""A check that no image is used for both calibration and testing."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ocrbench.config.schema import Dataset
from ocrbench.data import SYNTHETIC, read
from ocrbench.data.images import read_image
from ocrbench.errors import DatasetError
from ocrbench.records import Sample


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
