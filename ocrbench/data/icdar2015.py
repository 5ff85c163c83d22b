"""ICDAR 2015 Incidental Scene Text: words as quadrilaterals, one text file per image.

The images ``img_N.jpg`` and their annotations ``gt_img_N.txt`` lie side by side, or in separate folders as in
the published archives. Our own generated sets have this format too.
"""

from pathlib import Path

from ocrbench.data.files import IMAGE_SUFFIXES, find_images, list_files, require_folder, sample_id
from ocrbench.data.quadrilaterals import read_regions
from ocrbench.errors import DatasetError
from ocrbench.records import Sample

EXPECTED = "images img_N.jpg and annotations gt_img_N.txt"


def read(root: Path) -> list[Sample]:
    """Read the words of each annotated image; ``###`` marks a don't-care region.

    Raises:
        DatasetError: The folder is missing or empty, an image is missing, or an annotation is malformed.
    """
    require_folder(root, EXPECTED)
    annotations = [path for path in list_files(root, {".txt"}) if path.name.startswith("gt_")]
    if not annotations:
        message = f"dataset folder {root} has no annotations; expected {EXPECTED}"
        raise DatasetError(message)
    pairs = [(path, path.stem.removeprefix("gt_")) for path in annotations]
    images = find_images(pairs, list_files(root, IMAGE_SUFFIXES))
    return [
        Sample(id=sample_id(image, root), image_path=image, regions=read_regions(annotation))
        for image, annotation in zip(images, annotations, strict=True)
    ]
