"""Pre-processing that recognizers of several families share."""

import math
from collections.abc import Iterator, Sequence
from typing import Literal, Self

import cv2
import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.errors import ConfigError
from ocrbench.records import Graph, Image

# Networks reduce the width by up to eight: with such steps none of their columns is half empty.
MULTIPLE = 8


def grey_input(crop: Image, width: int, height: int) -> Image:
    """Convert a BGR crop to grey and stretch it to the network's size, ignoring its aspect ratio.

    Returns:
        uint8 array of shape (1, height, width, 1).
    """
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (width, height))
    return np.asarray(grey, dtype=np.uint8)[np.newaxis, :, :, np.newaxis]


def grey_graph(layout: str = "NCHW", output: str = "") -> Graph:
    """Return the graph of a network that takes grey values as they are and returns class scores per step."""
    outputs = (output,) if output else ()
    return Graph(mean=(0.0,), scale=(1.0,), layout=layout, outputs=outputs, arg_max=True, softmax=True)


def natural_width(crop: Image, height: int) -> int:
    """Return the width of a crop scaled to a height, in whole pixels.

    >>> natural_width(np.zeros((20, 33, 3), dtype=np.uint8), 40)
    66
    """
    natural: float = height * crop.shape[1] / crop.shape[0]
    return max(1, math.ceil(natural))


@dataclass(frozen=True, kw_only=True, config=STRICT)
class WidthOptions:
    """How crops of different widths become batches, where the network leaves the width of its input open.

    Attributes:
        shapes: ``bucketed``: each crop is padded to the next of a few widths; crops of one width share batches.
            ``static``: all batches have the one width of ``widths`` and ``batch_size`` places, perhaps empty ones;
            wider crops are squeezed. The network is compiled for this shape alone.
        widths: The widths of ``bucketed``, ascending; beyond the last one it goes on with multiples of ``width_step``.
        width_step: Without ``widths``, widths are the multiples of this.
        max_width: Wider crops are squeezed.
        batch_size: How many crops a batch has at most.
    """

    shapes: Literal["static", "bucketed"] = "bucketed"
    widths: tuple[int, ...] = ()
    width_step: int = Field(ge=MULTIPLE)
    min_width: int = Field(default=32, ge=MULTIPLE)
    max_width: int = Field(ge=MULTIPLE)
    batch_size: int = Field(ge=1)

    @model_validator(mode="after")
    def _widths_fit(self) -> Self:
        ascending = sorted({each for each in self.widths if self.min_width <= each <= self.max_width})
        if list(self.widths) != ascending:
            message = f"expected ascending widths from {self.min_width} to {self.max_width}"
        elif self.shapes == "static" and len(self.widths) != 1:
            message = "shapes=static takes one width, as in recognizer.widths=[320]"
        else:
            return self
        given = ",".join(map(str, self.widths))
        message = f"recognizer.widths=[{given}]: {message}"
        raise ConfigError(message)

    def width(self, natural: int) -> int:
        """Return the width of the input for a crop that is this wide at the network's height."""
        if self.shapes == "static":
            return self.widths[0]
        stepped = math.ceil(natural / self.width_step) * self.width_step
        fitting = next((each for each in self.widths if each >= natural), stepped)
        return min(max(fitting, self.min_width), self.max_width)

    def batches(self, naturals: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Put crops into batches, narrow ones first.

        Args:
            naturals: How wide each crop is at the network's height.

        Yields:
            A batch's width, and the indices of its crops.
        """
        groups: dict[int, list[int]] = {}
        for index, natural in enumerate(naturals):
            groups.setdefault(self.width(natural), []).append(index)
        for width, group in sorted(groups.items()):
            for start in range(0, len(group), self.batch_size):
                yield width, group[start : start + self.batch_size]

    def stacked(self, inputs: Sequence[Image]) -> Image:
        """Make a batch of inputs (height, width, channels), with empty ones up to its size where that is static."""
        missing = self.batch_size - len(inputs) if self.shapes == "static" else 0
        return np.stack([*inputs, *[np.zeros_like(inputs[0])] * missing])

    def static_shape(self, height: int, channels: int) -> tuple[int, ...]:
        """Return the only shape of an input; none where it varies."""
        return (self.batch_size, height, self.widths[0], channels) if self.shapes == "static" else ()
