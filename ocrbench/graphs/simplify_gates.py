"""Compute gates of channels with fewer passes over the picture.

A squeeze-and-excitation block averages each channel of a picture, computes a factor for each channel from that, and
multiplies (Hu et al., CVPR 2018). Two things make it less work, and leave the function as it was but for rounding:

- Behind a 1×1 convolution without bias, the averages are the same convolution of the input's averages. So the factors
  are known before there are outputs, and can be multiplied to the weights, of which there are few. That saves up to
  three passes over the outputs, and what is added to them afterwards becomes part of the convolution. Weights then hold
  for one picture, so such a network takes one at a time.
- The CPU plugin averages slowly where the channels do not fill its registers. Whole rows of pixels do.
"""

from dataclasses import dataclass

import numpy as np
import openvino as ov

from ocrbench.graphs.nodes import POINTWISE, Model, NamedOps, Node, Output, constant, replace, rewrite_each

# Number of float32 values in a register of AVX-512.
LANES = 16


@dataclass(frozen=True, kw_only=True)
class _Gated:
    """The nodes around a convolution whose outputs are gated.

    Attributes:
        mean: Averages each channel.
        factor: (1, channels, 1, 1).
        kept: Whether the convolution's outputs are added to the product.
        last: Gives the gated map.
    """

    mean: Node
    factor: Output
    kept: bool
    last: Node


def simplify_gates(model: Model) -> int:
    """Rewrite the 1×1 convolutions whose outputs are averaged, gated, and otherwise unused, and slow averages.

    Args:
        model: The ``ov.Model``; it is changed, and takes one picture at a time where a convolution was replaced.

    Returns:
        The number of convolutions and averages that were replaced.
    """
    gated = 0
    shapes = {entry: entry.get_partial_shape() for entry in model.inputs}
    if all(map(_may_be_one, shapes.values())):
        # First, so that each node's shape shows whether it then holds one picture.
        model.reshape({entry: [1, *list(shape)[1:]] for entry, shape in shapes.items()})
        gated = rewrite_each(model, _gate_weights)
        if not gated:
            model.reshape(shapes)
    return gated + rewrite_each(model, _average_rows)


def _may_be_one(shape: ov.PartialShape) -> bool:
    """Check whether an input can be one picture."""
    return bool(shape.rank.is_static and len(shape) == 4 and shape[0].compatible(ov.Dimension(1)))


def _average_rows(node: Node) -> bool:
    """Average whole rows of pixels, and then the pixels of the one that is left, if that is less work."""
    if node.get_type_name() != "ReduceMean" or not _averages_pixels(node):
        return False
    source = node.input_value(0)
    shape = source.get_partial_shape()
    if shape.rank.is_dynamic or len(shape) != 4 or shape[1].is_dynamic or shape[1].get_length() % LANES == 0:
        return False
    channels, named = shape[1].get_length(), NamedOps(node.get_friendly_name())
    integers = named.integers
    rows = named.reshape(named.transpose(source, integers(0, 2, 3, 1)), integers(0, 0, -1), special_zero=True)
    row = named.reduce_mean(rows, integers(1), keep_dims=True)
    pixels = named.reshape(row, integers(0, -1, channels), special_zero=True)
    mean = named.reduce_mean(pixels, integers(1), keep_dims=True)
    last = named.reshape(mean, integers(0, channels, 1, 1), special_zero=True)
    replace(node.output(0), last.output(0))
    return True


def _gate_weights(node: Node) -> bool:
    found = _gated(node) if _is_pointwise(node) else None
    if found is None:
        return False
    name = node.get_friendly_name()
    named = NamedOps(name)
    source, weights = node.input_value(0), node.input_value(1)
    average = named.convolution(
        named.reduce_mean(source, found.mean.input_value(1), keep_dims=True), weights, *POINTWISE
    )
    factor = named.add(found.factor, named.constant(np.float32(1))) if found.kept else found.factor
    per_output = named.reshape(factor, named.integers(-1, 1, 1, 1), special_zero=False)
    # Not the weights first: the CPU plugin may write the product over what comes first. Weights stored as float16 it
    # converts only once, so every picture's gate would be left in them (OpenVINO 2026.4).
    gated = named.convolution(source, named.multiply(per_output, weights), *POINTWISE)
    # Recipes name layers.
    gated.set_friendly_name(name)
    replace(found.mean.output(0), average.output(0))
    replace(found.last.output(0), gated.output(0))
    return True


def _is_pointwise(node: Node) -> bool:
    """Check whether a node is a 1×1 convolution with no more inputs to average than outputs."""
    if node.get_type_name() != "Convolution":
        return False
    kernel, given = constant(node.input_value(1)), node.get_attributes()
    if kernel is None or kernel.shape[2:] != (1, 1) or kernel.shape[1] > kernel.shape[0]:
        return False
    return set(given["strides"]) == {1} and not any((*given["pads_begin"], *given["pads_end"]))


def _gated(node: Node) -> _Gated | None:
    """Return the gate behind a convolution; None if something else takes its outputs."""
    consumers = _consumers(node)
    if sorted(consumers) not in (["Multiply", "ReduceMean"], ["Add", "Multiply", "ReduceMean"]):
        return None
    mean, product, total = consumers["ReduceMean"], consumers["Multiply"], consumers.get("Add")
    factor = _other_input(product, node)
    channels = node.get_output_partial_shape(0)[1]
    if not _averages_pixels(mean) or factor is None or list(factor.get_partial_shape()) != [1, channels, 1, 1]:
        return None
    if total is None:
        return _Gated(mean=mean, factor=factor, kept=False, last=product)
    of_product = [each.get_node() for each in product.output(0).get_target_inputs()]
    added = _other_input(total, node)
    if added is None or not _same(added.get_node(), product) or len(of_product) > 1:
        return None
    return _Gated(mean=mean, factor=factor, kept=True, last=total)


def _consumers(node: Node) -> dict[str, Node]:
    """Return the nodes that take a node's only output, by type; none if two are of one type."""
    found = [each.get_node() for each in node.output(0).get_target_inputs()]
    by_type = {each.get_type_name(): each for each in found}
    return by_type if len(by_type) == len(found) else {}


def _averages_pixels(mean: Node) -> bool:
    axes = constant(mean.input_value(1))
    return axes is not None and sorted(axes.ravel() % 4) == [2, 3] and mean.get_attributes()["keep_dims"]


def _other_input(node: Node, known: Node) -> Output | None:
    """Return the input of a node of two inputs that does not come from a known node; None if both do."""
    others = [source for source in node.input_values() if not _same(source.get_node(), known)]
    return others[0] if len(others) == 1 else None


def _same(one: Node, other: Node) -> bool:
    """Check whether two nodes are the same; ``==`` would make a new one."""
    return bool(one.get_friendly_name() == other.get_friendly_name())
