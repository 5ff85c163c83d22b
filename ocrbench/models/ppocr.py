"""Family ``ppocr``: the detectors and recognizers of PaddleOCR's PP-OCR series.

The detector is DB (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", arXiv:1911.08947)
with PaddleOCR's post-processing; the recognizer is a CTC network of height 48 whose width follows the crop.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pyclipper
from numpy.typing import NDArray
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.errors import ModelError
from ocrbench.geometry import in_reading_order, order_corners
from ocrbench.models.crops import WidthOptions, natural_width
from ocrbench.models.decoding import ALL, SETS, allowed_characters, decode_ctc, kept_classes
from ocrbench.models.interface import Family, Part, Reading
from ocrbench.records import Graph, Image, Network, Region

Channels = tuple[float, float, float]
# The network halves its input five times.
STRIDE = 32
# PaddleOCR pads with zero after normalisation, which is mid-grey before it.
PADDING = 127
# The recognizer's convolutions of stride 2 are padded by 1, so a step looks at the beginning of its
# columns. The training images of ICDAR 2015 confirm it: words then extend as far to the left of their outer steps as to
# the right.
MIDDLE = 0.0
# Pixels of the image; regions with a shorter side are dropped.
SMALLEST_SIDE = 4


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DbOptions:
    """Options of the detector, under PaddleOCR's names.

    Attributes:
        limit_side: Pixels to which ``limit_type`` scales the shorter (min) or the longer (max) side.
        max_side: Greatest length of a side, in pixels.
        threshold: Probability from which a pixel is text.
        box_threshold: Least mean probability of a region.
        unclip_ratio: Ratio by which a region grows (area × ratio ÷ perimeter), because DB learns shrunken text.
        min_size: Least length of a region's shorter side, in pixels.
        score_mode: Area over which the probability is averaged: ``fast``: the rectangle, ``slow``: the outline.
    """

    limit_type: Literal["min", "max"]
    limit_side: int = Field(ge=STRIDE)
    max_side: int = Field(ge=STRIDE)
    mean: Channels
    scale: Channels
    threshold: float = Field(ge=0, le=1)
    box_threshold: float = Field(ge=0, le=1)
    unclip_ratio: float = Field(gt=0)
    min_size: int = Field(ge=1)
    max_candidates: int = Field(ge=1)
    dilation: bool
    score_mode: Literal["fast", "slow"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CtcOptions(WidthOptions):
    """Options of the recognizer.

    Attributes:
        height: Height of the network's input, in pixels.
        alphabet: Characters that may be read: ``all``, ``ascii``, ``latin``, or a text file. Probabilities
            are then shares among these characters.
    """

    height: int = Field(ge=8)
    mean: Channels
    scale: Channels
    alphabet: str = ALL
    min_confidence: float = Field(ge=0, le=1)

    @field_validator("alphabet")
    @classmethod
    def _readable(cls, value: str) -> str:
        """Reject a wrong name or file before anything is converted."""
        if value != ALL:
            allowed_characters(value)
        return value

    @property
    def files(self) -> tuple[Path, ...]:
        """The file of characters, if one is named."""
        return () if self.alphabet in (ALL, *SETS) else (Path(self.alphabet).expanduser(),)


class DbDetector:
    """DB text detector."""

    def __init__(self, options: DbOptions, metadata: Mapping[str, str]) -> None:
        self.options = options

    def graphs(self) -> Mapping[str, Graph]:
        """Fold the normalisation into the only network."""
        return {"network": Graph(mean=self.options.mean, scale=self.options.scale)}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        """Find text regions in a BGR image, in reading order."""
        (probabilities,) = networks["network"](self._resize(image)[np.newaxis])
        return in_reading_order(self._regions(probabilities[0, 0], image.shape[1], image.shape[0]))

    def calibration(self, image: Image) -> Iterator[Image]:
        """Yield the resized image."""
        yield self._resize(image)[np.newaxis]

    def input_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height to which an image of this size is scaled."""
        options = self.options
        if options.limit_type == "min":
            ratio = max(1.0, options.limit_side / min(width, height))
        else:
            ratio = min(1.0, options.limit_side / max(width, height))
        ratio = min(ratio, options.max_side / max(width, height))
        sides = (max(STRIDE, round(int(side * ratio) / STRIDE) * STRIDE) for side in (width, height))
        return next(sides), next(sides)

    def _resize(self, image: Image) -> Image:
        size = self.input_size(image.shape[1], image.shape[0])
        return np.asarray(cv2.resize(image, size), dtype=np.uint8)

    def _regions(self, probabilities: NDArray[np.float32], width: int, height: int) -> list[Region]:
        options = self.options
        contours = self._contours(probabilities)
        whole, corners = rectangles(contours, options.min_size)
        outlines = corners if options.score_mode == "fast" else [contours[index] for index in whole]
        confidences = means_inside(probabilities, outlines)
        sure = confidences >= options.box_threshold
        outlines = [unclip(each, options.unclip_ratio) for each in corners[sure]]
        whole, grown = rectangles(outlines, options.min_size + 2)
        scale = np.array([width / probabilities.shape[1], height / probabilities.shape[0]], dtype=np.float32)
        limit = np.array([width, height], dtype=np.float32)
        placed = order_corners(np.clip(np.round(grown * scale), 0, limit - 1))
        large = (np.linalg.norm(placed[:, [1, 3]] - placed[:, [0]], axis=2) >= SMALLEST_SIDE).all(axis=1)
        return [
            Region(polygon=tuple((x, y) for x, y in polygon), confidence=confidence)
            for polygon, confidence in zip(
                placed[large].tolist(), confidences[sure][whole][large].tolist(), strict=True
            )
        ]

    def _contours(self, probabilities: NDArray[np.float32]) -> list[NDArray[np.int32]]:
        """Return the (x, y) outlines of probable text."""
        mask = (probabilities > self.options.threshold).view(np.uint8)
        # Most of a photograph is not text: continue with the part that contains all of it.
        x, y, width, height = cv2.boundingRect(mask)
        mask = mask[y : y + height + 1, x : x + width + 1]
        if self.options.dilation:
            mask = np.asarray(cv2.dilate(mask, np.ones((2, 2), np.uint8)), dtype=np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE, offset=(x, y))
        return [np.asarray(each, dtype=np.int32)[:, 0] for each in contours[: self.options.max_candidates]]


