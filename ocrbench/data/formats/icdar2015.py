"""ICDAR 2015 Incidental Scene Text: words as quadrilaterals, one text file per image.

The images ``img_N.jpg`` and their annotations ``gt_img_N.txt`` are side by side, or in separate folders as in the
published archives. Generated sets have this format too.
"""

import math
from functools import partial
from pathlib import Path

from ocrbench.data.dataset_files import (
    IMAGE_SUFFIXES,
    checked_region,
    find_images,
    list_files,
    read_text,
    require_folder,
    sample_id,
)
from ocrbench.data.formats import Entry, Format
from ocrbench.errors import DatasetError
from ocrbench.records import Region

EXPECTED = "images img_N.jpg and annotations gt_img_N.txt"
DONT_CARE = "###"


def read(root: Path) -> list[Entry]:
    """List the annotated images.

    Raises:
        DatasetError: The folder is missing or empty, or an image is missing.
    """
    require_folder(root, EXPECTED)
    annotations = [path for path in list_files(root, {".txt"}) if path.name.startswith("gt_")]
    if not annotations:
        message = f"dataset folder {root} has no annotations; expected {EXPECTED}"
        raise DatasetError(message)
    pairs = [(path, path.stem.removeprefix("gt_")) for path in annotations]
    images = find_images(pairs, list_files(root, IMAGE_SUFFIXES))
    return [
        Entry(id=sample_id(image, root), image_path=image, regions=partial(read_quadrilaterals, annotation))
        for image, annotation in zip(images, annotations, strict=True)
    ]


def read_quadrilaterals(path: Path) -> tuple[Region, ...]:
    """Read lines of ``x1,y1,x2,y2,x3,y3,x4,y4,transcription``; ``###`` marks a don't-care region.

    Raises:
        DatasetError: A line is malformed; the message names file and line.
    """
    # str.splitlines would also split at characters that occur inside transcriptions (U+2028, U+0085 …).
    lines = enumerate(read_text(path).split("\n"), start=1)
    return tuple(_parse(line.strip(), f"{path}:{number}") for number, line in lines if line.strip())


def _parse(line: str, place: str) -> Region:
    *fields, text = line.split(",", maxsplit=8)
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        numbers = []
    if len(numbers) != 8 or not all(map(math.isfinite, numbers)):
        message = f"{place}: expected x1,y1,x2,y2,x3,y3,x4,y4,transcription, got {line[:80]!r}"
        raise DatasetError(message)
    polygon = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    text = text.strip()
    # A word without a transcription is illegible, and cannot be scored.
    return checked_region(polygon, text, place, ignore=text in {"", DONT_CARE})


FORMAT = Format(read=read)
