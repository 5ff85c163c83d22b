"""FUNSD: scanned forms with upright word boxes, one JSON file per form.

``annotations/NAME.json`` annotates ``images/NAME.png``; a form is a list of blocks, a block a list of words.
"""

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

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
from ocrbench.geometry import rectangle
from ocrbench.records import Region

EXPECTED = "images/NAME.png and annotations/NAME.json"


def read(root: Path) -> list[Entry]:
    """List the annotated forms.

    Raises:
        DatasetError: A folder is missing or empty, or an image is missing.
    """
    annotations = list_files(require_folder(root / "annotations", EXPECTED), {".json"})
    if not annotations:
        message = f"dataset folder {root} has no annotations; expected {EXPECTED}"
        raise DatasetError(message)
    scans = list_files(require_folder(root / "images", EXPECTED), IMAGE_SUFFIXES)
    images = find_images([(path, path.stem) for path in annotations], scans)
    return [
        Entry(id=sample_id(image, root), image_path=image, regions=partial(_regions, annotation))
        for image, annotation in zip(images, annotations, strict=True)
    ]


def _regions(path: Path) -> list[Region]:
    """Read the words of a form; those without text (rules, tick boxes) are skipped."""
    try:
        blocks = json.loads(read_text(path))["form"]
        words = [word for block in blocks for word in block["words"]]
    except json.JSONDecodeError as error:
        message = f"{path}:{error.lineno}: not JSON: {error.msg}"
        raise DatasetError(message) from error
    except (KeyError, TypeError, RecursionError) as error:
        message = f"{path}: expected an object with form[].words[]"
        raise DatasetError(message) from error
    regions = [_region(word, f"{path}: word {index}") for index, word in enumerate(words)]
    return [region for region in regions if region.text]


def _region(word: dict[str, Any], place: str) -> Region:
    """Check one word of the annotation, which can be any JSON value."""
    try:
        left, top, right, bottom = (float(edge) for edge in word["box"])
        text = word["text"].strip()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        left = top = right = bottom = math.nan
        text = ""
    if not (-math.inf < left < right < math.inf and -math.inf < top < bottom < math.inf):
        message = f"{place}: expected a text and a box x0 < x1, y0 < y1, got {str(word)[:80]}"
        raise DatasetError(message)
    return checked_region(rectangle(left, top, right - left, bottom - top), text, place)


FORMAT = Format(read=read)
