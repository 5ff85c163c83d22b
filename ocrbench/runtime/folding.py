"""What is built into a network before it is compiled: pre-processing, and the arg-max."""

from typing import Any

import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor

from ocrbench.records import Graph

try:
    from openvino import opset13 as ops
except ImportError:  # up to 2024.6
    from openvino.runtime import opset13 as ops

__all__ = ["fold", "ops"]


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
        converted = entry.preprocess().convert_element_type(ov.Type.f32)
        if any(graph.mean):
            converted.mean(list(graph.mean))
        if set(graph.scale) != {1.0}:
            converted.scale(list(graph.scale))
        model = steps.build()
    return _with_arg_max(model, graph) if graph.arg_max else model


def _with_arg_max(model: Any, graph: Graph) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    last, one = ops.constant(np.int64(2)), ops.constant(np.int64(1))
    output = model.output(graph.outputs[0]) if graph.outputs else model.output(0)
    scores = output.get_node().input_value(0)
    added = [last, one]
    if graph.softmax:
        added.append(ops.softmax(scores, 2))
        scores = added[-1].output(0)
    best = ops.topk(scores, one, axis=2, mode="max", sort="none", index_element_type="i32")
    answers = [ops.squeeze(best.output(index), last) for index in (1, 0)]
    results = [ops.result(answer) for answer in answers]
    # The names that OpenVINO makes up differ from run to run, and its model cache would never know the model again.
    for number, node in enumerate([*added, best, *answers, *results]):
        node.set_friendly_name(f"arg_max/{number}")
    return ov.Model(results, model.get_parameters(), model.get_friendly_name())
