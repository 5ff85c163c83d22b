"""FUNSD: scanned forms with upright word boxes, one JSON file per form.

``annotations/NAME.json`` annotates ``images/NAME.png``; a form is a list of blocks, a block a list of words.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocrbench.data.files import (
    IMAGE_SUFFIXES,
    find_images,
    list_files,
    read_text,
    require_folder,
    sample_id,
)
from ocrbench.errors import DatasetError
from ocrbench.geometry import rectangle
from ocrbench.records import Region, Sample

EXPECTED = "images/NAME.png and annotations/NAME.json"


def read(root: Path) -> list[Sample]:
    """Read the words of each annotated form; words without text (rules, tick boxes) are skipped.

    Raises:
        DatasetError: A folder is missing or empty, an image is missing, or an annotation is malformed.
    """
    annotations = list_files(require_folder(root / "annotations", EXPECTED), {".json"})
    if not annotations:
        message = f"dataset folder {root} has no annotations; expected {EXPECTED}"
        raise DatasetError(message)
    scans = list_files(require_folder(root / "images", EXPECTED), IMAGE_SUFFIXES)
    images = find_images([(path, path.stem) for path in annotations], scans)
    return [
        Sample(id=sample_id(image, root), image_path=image, regions=tuple(_regions(annotation)))
        for image, annotation in zip(images, annotations, strict=True)
    ]


def _regions(path: Path) -> Iterator[Region]:
    try:
        blocks = json.loads(read_text(path))["form"]
        words = [word for block in blocks for word in block["words"]]
    except json.JSONDecodeError as error:
        message = f"{path}:{error.lineno}: not JSON: {error.msg}"
        raise DatasetError(message) from error
    except (KeyError, TypeError, RecursionError) as error:
        message = f"{path}: expected an object with form[].words[]"
        raise DatasetError(message) from error
    for index, word in enumerate(words):
        text, left, top, right, bottom = _word(word, f"{path}: word {index}")
        if text:
            yield Region(polygon=rectangle(left, top, right - left, bottom - top), text=text)


def _word(word: dict[str, Any], place: str) -> tuple[str, float, float, float, float]:
    """Check one word of the annotation, which can really be anything that JSON can say."""
    try:
        left, top, right, bottom = (float(edge) for edge in word["box"])
        text = word["text"].strip()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        left = top = right = bottom = math.nan
        text = ""
    if not (-math.inf < left < right < math.inf and -math.inf < top < bottom < math.inf):
        message = f"{place}: expected a text and a box x0 < x1, y0 < y1, got {str(word)[:80]}"
        raise DatasetError(message)
    return text, left, top, right, bottom
