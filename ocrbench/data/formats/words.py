"""Cropped words: one image per word, listed with its text in a file of tab-separated values.

The root is that file, or a folder with one such file: ``IMAGE<tab>TEXT`` per line, images relative to the file's
folder. Together with the detector ``whole_image`` it tests a recognizer alone.
"""

from functools import partial
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.data.dataset_files import list_files, read_text, resolve_inside, sample_id
from ocrbench.data.formats import Entry, Format
from ocrbench.data.images import image_size
from ocrbench.errors import DatasetError
from ocrbench.geometry import rectangle
from ocrbench.records import Region

EXPECTED = "a file of lines IMAGE<tab>TEXT, or a folder with one such file (.tsv)"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class WordsOptions:
    """Options of the format.

    Attributes:
        separator: Separator of image and text; a text may contain it too.
    """

    separator: str = Field(default="\t", min_length=1)


def read(root: Path, separator: str) -> list[Entry]:
    """List the words; each one's region is its whole image. Empty lines are skipped.

    Raises:
        DatasetError: There is no such file, a line is malformed, or an image is missing or named twice.
    """
    labels = root if root.is_file() else _only_file(root)
    entries: dict[str, Entry] = {}
    # str.splitlines would also split at characters that occur inside texts (U+2028, U+0085 …).
    for number, line in enumerate(read_text(labels).split("\n"), start=1):
        if line.strip():
            entry = _entry(line, separator, labels, f"{labels}:{number}")
            if entry.id in entries:
                message = f"{labels}:{number}: repeats {entry.id}"
                raise DatasetError(message)
            entries[entry.id] = entry
    if not entries:
        message = f"{labels} is empty; expected {EXPECTED}"
        raise DatasetError(message)
    return list(entries.values())


def _entry(line: str, separator: str, labels: Path, place: str) -> Entry:
    name, found, text = line.partition(separator)
    if not (found and name and text.strip()):
        shown = separator.replace("\t", "<tab>")
        message = f"{place}: expected IMAGE{shown}TEXT, got {line[:80]!r}"
        raise DatasetError(message)
    image = resolve_inside(labels.parent, name, labels)
    return Entry(id=sample_id(image, labels.parent), image_path=image, regions=partial(_whole, image, text.strip()))


def _whole(image: Path, text: str) -> list[Region]:
    try:
        width, height = image_size(image)
    except DatasetError:
        # It is left out when it is to be read, with the reason.
        return []
    return [Region(polygon=rectangle(0, 0, width, height), text=text)]


def _only_file(root: Path) -> Path:
    found = list_files(root, {".tsv"}) if root.is_dir() else []
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        message = f"dataset.root={root}: expected {EXPECTED}; found {names}"
        raise DatasetError(message)
    return found[0]


FORMAT = Format(read=read, options=WordsOptions)
