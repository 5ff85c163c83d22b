"""Images for quantisation and for accuracy control, none of which is a test image."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ocrbench.config.schema import Dataset
from ocrbench.data import SYNTHETIC, fingerprint, read
from ocrbench.data.images import read_image
from ocrbench.data.synthetic import GENERATOR_VERSION, generate
from ocrbench.errors import DatasetError
from ocrbench.geometry import crop_quadrilateral
from ocrbench.models.interface import Detector, Recognizer
from ocrbench.records import Graph, Image, Region, Sample

log = logging.getLogger(__name__)

SYNTHETIC_IMAGES = 64
# Seed of generated validation images, which differs from that of calibration.
VALIDATION_SEED_OFFSET = 1
Tensor = NDArray[np.float32]
Regions = Callable[[Sample, Image], Sequence[Region]]


class CalibrationSet:
    """Images for calibration and for validation; generated ones are made at first use.

    If validation is requested, every second image of a dataset is reserved for it.
    """

    def __init__(self, dataset: Dataset, cache_dir: Path, validation_images: int = 0) -> None:
        """Describe the set.

        Args:
            dataset: Dataset of any format, or ``synthetic``.
            cache_dir: Folder for generated images.
            validation_images: Number of images to set apart; 0 without validation.
        """
        self._dataset, self._cache_dir, self._validation_images = dataset, cache_dir, validation_images

    @property
    def there(self) -> bool:
        """Whether the images need not be generated."""
        return self._dataset.format != SYNTHETIC or all(
            self._folder(seed, count).is_dir() for seed, count in (self._calibrating, self._validating) if count
        )

    def samples(self) -> list[Sample]:
        """Return the calibration images.

        Raises:
            DatasetError: The dataset cannot be read, or is empty.
        """
        if self._dataset.format == SYNTHETIC:
            return self._generated(*self._calibrating)
        samples = self._stored()
        return samples[::2] if self._validation_images else samples

    def validation(self) -> list[Sample]:
        """Return the validation images, none of which is among ``samples``.

        Raises:
            DatasetError: As for ``samples``, or there are fewer than two.
        """
        if self._dataset.format == SYNTHETIC:
            return self._generated(*self._validating)
        samples = self._stored()[1::2][: self._validation_images]
        if len(samples) < 2:
            message = f"calibration.name={self._dataset.name}: too few images to set some apart for accuracy control"
            raise DatasetError(message)
        return samples

    def key(self) -> dict[str, object]:
        """Return the identity of the images."""
        key: dict[str, object] = {"images": fingerprint(self.samples())}
        return key | ({"validation": fingerprint(self.validation())} if self._validation_images else {})

    def detector_inputs(self, detector: Detector, size: int) -> list[Tensor]:
        """Make up to ``size`` float inputs of a detector's first network from whole images."""
        tensors = (tensor for _, image in self._images() for tensor in detector.calibration(image))
        return _inputs(tensors, detector.graphs(), size)

    def recognizer_inputs(self, recognizer: Recognizer, size: int, regions: Regions) -> list[Tensor]:
        """Make up to ``size`` float inputs of a recognizer's first network from crops of ``regions``."""
        tensors = (tensor for crops in self._crops(regions) for tensor in recognizer.calibration(crops))
        return _inputs(tensors, recognizer.graphs(), size)

    def _crops(self, regions: Regions) -> Iterator[list[Image]]:
        for sample, image in self._images():
            yield [crop_quadrilateral(image, region.polygon) for region in regions(sample, image)]

    def _images(self) -> Iterator[tuple[Sample, Image]]:
        for sample in self.samples():
            try:
                yield sample, read_image(sample.image_path)
            except DatasetError as error:
                log.warning("not calibrated with: %s", error)

    def _stored(self) -> list[Sample]:
        samples = read(self._dataset)
        if not samples:
            message = f"calibration.root={self._dataset.root}: no images to calibrate with"
            raise DatasetError(message)
        return samples

    @property
    def _calibrating(self) -> tuple[int, int]:
        """Seed and number of the generated images to calibrate with."""
        return self._dataset.seed, self._dataset.limit or SYNTHETIC_IMAGES

    @property
    def _validating(self) -> tuple[int, int]:
        """Seed and number of those to validate with."""
        return self._dataset.seed + VALIDATION_SEED_OFFSET, self._validation_images

    def _folder(self, seed: int, count: int) -> Path:
        return self._cache_dir / "calibration" / f"{SYNTHETIC}-v{GENERATOR_VERSION}-{seed}-{count}"

    def _generated(self, seed: int, count: int) -> list[Sample]:
        folder = self._folder(seed, count)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                generate(folder, count=count, seed=seed)
        return read(Dataset(name=SYNTHETIC, format="icdar2015", root=str(folder)))


def expected_regions(sample: Sample, image: Image) -> Sequence[Region]:
    """Return the legible regions of the ground truth."""
    return [region for region in sample.regions if not region.ignore]


def normalised(image: Image, graph: Graph) -> Tensor:
    """Do in NumPy what ``graphs.folding`` builds into a network.

    Args:
        image: uint8 image, NHWC.
        graph: Graph of the network that takes it.

    Returns:
        The image with the values and the layout of the network's own input.
    """
    mean, scale = (np.array(each, dtype=np.float32) for each in (graph.mean, graph.scale))
    values = (image.astype(np.float32) - mean) / scale
    return np.ascontiguousarray(values.transpose(["NHWC".index(axis) for axis in graph.layout]))


def _inputs(tensors: Iterator[Image], graphs: Mapping[str, Graph], size: int) -> list[Tensor]:
    graph = next(iter(graphs.values()))
    return [normalised(tensor, graph) for tensor in islice(tensors, size)]