class CtcRecognizer:
    """CTC text recognizer of fixed height; class 0 is the blank, the last one the space."""

    def __init__(self, options: CtcOptions, metadata: Mapping[str, str]) -> None:
        if "character" not in metadata:
            message = "The recognizer's model file has no alphabet (ONNX metadata key 'character')"
            raise ModelError(message)
        self.options = options
        self.min_confidence = options.min_confidence
        alphabet = ["", *metadata["character"].splitlines(), " "]
        self._classes = kept_classes(alphabet, options.alphabet)
        self.alphabet = [alphabet[index] for index in self._classes] if self._classes else alphabet

    def graphs(self) -> Mapping[str, Graph]:
        """Fold normalisation, the choice of classes and the arg-max into the only network."""
        options = self.options
        shape = options.static_shape(options.height, channels=3)
        graph = Graph(mean=options.mean, scale=options.scale, arg_max=True, classes=self._classes, shape=shape)
        return {"network": graph}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        """Read BGR crops, batched by width."""
        readings: dict[int, Reading] = {}
        naturals = [self.natural_width(crop) for crop in crops]
        for width, members in self.options.batches(naturals):
            batch = self.options.stacked([self._stretch(crops[index], width) for index in members])
            indices, confidences = networks["network"](batch)
            for place, member in enumerate(members):
                used = min(width, naturals[member]) / width
                path = indices[place], confidences[place]
                readings[member] = decode_ctc(*path, self.alphabet, used=used, middle=MIDDLE)
        return [readings[index] for index in range(len(crops))]

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        """Yield each crop as a batch of its own."""
        for crop in crops:
            yield self._stretch(crop, self.options.width(self.natural_width(crop)))[np.newaxis]

    def natural_width(self, crop: Image) -> int:
        """Return the width of a crop at the network's height."""
        return natural_width(crop, self.options.height)

    def _stretch(self, crop: Image, width: int) -> Image:
        height, natural = self.options.height, min(width, self.natural_width(crop))
        padded = np.full((height, width, 3), PADDING, dtype=np.uint8)
        padded[:, :natural] = cv2.resize(crop, (natural, height))
        return padded


def rectangles(outlines: Sequence[NDArray[np.int32]], smallest: float) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find the smallest rectangle around each outline; drop those whose shorter side is below a limit.

    Returns:
        The indices of the outlines that are left, and the (x, y) corners of their rectangles: (N, 4, 2).
    """
    found = [cv2.minAreaRect(each) for each in outlines]
    sides = np.array([size for _, size, _ in found]).reshape(-1, 2)
    kept = np.flatnonzero(sides.min(axis=1) >= smallest)
    corners = [cv2.boxPoints(found[index]) for index in kept]
    return kept, np.array(corners, dtype=np.float32).reshape(-1, 4, 2)


def means_inside(
    values: NDArray[np.float32], outlines: Sequence[NDArray[np.number]] | NDArray[np.number]
) -> NDArray[np.float64]:
    """Average a map over the pixels inside each outline of (x, y) corners."""
    limit = np.array([values.shape[1] - 1, values.shape[0] - 1])
    ends = np.array([(each.min(axis=0), each.max(axis=0)) for each in outlines]).reshape(-1, 2, 2)
    lows = np.clip(np.floor(ends[:, 0]).astype(int), 0, limit)
    highs = np.clip(np.ceil(ends[:, 1]).astype(int), 0, limit)
    means = np.zeros(len(outlines))
    for index, (outline, low, high) in enumerate(zip(outlines, lows, highs, strict=True)):
        (left, top), (right, bottom) = low, high
        mask = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
        cv2.fillPoly(mask, [(outline - low).astype(np.int32)], 1)
        means[index] = cv2.mean(values[top : bottom + 1, left : right + 1], mask)[0]
    return means


def unclip(corners: NDArray[np.float32], ratio: float) -> NDArray[np.int32]:
    """Grow a region by area × ratio ÷ perimeter (the offset of Vatti's clipping, as in DB, section 3.5).

    Args:
        corners: (x, y) rows of a convex outline.
        ratio: DB's expansion ratio.

    Returns:
        The grown outline's (x, y) rows.
    """
    distance = cv2.contourArea(corners) * ratio / cv2.arcLength(corners, closed=True)
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(corners, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return np.concatenate([np.asarray(path, dtype=np.int32) for path in offset.Execute(distance)])


FAMILY = Family(
    detector=Part(options=DbOptions, build=DbDetector),
    recognizer=Part(options=CtcOptions, build=CtcRecognizer, files=lambda options: options.files),
)
