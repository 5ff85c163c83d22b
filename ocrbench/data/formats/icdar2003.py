"""ICDAR 2003 Robust Reading: upright word rectangles, one ``words.xml`` for all images.

A few published rectangles extend beyond their image. They are clipped to it, because no detector can find text
outside the pixels, and an unclipped box would lower the overlap of all of them.
"""

import math
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path
from typing import NoReturn

from ocrbench.data.dataset_files import checked_region, natural_key, require_folder, resolve_inside, sample_id
from ocrbench.data.formats import Entry, Format
from ocrbench.errors import DatasetError
from ocrbench.geometry import rectangle
from ocrbench.records import Region

EXPECTED = "words.xml and the images that it names"


class _NoDoctype(ET.TreeBuilder):
    """Reject a document type: words.xml has none, and entities can read files and exhaust memory."""

    def doctype(self, name: str, *_ids: str | None) -> NoReturn:
        message = f"a document type ({name}) is not allowed"
        raise DatasetError(message)


def read(root: Path) -> list[Entry]:
    """List the images that ``words.xml`` names, in its declared encoding.

    Raises:
        DatasetError: The file is missing, malformed or empty, or an image is missing or not in the folder.
    """
    require_folder(root, EXPECTED)
    path = root / "words.xml"
    entries = [_entry(image, root, path) for image in _parse(path).iter("image")]
    if not entries:
        message = f"{path} names no images; expected {EXPECTED}"
        raise DatasetError(message)
    unique = {entry.id: entry for entry in entries}
    if len(unique) < len(entries):
        message = f"{path} names an image more than once"
        raise DatasetError(message)
    return [unique[name] for name in sorted(unique, key=natural_key)]


def _parse(path: Path) -> ET.Element:
    try:
        return ET.fromstring(path.read_bytes(), parser=ET.XMLParser(target=_NoDoctype()))
    except DatasetError as error:
        message = f"{path}: {error}"
        raise DatasetError(message) from error
    except (ET.ParseError, LookupError, ValueError) as error:
        line = error.position[0] if isinstance(error, ET.ParseError) else 1
        message = f"{path}:{line}: not valid XML: {error}"
        raise DatasetError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}; expected {EXPECTED}"
        raise DatasetError(message) from error


def _entry(image: ET.Element, root: Path, path: Path) -> Entry:
    name = (image.findtext("imageName") or "").strip()
    if not name:
        message = f"{path}: an image has no imageName"
        raise DatasetError(message)
    image_path = resolve_inside(root, name, path)
    regions = partial(_regions, image, f"{path}: {name}")
    return Entry(id=sample_id(image_path, root), image_path=image_path, regions=regions)


def _regions(image: ET.Element, place: str) -> list[Region]:
    resolution = image.find("resolution")
    if resolution is None:
        message = f"{place}: has no resolution"
        raise DatasetError(message)
    width, height = _numbers(resolution, ("x", "y"), place)
    words = image.iterfind("taggedRectangles/taggedRectangle")
    return [_region(word, width, height, f"{place}, rectangle {number}") for number, word in enumerate(words, 1)]


def _region(word: ET.Element, image_width: float, image_height: float, place: str) -> Region:
    x, y, width, height = _numbers(word, ("x", "y", "width", "height"), place)
    left, right = max(0.0, x), min(image_width, x + width)
    top, bottom = max(0.0, y), min(image_height, y + height)
    if left >= right or top >= bottom:
        box, image = f"{width:g}x{height:g} at {x:g},{y:g}", f"{image_width:g}x{image_height:g}"
        message = f"{place}: {box} covers no part of the {image} image"
        raise DatasetError(message)
    text = (word.findtext("tag") or "").strip()
    # A word without a tag is illegible, and does not count.
    return checked_region(rectangle(left, top, right - left, bottom - top), text, place, ignore=not text)


def _numbers(element: ET.Element, names: tuple[str, ...], place: str) -> list[float]:
    try:
        numbers = [float(element.get(name, "")) for name in names]
    except ValueError:
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)):
        message = f"{place}: <{element.tag}> needs numbers for {', '.join(names)}, got {element.attrib}"
        raise DatasetError(message)
    return numbers


FORMAT = Format(read=read)
