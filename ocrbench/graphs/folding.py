"""Fold the arithmetic of a ``Graph`` into a network: pre-processing, fewer classes, and the arg-max."""

from collections.abc import Sequence

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from ocrbench.graphs.nodes import Model, NamedOps, Node, Output, ops
from ocrbench.records import Graph

# Operations whose values depend on the inputs' values in the same place only; Softmax on those of the same axis, so
# that the scores of the remaining classes sum to one again.
ELEMENTWISE = frozenset({"Add", "Convert", "FakeQuantize", "Multiply", "Softmax", "Subtract"})

# From the first number of classes on, the best one is searched in groups of the second number.
GROUPED_FROM, GROUP = 1024, 128


def fold(model: Model, graph: Graph) -> Model:
    """Build a graph's arithmetic into a model, so that it takes uint8 images and perhaps returns the best classes.

    Args:
        model: The ``ov.Model``; its first input is the image, if it takes one. It is changed.
        graph: Arithmetic to fold in.

    Returns:
        The model to compile.
    """
    if graph.mean:
        steps = PrePostProcessor(model)
        entry = steps.input(0)
        entry.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        entry.model().set_layout(ov.Layout(graph.layout))
        entry.preprocess().custom(lambda pixels: _normalised(pixels, graph).output(0))
        own = {node.get_friendly_name() for node in model.get_ops()}
        model = steps.build()
        added = [node for node in model.get_ordered_ops() if node.get_friendly_name() not in own]
        for number, node in enumerate(added):
            node.set_friendly_name(f"preprocess/{number}")
    if graph.shape:
        model.reshape(list(graph.shape))
    if graph.classes:
        _narrow(_scores(model, graph).get_node().input(0), -1, graph.classes)
        model.validate_nodes_and_infer_types()
    return _with_arg_max(model, graph) if graph.arg_max else model


def _normalised(pixels: Output, graph: Graph) -> Node:
    """Compute (value - mean) / scale on whole rows of a picture, whose layout is NHWC.

    As steps of ``PrePostProcessor`` the CPU plugin would first part the bytes into a plane for each channel, compute on
    those, and then put the channels together again for its convolutions. It does not reorder across a reshape, and what
    was a row of three channels becomes one that fills its registers.
    """
    integers = NamedOps("preprocess").integers

    def along_row(per_channel: NDArray[np.float32]) -> Node:
        same = len(set(per_channel.tolist())) == 1
        return ops.constant(per_channel[0]) if same else ops.tile(ops.constant(per_channel), width)

    shape = ops.shape_of(pixels)
    width = ops.slice(shape, integers(2), integers(3), integers(1))
    mean = np.array(graph.mean, dtype=np.float32)
    factor = np.reciprocal(np.array(graph.scale, dtype=np.float32))
    values = ops.convert(ops.reshape(pixels, integers(0, 0, -1), special_zero=True), "f32")
    if mean.any():
        values = ops.subtract(values, along_row(mean))
    if (factor != 1).any():
        values = ops.multiply(values, along_row(factor))
    return ops.reshape(values, shape, special_zero=False)


def _scores(model: Model, graph: Graph) -> Output:
    """Return the output with the scores of the classes: the first one that the graph names, or the first."""
    return model.output(graph.outputs[0]) if graph.outputs else model.output(0)


def _narrow(consumer: Node, axis: int, kept: Sequence[int]) -> None:
    """Keep some indices of an axis in the source of an input, as early in the network as possible.

    If the classes come out of a matrix product, its weights are cut, so that the others are never computed.

    Args:
        consumer: Input of a node.
        axis: Axis, counted from the end.
        kept: Indices along that axis.
    """
    source = consumer.get_source_output()
    node, kind = source.get_node(), source.get_node().get_type_name()
    rank = source.get_partial_shape().rank.get_length()
    if rank < -axis or source.get_partial_shape()[rank + axis] == ov.Dimension(1):
        # It is the same for every class.
        return
    shared = kind != "Constant" and len(source.get_target_inputs()) > 1
    if kind in ELEMENTWISE and not shared:
        for each in node.inputs():
            _narrow(each, axis, kept)
    elif kind == "MatMul" and axis == -1 and not shared:
        _narrow(node.input(1), -2 if node.get_attributes()["transpose_b"] else -1, kept)
    else:
        consumer.replace_source_output(_picked(source, axis, kept))


def _picked(source: Output, axis: int, kept: Sequence[int]) -> Output:
    node = source.get_node()
    named = NamedOps(f"{node.get_friendly_name()}/kept")
    if node.get_type_name() == "Constant":
        return named.constant(np.take(node.data, kept, axis=axis)).output(0)
    return named.gather(source, named.integers(*kept), named.constant(np.int64(axis))).output(0)


def _with_arg_max(model: Model, graph: Graph) -> Model:
    named = NamedOps("arg_max")
    scores = _scores(model, graph).get_node().input_value(0)
    if graph.softmax:
        scores = named.softmax(scores, 2).output(0)
    classes = scores.get_partial_shape()[2]
    grouped = classes.is_static and classes.get_length() >= GROUPED_FROM
    answers = _best_of_groups(named, scores, classes.get_length()) if grouped else _best(named, scores)
    return ov.Model([named.result(each) for each in answers], model.get_parameters(), model.get_friendly_name())


def _best(named: NamedOps, scores: Output) -> list[Output]:
    """Return the index and the value of the best class on the last axis, which is removed."""
    axis = scores.get_partial_shape().rank.get_length() - 1
    last, one = named.constant(np.int64(axis)), named.constant(np.int64(1))
    best = named.topk(scores, one, axis, "max", "none", index_element_type="i32")
    return [named.squeeze(best.output(index), last) for index in (1, 0)]


def _best_of_groups(named: NamedOps, scores: Output, classes: int) -> list[Output]:
    """Do the same as ``_best`` faster for many classes: find the best group, then the best class within it.

    The maximum of each group takes one pass over the scores. ``TopK``, which is slower, sees few of them.
    """
    groups = -(-classes // GROUP)
    begin, end, shape = (
        named.integers(0, 0, 0),
        named.integers(0, 0, groups * GROUP - classes),
        named.integers(0, 0, groups, GROUP),
    )
    padded = named.pad(scores, begin, end, "constant", named.constant(-np.float32(np.inf)))
    parted = named.reshape(padded, shape, special_zero=True)
    group, value = _best(named, named.reduce_max(parted, named.constant(np.int64(3))).output(0))
    axis = named.constant(np.int64(2))
    chosen = named.gather(parted, named.unsqueeze(group, axis), axis, batch_dims=2)
    within, _ = _best(named, named.squeeze(chosen, axis).output(0))
    return [named.add(named.multiply(group, named.constant(np.int32(GROUP))), within), value]
