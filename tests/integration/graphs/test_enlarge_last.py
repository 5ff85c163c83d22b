"""Heads of transposed convolutions compute the same before and after they are rewritten, by real OpenVINO."""

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino as ov
import pytest

from ocrbench.graphs.enlarge_last import enlarge_last
from ocrbench.graphs.nodes import ops

FilesOf = Callable[[ov.Model, Callable[[ov.Model], int]], list[bytes]]
RANDOM = np.random.default_rng(3)
CHANNELS = 6


def values(*shape: int) -> Any:
    return ops.constant(RANDOM.standard_normal(shape).astype(np.float32))


def enlarged(source: Any, kernel: Any, stride: int, pad: int = 0) -> Any:
    return ops.convolution_backprop_data(source, kernel, [stride] * 2, None, [pad] * 2, [pad] * 2, [1, 1])


def head(kind: str) -> ov.Model:
    """Return a model that takes (N, 6, H, W)."""
    image = ops.parameter([-1, CHANNELS, -1, -1], np.float32, name="image")
    # Something that stays as it is.
    value = ops.tanh(image)
    if kind in ("once", "twice", "thrice", "stored as f16", "used twice"):
        half = kind == "stored as f16"
        kernel = values(CHANNELS, 5, 2, 2)
        kernel = ops.convert(ops.constant(kernel.data.astype(np.float16)), "f32") if half else kernel
        value = ops.relu(ops.multiply(ops.add(enlarged(value, kernel, 2), values(1, 5, 1, 1)), values()))
        branch = value
        if kind != "once":
            value = ops.sigmoid(ops.add(enlarged(value, values(5, 2, 3, 3), 3), values(1, 2, 1, 1)))
        if kind == "thrice":
            value = enlarged(value, values(2, 1, 2, 2), 2)
        if kind == "used twice":
            return ov.Model([value, branch], [image], kind)
    elif kind == "overlapping":
        value = enlarged(value, values(CHANNELS, 1, 4, 4), 2, pad=1)
    elif kind == "another end":
        value = ops.relu(enlarged(value, values(CHANNELS, 4, 2, 2), 2))
        value = ops.convolution(value, values(3, 4, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    elif kind == "none":
        value = ops.sigmoid(value)
    value.output(0).set_names({"map"})
    return ov.Model([value], [image], kind)


def run(model: ov.Model, image: np.ndarray) -> list[np.ndarray]:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return list(compiled(image).values())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("once", 1),
        ("twice", 2),
        ("stored as f16", 2),
        ("thrice", 0),
        ("overlapping", 0),
        ("another end", 0),
        ("none", 0),
        ("used twice", 1),
    ],
)
@pytest.mark.parametrize("size", [(5, 7), (1, 1)])
def test_the_function_stays_the_same(kind: str, expected: int, size: tuple[int, int]) -> None:
    image = RANDOM.standard_normal((2, CHANNELS, *size)).astype(np.float32)
    model = head(kind)
    before = run(model, image)
    assert enlarge_last(model) == expected
    after = run(model, image)
    for ours, theirs in zip(after, before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    left = [node for node in model.get_ops() if node.get_type_name() == "ConvolutionBackpropData"]
    assert len(left) == {"thrice": 3, "overlapping": 1, "another end": 1, "used twice": 1}.get(kind, 0)


def test_names_stay() -> None:
    """Of the output, which pipelines ask for, and of layers, which recipes leave out."""
    model = head("twice")
    convolutions = [
        node.get_friendly_name() for node in model.get_ops() if node.get_type_name() == "ConvolutionBackpropData"
    ]
    enlarge_last(model)
    assert model.output(0).get_names() == {"map"}
    assert set(convolutions) == {
        node.get_friendly_name() for node in model.get_ops() if node.get_type_name() == "Convolution"
    }


def test_each_time_the_same_file_is_made(files_of: FilesOf) -> None:
    """OpenVINO's model cache would not know a network with other names again."""
    model = head("twice")
    assert files_of(model, enlarge_last) == files_of(model, enlarge_last)
