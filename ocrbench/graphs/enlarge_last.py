"""Compute transposed convolutions at a network's end before the map grows.

If kernel and stride are equal, the outputs of a transposed convolution do not overlap: it is a 1×1 convolution
with one channel per output pixel, followed by a rearrangement ("sub-pixel convolution": Shi et al.,
CVPR 2016). Operations on single pixels may come before the rearrangement. A head that enlarges its map twice, such
as that of DB detectors, becomes two small convolutions and one rearrangement at the very end. The function is the same
but for rounding.
"""

import numpy as np
from numpy.typing import NDArray

from ocrbench.graphs.nodes import POINTWISE, Model, NamedOps, Node, Output, constant, ops, replace

UNARY = {"Relu": ops.relu, "Sigmoid": ops.sigmoid}
BINARY = {"Add": ops.add, "Multiply": ops.multiply}
# Of two in a row, three quarters of the second one's weights are zeros; of three, fifteen sixteenths would be.
MOST_ENLARGEMENTS = 2


def enlarge_last(model: Model) -> int:
    """Rewrite every end of a model that consists of transposed convolutions and of operations on single pixels.

    Args:
        model: The ``ov.Model``; it is changed.

    Returns:
        The number of transposed convolutions that were replaced.
    """
    replaced = 0
    for result in model.get_results():
        tail = _tail(result)
        if tail:
            _rewrite(result, tail)
            replaced += sum(map(_enlarges, tail))
    if replaced:
        model.validate_nodes_and_infer_types()
    return replaced


def _tail(result: Node) -> list[Node]:
    """Collect the nodes from the first transposed convolution to the end; none if there is no such convolution."""
    found: list[Node] = []
    source = result.input_value(0)
    while len(source.get_target_inputs()) == 1:
        node = source.get_node()
        if not (_enlarges(node) or node.get_type_name() in UNARY or _per_channel(node) is not None):
            break
        found.append(node)
        source = node.input_value(0)
    while found and not _enlarges(found[-1]):
        found.pop()
    return found[::-1] if 0 < sum(map(_enlarges, found)) <= MOST_ENLARGEMENTS else []


def _enlarges(node: Node) -> bool:
    """Check whether a node is a transposed convolution whose outputs do not overlap."""
    if node.get_type_name() != "ConvolutionBackpropData" or node.get_input_size() != 2:
        return False
    kernel = constant(node.input_value(1))
    if kernel is None or kernel.ndim != 4 or kernel.shape[2] != kernel.shape[3]:
        return False
    given = node.get_attributes()
    whole = list(given["strides"]) == list(kernel.shape[2:]) and set(given["dilations"]) == {1}
    return whole and not any((*given["pads_begin"], *given["pads_end"], *given["output_padding"]))


def _per_channel(node: Node) -> NDArray[np.float32] | None:
    """Return the value that a node adds to or multiplies with each channel; None if it does anything else."""
    if node.get_type_name() not in BINARY:
        return None
    values = constant(node.input_value(1))
    if values is None or values.size != (values.shape[1] if values.ndim == 4 else 1):
        return None
    return values.ravel()


def _rewrite(result: Node, tail: list[Node]) -> None:
    value, side, width = tail[0].input_value(0), 1, 0
    for node in tail:
        kind, name = node.get_type_name(), node.get_friendly_name()
        named = NamedOps(name)
        if _enlarges(node):
            weights = _weights(constant(node.input_value(1)), side)
            side *= node.get_attributes()["strides"][0]
            width = len(weights)
            new = named.convolution(value, named.constant(weights[:, :, np.newaxis, np.newaxis]), *POINTWISE)
        elif kind in UNARY:
            new = UNARY[kind](value)
        else:
            values = _per_channel(node)
            assert values is not None
            new = BINARY[kind](value, named.constant(np.tile(values, width // values.size).reshape(1, -1, 1, 1)))
        # Recipes name layers.
        new.set_friendly_name(name)
        value = new.output(0)
    last = _pixels(NamedOps(f"{tail[-1].get_friendly_name()}/pixels"), value, side, width // side**2)
    replace(result.input_value(0), last.output(0))


def _pixels(named: NamedOps, blocks: Output, side: int, channels: int) -> Node:
    """Move pixels from channels to their places, as ``DepthToSpace`` does in its mode ``blocks_first``.

    For a single channel, the CPU plugin takes less time to exchange rows and columns of blocks, since the pixels of a
    block's row stay side by side.
    """
    if channels > 1:
        return named.depth_to_space(blocks, "blocks_first", side)
    integers = named.integers
    last = named.transpose(blocks, integers(0, 2, 3, 1))
    apart = named.reshape(last, integers(0, 0, 0, side, side), special_zero=True)
    rows = named.transpose(apart, integers(0, 1, 3, 2, 4))
    joined = named.reshape(rows, integers(0, 0, 0, -1), special_zero=True)
    return named.reshape(joined, integers(0, 1, -1, 0), special_zero=True)


def _weights(kernel: NDArray[np.float32] | None, side: int) -> NDArray[np.float32]:
    """Lay out a transposed convolution's weights as those of a 1×1 convolution.

    Args:
        kernel: (inputs, outputs, size, size).
        side: The channels hold side × side pixels already: (row, column, input).

    Returns:
        (outputs, inputs), each for all pixels: (row, column, channel). A pixel becomes its own pixels only.
    """
    assert kernel is not None
    inputs, outputs, size, _ = kernel.shape
    weights = np.zeros((side, size, side, size, outputs, side, side, inputs), dtype=np.float32)
    for row, column in np.ndindex(side, side):
        weights[row, :, column, :, :, row, column] = kernel.transpose(2, 3, 1, 0)
    return weights.reshape((side * size) ** 2 * outputs, side**2 * inputs)
