"""CRAFT's pre- and post-processing (Baek et al., "Character Region Awareness for Text Detection", arXiv:1904.01941).

The network returns two maps of half the image's size: the likelihood that a pixel is the middle of a character
(region), and the middle between two characters of one word (affinity). Section 3.3: pixels that are either belong
together.
"""

from collections.abc import Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.geometry import in_reading_order, order_corners
from ocrbench.records import Graph, Image, Network, Region

Channels = tuple[float, float, float]
Map = NDArray[np.float32]
# EasyOCR rounds the image's sides up to this multiple; and pixels of the image per pixel of the maps, per direction.
STRIDE, MAP_STRIDE = 32, 2
# A rectangle whose sides differ by less than this share becomes upright, because its direction is arbitrary.
SQUARE = 0.1


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CraftOptions:
    """Options of the detector, under EasyOCR's names where it has one.

    Attributes:
        mag_ratio: Factor by which an image is enlarged, unless its longer side would exceed ``canvas_size`` pixels.
        mean: Mean of each channel, in the order red, green, blue.
        text_threshold: Region score that at least one pixel of a word must reach.
        low_text: Region score above which a pixel belongs to a character.
        link_threshold: Affinity above which a pixel links characters.
        min_area: Least number of pixels of the map in a word.
    """

    canvas_size: int = Field(ge=STRIDE)
    mag_ratio: float = Field(gt=0)
    mean: Channels
    scale: Channels
    text_threshold: float = Field(ge=0, le=1)
    low_text: float = Field(ge=0, le=1)
    link_threshold: float = Field(ge=0, le=1)
    min_area: int = Field(ge=1)


class CraftDetector:
    """CRAFT text detector: rotated rectangles around words."""

    def __init__(self, options: CraftOptions, metadata: Mapping[str, str]) -> None:
        self.options = options

    def graphs(self) -> Mapping[str, Graph]:
        """Fold the normalisation into the only network."""
        return {"network": Graph(mean=self.options.mean, scale=self.options.scale)}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        """Find words in a BGR image, in reading order."""
        canvas, ratio = self._canvas(image)
        (scores,) = networks["network"](canvas)
        limit = np.array([image.shape[1] - 1, image.shape[0] - 1], dtype=np.float32)
        found = []
        for corners, confidence in find_words(scores[0, 0], scores[0, 1], self.options):
            placed = order_corners(np.clip(corners * (MAP_STRIDE / ratio), 0, limit))
            polygon = tuple((float(x), float(y)) for x, y in placed)
            found.append(Region(polygon=polygon, confidence=confidence))
        return in_reading_order(found)

    def calibration(self, image: Image) -> Iterator[Image]:
        """Yield the resized and padded image."""
        yield self._canvas(image)[0]

    def _canvas(self, image: Image) -> tuple[Image, float]:
        """Resize, convert to RGB, and pad with black at the right and bottom; also return the scale."""
        longest = max(image.shape[:2])
        ratio = min(self.options.mag_ratio * longest, self.options.canvas_size) / longest
        height, width = (max(1, int(side * ratio)) for side in image.shape[:2])
        canvas = np.zeros((1, _padded(height), _padded(width), 3), dtype=np.uint8)
        canvas[0, :height, :width] = cv2.cvtColor(cv2.resize(image, (width, height)), cv2.COLOR_BGR2RGB)
        return canvas, ratio


def find_words(region: Map, affinity: Map, options: CraftOptions) -> Iterator[tuple[Map, float]]:
    """Find connected characters in the two score maps.

    Args:
        region: (height, width).
        affinity: (height, width).
        options: Thresholds.

    Yields:
        Four (x, y) corners in pixels of the maps, and the highest region score, at most 1.
    """
    text, link = region > options.low_text, affinity > options.link_threshold
    joined = np.asarray(text | link, dtype=np.uint8)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in statistics[label])
        window = np.s_[top : top + height, left : left + width]
        word = labels[window] == label
        peak = float(region[window][word].max())
        characters = word & text[window]
        if area < options.min_area or peak < options.text_threshold or not characters.any():
            continue
        corners = _rectangle(characters, area) + np.array([left, top], dtype=np.float32)
        yield corners, min(peak, 1.0)


def _rectangle(characters: NDArray[np.bool_], area: int) -> Map:
    """Enclose a word's pixels, grown because the scores fall off towards the edges of characters."""
    height, width = characters.shape
    growth = int(2 * np.sqrt(area * min(width, height) / (width * height)))
    # A square of this size extends by half its size to each side, so all of it fits into the frame.
    framed = np.pad(characters.astype(np.uint8), growth)
    grown = np.asarray(cv2.dilate(framed, np.ones((growth + 1, growth + 1), dtype=np.uint8)), dtype=np.uint8)
    pixels = np.asarray(cv2.findNonZero(grown), dtype=np.float32).reshape(-1, 2) - growth
    box = cv2.minAreaRect(pixels)
    shorter, longer = sorted(box[1])
    if longer - shorter > SQUARE * shorter:
        return np.asarray(cv2.boxPoints(box), dtype=np.float32)
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)


def _padded(side: int) -> int:
    return -(-side // STRIDE) * STRIDE
