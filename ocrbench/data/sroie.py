"""SROIE (ICDAR 2019): scanned receipts, one quadrilateral per line of text.

``box/NNN.csv`` annotates ``img/NNN.jpg``. The transcriptions are upper case whatever stands on the
receipt: score without regard to case.
"""

from pathlib import Path

from ocrbench.data.files import IMAGE_SUFFIXES, find_images, list_files, require_folder, sample_id
from ocrbench.data.quadrilaterals import read_regions
from ocrbench.errors import DatasetError
from ocrbench.records import Sample

EXPECTED = "img/NNN.jpg and box/NNN.csv"


def read(root: Path) -> list[Sample]:
    """Read the lines of each annotated receipt.

    Raises:
        DatasetError: A folder is missing or empty, an image is missing, or an annotation is malformed.
    """
    annotations = list_files(require_folder(root / "box", EXPECTED), {".csv"})
    if not annotations:
        message = f"dataset folder {root} has no annotations; expected {EXPECTED}"
        raise DatasetError(message)
    receipts = list_files(require_folder(root / "img", EXPECTED), IMAGE_SUFFIXES)
    images = find_images([(path, path.stem) for path in annotations], receipts)
    return [
        Sample(id=sample_id(image, root), image_path=image, regions=read_regions(annotation))
        for image, annotation in zip(images, annotations, strict=True)
    ]
