"""Find, pair and read a dataset's files; every error names the file and what was expected."""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ocrbench.errors import DatasetError
from ocrbench.records import Polygon, Region

log = logging.getLogger(__name__)

# No picture is larger, and the mathematics of polygons overflows with numbers far beyond.
MOST_PIXELS = 1_000_000
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def natural_key(name: str) -> tuple[list[int | str], str]:
    """Return a sort key that compares numbers in a name as numbers.

    >>> sorted(["img_10", "img_9", "img_1"], key=natural_key)
    ['img_1', 'img_9', 'img_10']
    """
    pieces = re.split(r"([0-9]+)", name)
    # The pattern has one group, so text and numbers alternate and are never compared with each other.
    key: list[int | str] = [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)]
    return key, name


def require_folder(folder: Path, expected: str) -> Path:
    """Return the folder.

    Raises:
        DatasetError: It does not exist or is not a folder; the message names the expected content.
    """
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        message = f"dataset folder {folder} {problem}; expected {expected}"
        raise DatasetError(message)
    return folder


def list_files(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """List the files below a folder that have one of the suffixes (lower case), in natural order.

    Hidden files are left out (macOS archives have a ``._img_1.jpg`` beside each image). Links to folders are not
    followed; a link to a file counts as that file.
    """
    wanted = frozenset(suffixes)
    found = (
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in wanted and not path.name.startswith(".") and path.is_file()
    )
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def sample_id(path: Path, root: Path) -> str:
    """Name a sample by its image's path below the dataset's root, with forward slashes.

    On Linux a file's name may be any bytes; bytes that are not UTF-8 become escapes.
    """
    return path.relative_to(root).as_posix().encode(errors="backslashreplace").decode()


def find_images(annotations: Sequence[tuple[Path, str]], images: Sequence[Path]) -> list[Path]:
    """Find the image of each annotation by its stem: in the same folder, else anywhere in the dataset.

    Images without an annotation are left out, with a warning.

    Args:
        annotations: Annotation files, each with the stem of its image.
        images: All images of the dataset.

    Returns:
        One image per annotation, in the same order.

    Raises:
        DatasetError: An annotation has no image, or several.
    """
    by_stem: dict[str, list[Path]] = {}
    for image in images:
        by_stem.setdefault(image.stem, []).append(image)
    found = [_find_image(path, stem, by_stem.get(stem, [])) for path, stem in annotations]
    unused = len(set(images).difference(found))
    if unused:
        log.warning("%d images have no annotation and are left out", unused)
    return found


def _find_image(annotation: Path, stem: str, candidates: Sequence[Path]) -> Path:
    beside = [image for image in candidates if image.parent == annotation.parent]
    choices = beside or candidates
    if not choices:
        message = f"{annotation}: its image {stem}.jpg is missing (or .png …, anywhere in the dataset)"
        raise DatasetError(message)
    if len(choices) > 1:
        names = ", ".join(str(choice) for choice in choices)
        message = f"{annotation}: expected one image, found {names}; is the root a single split?"
        raise DatasetError(message)
    return choices[0]


def resolve_inside(root: Path, name: str, annotation: Path) -> Path:
    """Resolve an image's name in an annotation file.

    Raises:
        DatasetError: The name leads outside the dataset (``..``, an absolute path, a link) or to no file.
    """
    path = root / PurePosixPath(name)
    try:
        inside = path.resolve().is_relative_to(root.resolve())
        exists = inside and path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        message = f"{annotation}: {name!r} cannot name an image: {error}"
        raise DatasetError(message) from error
    if not inside:
        message = f"{annotation}: {name!r} leads outside the dataset folder {root}"
        raise DatasetError(message)
    if not exists:
        message = f"{annotation}: its image {path} is missing"
        raise DatasetError(message)
    return path


def checked_region(polygon: Polygon, text: str, place: str, *, ignore: bool = False) -> Region:
    """Make a region of the ground truth, whose outline must lie in a picture.

    An outline without an area, such as a point or a line, matches no prediction: it becomes a don't-care region, with a
    warning.

    Args:
        polygon: Corners.
        text: Transcription.
        place: File and line, for messages.
        ignore: Whether it is a don't-care region in any case.

    Raises:
        DatasetError: A coordinate is not a number, or beyond ``MOST_PIXELS``.
    """
    absurd = [number for point in polygon for number in point if not abs(number) <= MOST_PIXELS]
    if absurd:
        message = f"{place}: the coordinate {absurd[0]:g} is in no picture; expected at most {MOST_PIXELS} pixels"
        raise DatasetError(message)
    if not ignore and _is_flat(polygon):
        log.warning("%s: a region without an area does not count: %s", place, text[:80])
        ignore = True
    return Region(polygon=polygon, text=text, ignore=ignore)


def _is_flat(polygon: Polygon) -> bool:
    """Return whether all corners lie on one line."""
    (x0, y0), *others = polygon
    edges = [(x - x0, y - y0) for x, y in others if (x, y) != (x0, y0)]
    return all(edges[0][0] * y == edges[0][1] * x for x, y in edges)


def read_text(path: Path) -> str:
    """Read an annotation file: UTF-8, with or without a byte order mark.

    Raises:
        DatasetError: The file cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        message = f"{path}:{line}: not UTF-8 text"
        raise DatasetError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise DatasetError(message) from error
