"""Pre-processing that several families' recognizers share."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ocrbench.records import Graph, Image


def grey_input(crop: Image, width: int, height: int) -> Image:
    """Turn a BGR crop grey and stretch it to the network's size, whatever its proportions.

    Returns:
        uint8 array of shape (1, height, width, 1).
    """
    grey = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (width, height))
    return np.asarray(grey, dtype=np.uint8)[np.newaxis, :, :, np.newaxis]


def grey_graph(layout: str = "NCHW", output: str = "") -> Graph:
    """Return the graph of a network that takes grey values as they are and answers class scores per step."""
    outputs = (output,) if output else ()
    return Graph(mean=(0.0,), scale=(1.0,), layout=layout, outputs=outputs, arg_max=True, softmax=True)


def equal_widths(widths: Sequence[int], size: int) -> Iterator[tuple[int, list[int]]]:
    """Put crops that are equally wide into batches, narrow ones first.

    Args:
        widths: Of each crop.
        size: How many crops a batch may have.

    Yields:
        A width and the indices of crops that have it.

    >>> list(equal_widths([64, 32, 64, 64], size=2))
    [(32, [1]), (64, [0, 2]), (64, [3])]
    """
    by_width: dict[int, list[int]] = {}
    for index, width in enumerate(widths):
        by_width.setdefault(width, []).append(index)
    for width, members in sorted(by_width.items()):
        for start in range(0, len(members), size):
            yield width, members[start : start + size]
