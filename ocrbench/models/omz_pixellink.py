"""Family ``omz_pixellink``: the Open Model Zoo's text-detection-0003 and -0004.

PixelLink (Deng et al., "PixelLink: Detecting Scene Text via Instance Segmentation", arXiv:1801.01315): pixels that are
text and linked to each other make a region.
"""

from collections.abc import Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.geometry import in_reading_order, order_corners
from ocrbench.models.interface import Family, Part
from ocrbench.records import Graph, Image, Network, Region

WIDTH, HEIGHT = 1280, 768
# (dx, dy) of the eight neighbours in the order of the link channels.
NEIGHBOURS = ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1))
# Corners of the cell that each pixel of the map represents.
CELL = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
GRAPH = Graph(
    mean=(0.0,) * 3,
    scale=(1.0,) * 3,
    layout="NHWC",
    outputs=("model/segm_logits/add", "model/link_logits_/add"),
)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PixelLinkOptions:
    """Options of the detector.

    Attributes:
        pixel_threshold: Probability above which a pixel is text.
        link_threshold: Probability above which a link joins two neighbours, in either direction.
        min_area: Least area of a region, in square pixels of the original image.
        min_side: Least side of a region, in pixels of the original image.
    """

    pixel_threshold: float = Field(ge=0, le=1)
    link_threshold: float = Field(ge=0, le=1)
    min_area: float = Field(ge=0)
    min_side: float = Field(ge=0)


class PixelLinkDetector:
    """PixelLink text detector."""

    def __init__(self, options: PixelLinkOptions, metadata: Mapping[str, str]) -> None:
        # Importing it takes long: neither other models nor the first image should wait for it.
        import scipy.sparse.csgraph  # noqa: F401

        self.options = options

    def graphs(self) -> Mapping[str, Graph]:
        """Take BGR values of 0-255 as they are."""
        return {"network": GRAPH}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        """Find rotated rectangles in a BGR image."""
        pixel_logits, link_logits = networks["network"](_resize(image))
        pixels = _second_of_two(pixel_logits[0])
        links = _second_of_two(link_logits[0].reshape(*pixels.shape, len(NEIGHBOURS), 2))
        labels = link_pixels(pixels > self.options.pixel_threshold, links > self.options.link_threshold)
        scale = np.array([image.shape[1] / labels.shape[1], image.shape[0] / labels.shape[0]], dtype=np.float32)
        limit = np.array([image.shape[1] - 1, image.shape[0] - 1], dtype=np.float32)
        found = []
        for rows, columns in _components(labels):
            hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32)).reshape(-1, 1, 2)
            box = cv2.minAreaRect(((hull + CELL).reshape(-1, 2) * scale).astype(np.float32))
            width, height = box[1]
            if min(width, height) < self.options.min_side or width * height < self.options.min_area:
                continue
            corners = order_corners(np.asarray(cv2.boxPoints(box), dtype=np.float32))
            polygon = tuple((float(x), float(y)) for x, y in np.clip(corners, 0, limit))
            found.append(Region(polygon=polygon, confidence=float(pixels[rows, columns].mean())))
        return in_reading_order(found)

    def calibration(self, image: Image) -> Iterator[Image]:
        """Yield the resized image."""
        yield _resize(image)


def link_pixels(text: NDArray[np.bool_], links: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Join text pixels that are linked to each other, in either direction (section 3.2 of the paper).

    Args:
        text: (height, width), true where a pixel is text.
        links: (height, width, 8), true where a pixel links to its neighbour, in the order of ``NEIGHBOURS``.

    Returns:
        (height, width): 0 where there is no text, else the number of the region, from 1.
    """
    height, width = text.shape
    numbers = np.arange(height * width).reshape(height, width)
    starts, ends = [], []
    for channel, (dx, dy) in enumerate(NEIGHBOURS):
        here = np.s_[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
        there = np.s_[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
        joined = text[here] & text[there] & links[..., channel][here]
        starts.append(numbers[here][joined])
        ends.append(numbers[there][joined])
    edges = (np.concatenate(starts), np.concatenate(ends))
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges[0]), dtype=np.bool_), edges), shape=(text.size, text.size))
    _, components = connected_components(graph, directed=False)
    labels = np.zeros(text.size, dtype=np.int32)
    chosen = text.ravel()
    labels[chosen] = np.unique(components[chosen], return_inverse=True)[1] + 1
    return labels.reshape(text.shape)


def _components(labels: NDArray[np.int32]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    rows, columns = np.nonzero(labels)
    order = np.argsort(labels[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    borders = np.flatnonzero(np.diff(labels[rows, columns])) + 1
    for group in np.split(np.arange(len(rows)), borders):
        if len(group):
            yield rows[group], columns[group]


def _second_of_two(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax of the second of two classes: a sigmoid of their difference."""
    return np.asarray(1 / (1 + np.exp(logits[..., 0] - logits[..., 1])), dtype=np.float32)


def _resize(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (WIDTH, HEIGHT)), dtype=np.uint8)[np.newaxis]


FAMILY = Family(detector=Part(options=PixelLinkOptions, build=PixelLinkDetector))
