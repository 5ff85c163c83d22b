"""Reading and making nodes of OpenVINO graphs, whose classes have no stubs: hence the aliases."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from openvino import opset13 as ops
except ImportError:  # up to 2024.6
    from openvino.runtime import opset13 as ops

__all__ = ["POINTWISE", "Model", "NamedOps", "Node", "Output", "constant", "ops", "replace", "rewrite_each"]

Model = Any
Node = Any
Output = Any

# Strides, pads at the beginning and the end, and dilations of a convolution that sees each pixel alone.
POINTWISE = ([1, 1], [0, 0], [0, 0], [1, 1])


class NamedOps:
    """OpenVINO's operations, whose nodes are named by number: ``NamedOps("prefix").relu(value)``.

    OpenVINO's own names differ between runs: the same conversion would give a different file each time, and the model
    cache would never recognise a model.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix, self._made = prefix, 0

    def integers(self, *values: int) -> Node:
        """Make a constant of integers, for shapes and axes: ``NamedOps("prefix").integers(2, 3)``."""
        return self.constant(np.array(values, dtype=np.int64))

    def __getattr__(self, kind: str) -> Callable[..., Node]:
        def make(*arguments: object, **options: object) -> Node:
            node = getattr(ops, kind)(*arguments, **options)
            node.set_friendly_name(f"{self._prefix}/{self._made}")
            self._made += 1
            return node

        return make


def constant(output: Output) -> NDArray[np.float32] | None:
    """Return the values of an output; None if they are not constant."""
    node = output.get_node()
    if node.get_type_name() == "Convert":
        # Weights that are stored as float16.
        node = node.input_value(0).get_node()
    return np.asarray(node.data, dtype=np.float32) if node.get_type_name() == "Constant" else None


def replace(old: Output, new: Output) -> None:
    """Feed another output to all consumers of a given one, and move the tensor names, by which pipelines find it."""
    new.set_names(old.get_names())
    old.set_names(set())
    for consumer in old.get_target_inputs():
        consumer.replace_source_output(new)


def rewrite_each(model: Model, rewrite: Callable[[Node], bool]) -> int:
    """Offer every node of a model to a rewrite, in the order of execution.

    Args:
        model: The ``ov.Model``; it is changed.
        rewrite: Function that replaces a node, or returns False if it does not apply.

    Returns:
        The number of nodes that were replaced.
    """
    replaced = sum(map(rewrite, model.get_ordered_ops()))
    if replaced:
        model.validate_nodes_and_infer_types()
    return replaced
