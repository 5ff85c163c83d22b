"""What is built into a network before it is compiled: pre-processing, fewer classes, and the arg-max."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor

from ocrbench.records import Artifact, Graph
from ocrbench.runtime.operations import NamedOps, ops

# Each of their values depends on the inputs' values at the same place only; for Softmax on those of the same axis,
# so that what is left of the classes sums up to one again.
ELEMENTWISE = frozenset({"Add", "Convert", "FakeQuantize", "Multiply", "Softmax", "Subtract"})

# So many classes are searched for the best in groups of this size.
GROUPED_FROM, GROUP = 1024, 128


def fold(model: Any, graph: Graph) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    """Build the graph's arithmetic into a model: a uint8 image in, and perhaps the arg-max out.

    Args:
        model: The ``ov.Model``; an image input is its first one.
        graph: What to fold in.

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
        output = model.output(graph.outputs[0]) if graph.outputs else model.output(0)
        _narrow(output.get_node().input(0), -1, graph.classes)
        model.validate_nodes_and_infer_types()
    return _with_arg_max(model, graph) if graph.arg_max else model


def _normalised(pixels: Any, graph: Graph) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    """Compute (value - mean) / scale on whole rows of a picture, whose layout is NHWC.

    As steps of ``PrePostProcessor`` the CPU plugin would first part the bytes into a plane for each channel, compute on
    those, and then put the channels together again for its convolutions. It does not reorder across a reshape, and what
    was a row of three channels becomes one that fills its registers.
    """
    integers = NamedOps("preprocess").integers

    def along_row(per_channel: NDArray[np.float32]) -> Any:  # noqa: ANN401
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


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The first input of a model.

    Attributes:
        kind: OpenVINO's name for the type: ``u8``, ``f32``.
        shape: With None for what is decided at each call.
    """

    kind: str
    shape: tuple[int | None, ...]

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether a tensor may have this shape.

        >>> Entry(kind="u8", shape=(None, 48, None, 3)).takes((8, 48, 320, 3))
        True
        """
        sides = zip(self.shape, shape, strict=False)
        return len(shape) == len(self.shape) and all(own in (None, given) for own, given in sides)


def save_folded(artifact: Artifact, graph: Graph, path: Path) -> Entry:
    """Write the model that is compiled: the artifact's, with the graph folded in.

    Args:
        artifact: What is read.
        graph: What is folded in.
        path: The ``.xml`` to write; weights keep the type that they have.
    """
    model = fold(ov.Core().read_model(artifact.path), graph)
    ov.save_model(model, path, compress_to_fp16=False)
    entry = model.input(0)
    shape = tuple(each.get_length() if each.is_static else None for each in entry.get_partial_shape())
    return Entry(kind=entry.get_element_type().get_type_name(), shape=shape)


def _narrow(consumer: Any, axis: int, kept: Sequence[int]) -> None:  # noqa: ANN401 - OpenVINO has no stubs
    """Keep some places of an axis in what an input is fed with, as far up in the network as possible.

    Where the classes come out of a matrix product, its weights are cut, so that the others are never computed.

    Args:
        consumer: The input of a node.
        axis: Counted from the end.
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


def _picked(source: Any, axis: int, kept: Sequence[int]) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    node = source.get_node()
    if node.get_type_name() == "Constant":
        added = [ops.constant(np.take(node.data, kept, axis=axis))]
    else:
        indices, along = ops.constant(np.asarray(kept, dtype=np.int64)), ops.constant(np.int64(axis))
        added = [indices, along, ops.gather(source, indices, along)]
    for number, each in enumerate(added):
        each.set_friendly_name(f"{node.get_friendly_name()}/kept/{number}")
    return added[-1].output(0)


def _with_arg_max(model: Any, graph: Graph) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    named = NamedOps("arg_max")
    output = model.output(graph.outputs[0]) if graph.outputs else model.output(0)
    scores = output.get_node().input_value(0)
    if graph.softmax:
        scores = named.softmax(scores, 2).output(0)
    classes = scores.get_partial_shape()[2]
    grouped = classes.is_static and classes.get_length() >= GROUPED_FROM
    answers = _best_of_groups(named, scores, classes.get_length()) if grouped else _best(named, scores)
    return ov.Model([named.result(each) for each in answers], model.get_parameters(), model.get_friendly_name())


def _best(named: NamedOps, scores: Any) -> list[Any]:  # noqa: ANN401 - OpenVINO has no stubs
    """Return the index and the value of the best on the last axis, which is taken away."""
    axis = scores.get_partial_shape().rank.get_length() - 1
    last, one = named.constant(np.int64(axis)), named.constant(np.int64(1))
    best = named.topk(scores, one, axis, "max", "none", index_element_type="i32")
    return [named.squeeze(best.output(index), last) for index in (1, 0)]


def _best_of_groups(named: NamedOps, scores: Any, classes: int) -> list[Any]:  # noqa: ANN401 - OpenVINO has no stubs
    """As ``_best`` for many classes: it is faster to look for the best group first, and then within that one alone.

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
