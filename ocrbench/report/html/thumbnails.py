"""Images of a dataset for the page: small and embedded, or linked."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ocrbench.data.dataset_files import resolve_inside
from ocrbench.data.images import read_image
from ocrbench.errors import DatasetError
from ocrbench.records import Image, Region

MAX_SIDE_PX, JPEG_QUALITY = 640, 70


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image as the page shows it.

    Attributes:
        source: URL; empty if the image cannot be shown.
        note: Reason why it cannot be shown.
        width: Width of the original, in pixels, to which regions refer.
        height: Height of the original, in pixels.
    """

    source: str
    width: int
    height: int
    note: str = ""


def picture(roots: Sequence[Path], sample_id: str, regions: Sequence[Region], *, link: bool) -> Picture:
    """Read an image of a dataset.

    Args:
        roots: Possible folders of the dataset, because runs may come from several machines.
        sample_id: Path below the folder; a path that leads elsewhere is not shown.
        regions: Regions of the image, from which its size is estimated if it is gone.
        link: Link the file instead of embedding a smaller copy.
    """
    notes = []
    for root in roots:
        try:
            path, image = _read(root, sample_id)
        except (DatasetError, RuntimeError) as error:
            notes.append(str(error))
            continue
        height, width = image.shape[:2]
        return Picture(source=path.as_uri() if link else embedded(image), width=width, height=height)
    width, height = _extent(regions)
    return Picture(source="", width=width, height=height, note=notes[0])


def embedded(image: Image) -> str:
    """Write a small JPEG as a ``data:`` URL."""
    scale = min(1.0, MAX_SIDE_PX / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _read(root: Path, sample_id: str) -> tuple[Path, Image]:
    # A RuntimeError means that the user's home does not exist.
    path = resolve_inside(root.expanduser(), sample_id, root)
    return path.resolve(), read_image(path)


def _extent(regions: Sequence[Region]) -> tuple[int, int]:
    corners = np.array([corner for region in regions for corner in region.polygon], dtype=float).reshape(-1, 2)
    width, height = np.ceil(corners.max(axis=0, initial=MAX_SIDE_PX / 2)).astype(int).tolist()
    return width, height
