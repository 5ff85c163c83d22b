"""Cropped words: one image per word, listed with its text in a file of tab-separated values.

The root is that file, or a folder with one such file: ``IMAGE<tab>TEXT`` per line, images relative to the file's
folder. Together with the detector ``whole_image`` it shows what a recognizer does alone.
"""

from pathlib import Path

from ocrbench.data.files import list_files, read_text, resolve_inside, sample_id
from ocrbench.data.images import image_size
from ocrbench.errors import DatasetError
from ocrbench.geometry import rectangle
from ocrbench.records import Region, Sample

EXPECTED = "a file of lines IMAGE<tab>TEXT, or a folder with one such file (.tsv)"


def read(root: Path) -> list[Sample]:
    """Read the words; each one's region is its whole image. Empty lines are skipped.

    Raises:
        DatasetError: There is no such file, a line is malformed, or an image is missing, damaged or named twice.
    """
    labels = root if root.is_file() else _only_file(root)
    samples: dict[str, Sample] = {}
    # str.splitlines would also split at characters that occur inside texts (U+2028, U+0085 …).
    for number, line in enumerate(read_text(labels).split("\n"), start=1):
        if line.strip():
            sample = _sample(line, labels, f"{labels}:{number}")
            if sample.id in samples:
                message = f"{labels}:{number}: names {sample.id} a second time"
                raise DatasetError(message)
            samples[sample.id] = sample
    if not samples:
        message = f"{labels} is empty; expected {EXPECTED}"
        raise DatasetError(message)
    return list(samples.values())


def _sample(line: str, labels: Path, place: str) -> Sample:
    name, tab, text = line.partition("\t")
    if not (tab and name and text.strip()):
        message = f"{place}: expected IMAGE<tab>TEXT, got {line[:80]!r}"
        raise DatasetError(message)
    image = resolve_inside(labels.parent, name, labels)
    width, height = image_size(image)
    region = Region(polygon=rectangle(0, 0, width, height), text=text.strip())
    return Sample(id=sample_id(image, labels.parent), image_path=image, regions=(region,))


def _only_file(root: Path) -> Path:
    found = list_files(root, {".tsv"}) if root.is_dir() else []
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        message = f"dataset.root={root}: expected {EXPECTED}; found {names}"
        raise DatasetError(message)
    return found[0]
