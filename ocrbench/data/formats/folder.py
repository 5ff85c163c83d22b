"""Any folder of images, without ground truth: to measure speed or inspect results."""

from pathlib import Path

from ocrbench.data.dataset_files import IMAGE_SUFFIXES, list_files, require_folder, sample_id
from ocrbench.data.formats import Entry, Format
from ocrbench.errors import DatasetError

EXPECTED = f"images ({', '.join(sorted(IMAGE_SUFFIXES))}), in subfolders too"


def read(root: Path) -> list[Entry]:
    """List the images below a folder.

    Raises:
        DatasetError: The folder is missing or has no image.
    """
    images = list_files(require_folder(root, EXPECTED), IMAGE_SUFFIXES)
    if not images:
        message = f"dataset folder {root} has no images; expected {EXPECTED}"
        raise DatasetError(message)
    return [Entry(id=sample_id(image, root), image_path=image) for image in images]


FORMAT = Format(read=read)
