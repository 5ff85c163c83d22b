"""SROIE (ICDAR 2019): scanned receipts, one quadrilateral per line of text, as lines of the format ``icdar2015``.

``box/NNN.csv`` annotates ``img/NNN.jpg``. All transcriptions are upper case, so score without
regard to case.
"""

from functools import partial
from pathlib import Path

from ocrbench.data.dataset_files import IMAGE_SUFFIXES, find_images, list_files, require_folder, sample_id
from ocrbench.data.formats import Entry, Format
from ocrbench.data.formats.icdar2015 import read_quadrilaterals
from ocrbench.errors import DatasetError

EXPECTED = "img/NNN.jpg and box/NNN.csv"


def read(root: Path) -> list[Entry]:
    """List the annotated receipts.

    Raises:
        DatasetError: A folder is missing or empty, or an image is missing.
    """
    annotations = list_files(require_folder(root / "box", EXPECTED), {".csv"})
    if not annotations:
        message = f"dataset folder {root} has no annotations; expected {EXPECTED}"
        raise DatasetError(message)
    receipts = list_files(require_folder(root / "img", EXPECTED), IMAGE_SUFFIXES)
    images = find_images([(path, path.stem) for path in annotations], receipts)
    return [
        Entry(id=sample_id(image, root), image_path=image, regions=partial(read_quadrilaterals, annotation))
        for image, annotation in zip(images, annotations, strict=True)
    ]


FORMAT = Format(read=read)
