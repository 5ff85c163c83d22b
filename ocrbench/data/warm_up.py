"""Choose the images that warm up a measurement; none of them is timed."""

import hashlib
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import cv2
from filelock import FileLock

from ocrbench import data
from ocrbench.config.schema import Dataset
from ocrbench.data.dataset_files import IMAGE_SUFFIXES, list_files
from ocrbench.data.images import read_image
from ocrbench.errors import DatasetError
from ocrbench.files import packaged
from ocrbench.records import Sample

# A dataset that is used as a whole lends some of its images if it has so many times as many.
LENDS = 4


def warm_up_samples(dataset: Dataset, samples: Sequence[Sample], count: int, cache_dir: Path) -> list[Sample]:
    """Choose images like those to be timed, in their shapes and in the amount of text.

    They are images of the dataset that its limit leaves out. Where there are too few, some of the chosen ones are
    taken, drawn with the dataset's seed. A small dataset needs all of its images to be timed: then generated images get
    the sizes of half of its images, so that the others still bring new shapes.

    Args:
        dataset: The dataset.
        samples: Its chosen images.
        count: Number of images.
        cache_dir: Folder for generated images.

    Returns:
        The images in random order; those from ``samples`` are the same objects.
    """
    if not count or not samples:
        return []
    chosen = {sample.id for sample in samples}
    others = [entry for entry in data.entries(dataset) if entry.id not in chosen]
    if len(others) >= count:
        drawn = data.choose(others, count, dataset.seed)
        return [Sample(id=each.id, image_path=each.image_path, regions=()) for each in drawn]
    if len(samples) >= LENDS * count:
        return data.choose(samples, count, dataset.seed)
    return _generated(dataset, samples, count, cache_dir)


def _generated(dataset: Dataset, samples: Sequence[Sample], count: int, cache_dir: Path) -> list[Sample]:
    half = data.choose(samples, min(count, -(-len(samples) // 2)), dataset.seed)
    sizes = list(islice(cycle(_sizes(half)), count))
    timed = {data.image_sha256(sample) for sample in samples}
    scenes = list_files(Path(packaged("datasets/sample")), IMAGE_SUFFIXES)
    scenes = [path for path in scenes if data.image_sha256(Sample(id="", image_path=path, regions=())) not in timed]
    folder = cache_dir / "warm-up" / hashlib.sha256(repr((sizes, scenes)).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(len(sizes))]
    with FileLock(folder / ".lock"):
        for path, size, scene in zip(paths, sizes, cycle(scenes), strict=False):
            if not path.exists():
                _, content = cv2.imencode(".jpg", cv2.resize(read_image(scene), size))
                draft = path.with_suffix(".draft")
                draft.write_bytes(content.tobytes())
                draft.replace(path)
    return [Sample(id=f"generated/{path.name}", image_path=path, regions=()) for path in paths]


def _sizes(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Return (width, height) of the images that can be read."""
    sizes = []
    for sample in samples:
        try:
            height, width = read_image(sample.image_path).shape[:2]
        except DatasetError:
            continue
        sizes.append((width, height))
    return sizes
