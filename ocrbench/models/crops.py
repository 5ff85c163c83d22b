"""Pre-processing that the Open Model Zoo's recognizers share."""

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
