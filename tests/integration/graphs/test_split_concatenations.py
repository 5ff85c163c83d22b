"""Convolutions over concatenated maps compute the same before and after they are split, by real OpenVINO."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from ocrbench.config.composing import load
from ocrbench.convert.converter import convert_detector
from ocrbench.graphs.nodes import ops
from ocrbench.graphs.split_concatenations import split_concatenations

FilesOf = Callable[[ov.Model, Callable[[ov.Model], int]], list[bytes]]
RANDOM = np.random.default_rng(5)
CHANNELS = 4
NEAREST = {
    "mode": "nearest",
    "shape_calculation_mode": "scales",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}
# What of the concatenation is enlarged, by how much along each side; 1 is a map as it is.
FACTORS = {
    "enlarged and plain": [(2, 2), (1, 1)],
    "plain between enlarged": [(4, 4), (1, 1), (2, 2)],
    "enlarged only": [(8, 8), (4, 4)],
    "odd factor": [(3, 3), (2, 2)],
    "one side only": [(2, 1), (1, 1)],
    "bilinear": [(2, 2), (1, 1)],
    "given by size": [(2, 2), (1, 1)],
    "wide kernel": [(2, 2), (1, 1)],
    "no padding": [(2, 2), (1, 1)],
    "dilated": [(2, 2), (1, 1)],
    "stored as f16": [(2, 2), (1, 1)],
    "used twice": [(2, 2), (1, 1)],
    "two convolutions": [(2, 2), (1, 1)],
    "strides": [(1, 1)] * 4,
    "strides and enlarged": [(2, 2)] + [(1, 1)] * 3,
    "many outputs": [(1, 1)] * 4,
    "along rows": [(1, 1), (1, 1)],
    "kernel is computed": [(2, 2), (1, 1)],
}
SIZE = 24


def values(*shape: int) -> Any:
    return ops.constant(RANDOM.standard_normal(shape).astype(np.float32))


def enlarged(source: Any, factors: tuple[int, int], kind: str) -> Any:
    if factors == (1, 1):
        return source
    scales, axes = ops.constant(np.array(factors, dtype=np.float32)), ops.constant(np.array([2, 3]))
    if kind == "bilinear":
        return ops.interpolate(source, scales, "linear_onnx", "scales", axes=axes)
    if kind == "given by size":
        size = ops.constant(np.array([SIZE, SIZE]))
        return ops.interpolate(source, size, axes=axes, **{**NEAREST, "shape_calculation_mode": "sizes"})
    return ops.interpolate(source, scales, axes=axes, **NEAREST)


def network(kind: str) -> ov.Model:
    """Return a model that takes, for each concatenated map, (N, 4, H, W)."""
    factors = FACTORS[kind]
    images = [ops.parameter([-1, CHANNELS, -1, -1], np.float32, name=f"image{index}") for index in range(len(factors))]
    maps = [enlarged(ops.tanh(image), each, kind) for image, each in zip(images, factors, strict=True)]
    rows = kind == "along rows"
    joined = ops.concat(maps, 2 if rows else 1)
    side, inputs = 5 if kind == "wide kernel" else 3, CHANNELS * (1 if rows else len(factors))
    kernel = values(9 if kind == "many outputs" else 3, inputs, side, side)
    if kind == "stored as f16":
        kernel = ops.convert(ops.constant(kernel.data.astype(np.float16)), "f32")
    if kind == "kernel is computed":
        kernel = ops.multiply(kernel, ops.reduce_max(images[0], ops.constant(np.arange(4))))
    stride = 2 if "strides" in kind or kind == "many outputs" else 1
    dilation = 2 if kind == "dilated" else 1
    pad = 0 if kind == "no padding" else dilation * (side // 2)
    convolution = ops.convolution(joined, kernel, [stride] * 2, [pad] * 2, [pad] * 2, [dilation] * 2)
    convolution.set_friendly_name("neck")
    outputs = [ops.relu(ops.add(convolution, values(1, 1, 1, 1)))]
    outputs[0].output(0).set_names({"map"})
    if kind == "used twice":
        outputs.append(ops.relu(joined))
    if kind == "two convolutions":
        outputs.append(ops.convolution(maps[0], values(1, CHANNELS, 1, 1), [1, 1], [0, 0], [0, 0], [1, 1]))
    return ov.Model(outputs, images, kind)


def images(kind: str, width: int = SIZE) -> list[np.ndarray]:
    return [
        RANDOM.standard_normal((2, CHANNELS, SIZE // tall, width // wide)).astype(np.float32)
        for tall, wide in FACTORS[kind]
    ]


def run(model: ov.Model, given: list[np.ndarray]) -> list[np.ndarray]:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return list(compiled(given).values())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("enlarged and plain", 1),
        ("plain between enlarged", 1),
        ("enlarged only", 1),
        # The part that is enlarged by two; the other one stays as it is.
        ("odd factor", 1),
        ("one side only", 0),
        ("bilinear", 0),
        ("given by size", 0),
        ("wide kernel", 0),
        ("no padding", 0),
        ("dilated", 0),
        ("stored as f16", 1),
        ("used twice", 0),
        ("two convolutions", 1),
        ("strides", 1),
        ("strides and enlarged", 1),
        ("many outputs", 0),
        ("along rows", 0),
        ("kernel is computed", 0),
    ],
)
def test_the_function_stays_the_same(kind: str, expected: int) -> None:
    given = images(kind)
    model = network(kind)
    before = run(model, given)
    assert split_concatenations(model) == expected
    after = run(model, given)
    for ours, theirs in zip(after, before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("width", [2, 4, 14])
def test_any_size_will_do(width: int) -> None:
    given = images("enlarged and plain", width)
    model = network("enlarged and plain")
    before = run(model, given)
    assert split_concatenations(model) == 1
    np.testing.assert_allclose(run(model, given)[0], before[0], atol=1e-5)


@pytest.mark.parametrize("kind", ["enlarged and plain", "enlarged only", "strides"])
def test_names_stay(kind: str) -> None:
    """Of the output, which pipelines ask for, and of the layer, which recipes leave out."""
    model = network(kind)
    assert split_concatenations(model) == 1
    assert model.output(0).get_names() == {"map"}
    names = [node.get_friendly_name() for node in model.get_ops()]
    assert len(names) == len(set(names))
    neck = next(node for node in model.get_ops() if node.get_friendly_name() == "neck")
    assert neck.get_type_name() == "Convolution"


def test_each_time_the_same_file_is_made(files_of: FilesOf) -> None:
    """OpenVINO's model cache would not know a network with other names again."""
    model = network("plain between enlarged")
    assert files_of(model, split_concatenations) == files_of(model, split_concatenations)


def test_the_enlarged_map_is_not_made_any_more() -> None:
    """Which is what takes the time."""
    model = network("enlarged and plain")
    split_concatenations(model)
    kinds = {node.get_type_name() for node in model.get_ordered_ops()}
    assert not kinds & {"Interpolate", "Concat"}


@pytest.mark.parametrize(
    ("precision", "like_int8", "more"), [("FP16", False, 1), ("FP16", True, 0), ("INT8", False, 0)]
)
def test_float_networks_are_split_and_those_of_8_bits_and_their_like_are_not(
    precision: str, like_int8: bool, more: int, cache_dir: Path
) -> None:
    rearranged = {}
    for rewrites in ("all", "none"):
        cell = load(
            [
                "model=ppocrv4_mobile",
                f"detector.precision={precision}",
                "detector.quantization.subset_size=8",
                f"folding.rewrites={rewrites}",
                f"cache_dir={cache_dir}",
            ]
        )
        artifact = convert_detector(cell, lambda _: None, like_int8=like_int8)["network"]
        kinds = [node.get_type_name() for node in ov.Core().read_model(artifact.path).get_ops()]
        rearranged[rewrites] = kinds.count("DepthToSpace")
    assert rearranged["all"] - rearranged["none"] == more
