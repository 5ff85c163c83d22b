"""Family ``omz_boxes``: Open Model Zoo detectors that return upright boxes (horizontal-text-detection-0001)."""

from collections.abc import Iterator, Mapping

import cv2
import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.geometry import in_reading_order, rectangle
from ocrbench.models.interface import Family, Part
from ocrbench.records import Graph, Image, Network, Region

SIDE = 704
GRAPH = Graph(mean=(0.0,) * 3, scale=(1.0,) * 3, outputs=("boxes",))


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BoxOptions:
    """Options of the detector.

    Attributes:
        threshold: Least confidence of a box.
    """

    threshold: float = Field(ge=0, le=1)


class BoxDetector:
    """Detector of upright boxes in an image that is resized to 704×704."""

    def __init__(self, options: BoxOptions, metadata: Mapping[str, str]) -> None:
        self.options = options

    def graphs(self) -> Mapping[str, Graph]:
        """Take BGR values of 0-255 as they are."""
        return {"network": GRAPH}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        """Find boxes in a BGR image; rows are (x_min, y_min, x_max, y_max, confidence) in the network's pixels."""
        (boxes,) = networks["network"](_resize(image))
        height, width = image.shape[:2]
        kept = boxes[boxes[:, 4] > self.options.threshold]
        corners = kept[:, :4] * (np.array([width, height, width, height]) / SIDE)
        corners = np.clip(corners, 0, [width, height, width, height])
        found = []
        for (left, top, right, bottom), confidence in zip(corners.tolist(), kept[:, 4].tolist(), strict=True):
            if right - left >= 1 and bottom - top >= 1:
                polygon = rectangle(left, top, right - left, bottom - top)
                found.append(Region(polygon=polygon, confidence=confidence))
        return in_reading_order(found)

    def calibration(self, image: Image) -> Iterator[Image]:
        """Yield the resized image."""
        yield _resize(image)


def _resize(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (SIDE, SIDE)), dtype=np.uint8)[np.newaxis]


FAMILY = Family(detector=Part(options=BoxOptions, build=BoxDetector))
