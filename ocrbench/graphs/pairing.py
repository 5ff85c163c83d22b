"""Pairing of the operations of two models made from one source.

Names do not help, because OpenVINO numbers the operations that it makes (``Multiply_9785``) differently in each
process. But NNCF only inserts operations and never removes any, so both graphs are walked together from the end.
"""

from collections.abc import Mapping

import openvino as ov

from ocrbench.graphs.nodes import Model, Node, Output
from ocrbench.records import Artifact

# These pass values on unchanged, so a quantised value stays quantised.
MOVES = (
    "Concat",
    "Gather",
    "MaxPool",
    "Pad",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "StridedSlice",
    "Transpose",
    "Unsqueeze",
    "VariadicSplit",
)
QUANTISER = "FakeQuantize"


def pair(reference: Model, other: Model) -> dict[str, Node]:
    """Find each operation of a model in another model.

    Args:
        reference: An ``ov.Model``.
        other: Model from the same source, possibly quantised or with weights stored differently.

    Returns:
        Friendly name in ``other`` → operation of ``reference``, without operations that have no counterpart.
    """
    found: dict[str, Node] = {}
    waiting = list(zip(reference.get_results(), other.get_results(), strict=True))
    while waiting:
        ours, theirs = waiting.pop()
        if theirs.get_friendly_name() in found:
            continue
        found[theirs.get_friendly_name()] = ours
        for index in range(min(ours.get_input_size(), theirs.get_input_size())):
            below = ours.input_value(index).get_node()
            match = _below_inserted(theirs.input_value(index).get_node())
            # The treatment of weights depends on their storage.
            if below.get_type_name() == match.get_type_name() != "Constant":
                waiting.append((below, match))
    return found


def shared_names(reference: Artifact, other: Artifact) -> dict[str, str]:
    """Translate the names of an artifact's operations into those of another artifact of the same source.

    Returns:
        Name in ``other`` → name in ``reference``.
    """
    core = ov.Core()
    pairs = pair(core.read_model(reference.path), core.read_model(other.path))
    return {theirs: ours.get_friendly_name() for theirs, ours in pairs.items()}


def quantised(model: Model) -> list[Node]:
    """List the operations that take quantised values, in the order of execution."""
    return [
        node
        for node in model.get_ordered_ops()
        if not (inserted(node) or node.get_type_name() in MOVES or is_constant(node))
        and any(takes_quantised(node.input_value(index)) for index in range(node.get_input_size()))
    ]


def takes_quantised(value: Output) -> bool:
    """Return whether a value comes from a quantiser, directly or through operations that only move it."""
    node = value.get_node()
    while node.get_type_name() in MOVES:
        node = node.input_value(0).get_node()
    return bool(node.get_type_name() == QUANTISER)


def with_bias(node: Node) -> Node:
    """Return the following addition of a constant, else the operation itself.

    NNCF corrects biases so that the mean of a layer's output is unchanged; before the bias it is shifted.
    """
    following = list(node.output(0).get_target_inputs())
    if len(following) != 1 or following[0].get_node().get_type_name() != "Add":
        return node
    addition = following[0].get_node()
    other = addition.input_value(1 - following[0].get_index()).get_node()
    return addition if is_constant(other) else node


def isolate(layer: Node, pairs: Mapping[str, Node]) -> None:
    """Rewire a quantised layer so that its quantisers take their values from the reference.

    Args:
        layer: One of ``quantised``; its model has no other use afterwards.
        pairs: Result of ``pair``.
    """
    waiting, seen = layer.inputs(), set()
    while waiting:
        port = waiting.pop()
        # Layers share quantisers, which are rewired once.
        mark = (port.get_node().get_friendly_name(), port.get_index())
        source = port.get_source_output()
        node = source.get_node()
        if mark in seen or is_constant(node):
            continue
        seen.add(mark)
        name = node.get_friendly_name()
        if name in pairs and not (node.get_type_name() in MOVES and takes_quantised(source)):
            port.replace_source_output(pairs[name].output(source.get_index()))
        else:
            waiting.extend(node.inputs())


def inserted(node: Node) -> bool:
    """Tell whether NNCF put an operation into the graph."""
    name = node.get_friendly_name()
    return node.get_type_name() == QUANTISER or "/nncf_" in name or "/fq_" in name


def is_constant(node: Node) -> bool:
    """Tell whether an operation depends on constants only, as the decompression of weights does."""
    if node.get_input_size() == 0:
        return bool(node.get_type_name() == "Constant")
    return all(is_constant(node.input_value(index).get_node()) for index in range(node.get_input_size()))


def _below_inserted(node: Node) -> Node:
    while inserted(node) and node.get_input_size():
        node = node.input_value(0).get_node()
    return node
