"""What NNCF looks at while it quantises: synthetic scene text that no test set contains."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ocrbench.data import FORMATS, fingerprint
from ocrbench.data.images import read_image
from ocrbench.data.synthetic import GENERATOR_VERSION, generate
from ocrbench.geometry import crop_quadrilateral
from ocrbench.models import Detector, Recognizer
from ocrbench.records import Graph, Image, Sample

# The sample set that travels with ocrbench has another seed, so calibration never sees a test image.
SEED = 20240607
IMAGES = 64
Tensor = NDArray[np.float32]


class CalibrationSet:
    """Inputs for one model, made from synthetic images that are generated at first use.

    Attributes:
        size: How many inputs to offer.
    """

    def __init__(self, cache_dir: Path, size: int) -> None:
        self._folder = cache_dir / "calibration" / f"synthetic-v{GENERATOR_VERSION}-{SEED}-{IMAGES}"
        self.size = size

    def key(self) -> dict[str, object]:
        """Return what identifies the inputs' content."""
        return {"images": fingerprint(self._samples()), "size": self.size}

    def detector_inputs(self, detector: Detector) -> list[Tensor]:
        """Make the float inputs of a detector's first network from whole images."""
        tensors = (tensor for sample in self._samples() for tensor in detector.calibration(_read(sample)))
        return self._normalised(tensors, detector.graphs())

    def recognizer_inputs(self, recognizer: Recognizer) -> list[Tensor]:
        """Make the float inputs of a recognizer's first network from the words of the ground truth."""
        tensors = (tensor for sample in self._samples() for tensor in recognizer.calibration(_crops(sample)))
        return self._normalised(tensors, recognizer.graphs())

    def _normalised(self, tensors: Iterator[Image], graphs: Mapping[str, Graph]) -> list[Tensor]:
        graph = next(iter(graphs.values()))
        return [normalise(tensor, graph) for tensor in islice(tensors, self.size)]

    def _samples(self) -> list[Sample]:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder.with_suffix(".lock")):
            if not self._folder.is_dir():
                generate(self._folder, count=IMAGES, seed=SEED)
        return FORMATS["icdar2015"](self._folder)


def normalise(tensor: Image, graph: Graph) -> Tensor:
    """Do on the host what the graph does on the device.

    Args:
        tensor: uint8, NHWC.
        graph: Its mean and scale.

    Returns:
        float32, in the layout of the model's input.
    """
    mean, scale = (np.asarray(values, dtype=np.float32) for values in (graph.mean, graph.scale))
    scaled = (tensor.astype(np.float32) - mean) / scale
    return scaled if graph.layout == "NHWC" else np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _read(sample: Sample) -> Image:
    return read_image(sample.image_path)


def _crops(sample: Sample) -> list[Image]:
    image = _read(sample)
    return [crop_quadrilateral(image, region.polygon) for region in sample.regions if not region.ignore]
