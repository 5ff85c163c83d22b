"""Compute convolutions over concatenated maps as sums of convolutions over the single maps.

Both are the same function but for rounding. The sum takes less work in two cases:

- Some of the maps were enlarged by repeating pixels, as in the neck of a DB detector. Around each corner where four
  pixels of the smaller map meet lie four pixels of one that is twice as large, and a 3×3 kernel on any of them sees
  only those same four. So a 2×2 convolution of the smaller map, to four times as many channels, computes them all, and
  a rearrangement puts them in their places ("sub-pixel convolution": Shi et al., CVPR 2016).
- The sums take far less memory traffic than the concatenation, as before a convolution with strides.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ocrbench.graphs.nodes import Model, NamedOps, Node, Output, constant, replace, rewrite_each

# A map and the kernel for it: (outputs, inputs, height, width).
Part = tuple[Output, NDArray[np.float32]]

# What the three taps of a kernel amount to on two neighbouring pixels, if each is doubled and the kernel stands on the
# two that touch: (place of the kernel, pixel, tap).
TAPS = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], dtype=np.float32)
# Least ratio of the concatenation's values to the values that are read and written for the sums.
WORTH = 2
REPEATED = {
    "mode": "nearest",
    "shape_calculation_mode": "scales",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}


def split_concatenations(model: Model) -> int:
    """Rewrite convolutions over concatenated channels as sums where that takes less work.

    Args:
        model: The ``ov.Model``; it is changed.

    Returns:
        The number of convolutions that were replaced.
    """
    return rewrite_each(model, _rewrite)


def _rewrite(node: Node) -> bool:
    """Replace a convolution over a concatenation by a sum, if that takes less work."""
    if node.get_type_name() != "Convolution" or len(node.input_value(0).get_target_inputs()) > 1:
        return False
    concatenation, kernel = node.input_value(0).get_node(), constant(node.input_value(1))
    channels = _channels(concatenation)
    if not channels or kernel is None:
        return False
    cuts = np.split(kernel, list(accumulate(channels))[:-1], axis=1)
    parts: list[Part] = list(zip(concatenation.input_values(), cuts, strict=True))
    enlarged: list[Part] = []
    others: list[Part] = []
    for part in parts:
        (enlarged if _sees_neighbours(node, kernel) and _enlargement(part[0]) else others).append(part)
    name = node.get_friendly_name()
    named = NamedOps(name)
    if enlarged:
        summands = [_convolved(named, node, *_joined(named, others))] if others else []
        halves = [(_half_as_large(named, source), cut) for source, cut in enlarged]
        summands.append(_at_corners(named, *_joined(named, halves)))
    elif WORTH * len(parts) * len(kernel) <= np.prod(node.get_attributes()["strides"]) * kernel.shape[1]:
        summands = [_convolved(named, node, *part) for part in parts]
    else:
        return False
    _convolution(summands[0]).set_friendly_name(name)
    replace(node.output(0), reduce(named.add, summands).output(0))
    return True


def _convolution(node: Node) -> Node:
    """Return the convolution whose values a summand rearranges; recipes name those layers."""
    while node.get_type_name() != "Convolution":
        node = node.input_value(0).get_node()
    return node


def _channels(node: Node) -> list[int]:
    """Return the number of channels of each concatenated map; empty if the node does not concatenate channels."""
    if node.get_type_name() != "Concat" or node.get_attributes()["axis"] not in (1, -3):
        return []
    shapes = [source.get_partial_shape() for source in node.input_values()]
    known = all(shape.rank.is_static and len(shape) == 4 and shape[1].is_static for shape in shapes)
    return [shape[1].get_length() for shape in shapes] if known else []


def _sees_neighbours(node: Node, kernel: NDArray[np.float32]) -> bool:
    """Check whether each value depends only on the pixel in the same place and its neighbours."""
    given = node.get_attributes()
    ones = (*given["strides"], *given["dilations"], *given["pads_begin"], *given["pads_end"])
    return kernel.shape[2:] == (3, 3) and set(ones) == {1} and given["auto_pad"] == "explicit"


def _enlargement(source: Output) -> int:
    """Return the number of repetitions of each pixel of a smaller map in both directions; 0 if uneven."""
    node = source.get_node()
    if node.get_type_name() != "Interpolate" or node.get_type_info().version_id != "opset11":
        return 0
    given, scales = node.get_attributes(), constant(node.input_value(1))
    axes = constant(node.input_value(2)) if node.get_input_size() > 2 else np.arange(4, dtype=np.float32)
    if scales is None or axes is None or any(given[key] != value for key, value in REPEATED.items()):
        return 0
    factors = dict(zip(axes.tolist(), scales.tolist(), strict=True))
    along = [factors.get(axis, 1) for axis in range(4)]
    even = along == [1, 1, along[2], along[2]] and along[2] % 2 == 0
    return int(along[2]) if even and not any((*given["pads_begin"], *given["pads_end"])) else 0


def _half_as_large(named: NamedOps, source: Output) -> Output:
    """Return the map that becomes an enlarged one if each of its pixels is doubled."""
    factor, smaller = _enlargement(source), source.get_node().input_value(0)
    if factor == 2:
        return smaller
    scales, axes = named.constant(np.full(2, factor / 2, dtype=np.float32)), named.integers(2, 3)
    return named.interpolate(smaller, scales, axes=axes, **REPEATED).output(0)


def _joined(named: NamedOps, parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    sources, kernels = zip(*parts, strict=True)
    return named.concat(list(sources), 1).output(0), np.concatenate(kernels, axis=1)


def _convolved(named: NamedOps, node: Node, source: Output, kernel: NDArray[np.float32]) -> Node:
    """Convolve another map with another kernel, but with a given node's attributes."""
    given = node.get_attributes()
    settings = (given[key] for key in ("strides", "pads_begin", "pads_end", "dilations", "auto_pad"))
    return named.convolution(source, named.constant(np.ascontiguousarray(kernel)), *settings)


def _at_corners(named: NamedOps, source: Output, kernel: NDArray[np.float32]) -> Node:
    """Convolve a map as if each of its pixels had been doubled.

    Args:
        named: Makes the nodes.
        source: (N, inputs, H, W).
        kernel: (outputs, inputs, 3, 3).

    Returns:
        A node of (N, outputs, 2 H, 2 W).
    """
    outputs, inputs, _, _ = kernel.shape
    # Channels as depth_to_space has them: (row, column, output); each with a kernel of (input, row, column).
    corners = np.einsum("prk,qsl,oikl->pqoirs", TAPS, TAPS, kernel).reshape(4 * outputs, inputs, 2, 2)
    found = named.convolution(source, named.constant(corners), [1, 1], [1, 1], [1, 1], [1, 1])
    pixels = named.depth_to_space(found, "blocks_first", 2)
    # Some pixels of the corners at the border are outside.
    return named.slice(pixels, *(named.integers(*each) for each in ((1, 1), (-1, -1), (1, 1), (2, 3))))
