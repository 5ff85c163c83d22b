"""Networks compute the same before and after their gates are simplified, by real OpenVINO."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from ocrbench.config.composing import load
from ocrbench.convert.converter import convert_detector, convert_recognizer
from ocrbench.engines.native import settings_of
from ocrbench.graphs.nodes import ops
from ocrbench.graphs.simplify_gates import simplify_gates
from ocrbench.models import build_detector
from ocrbench.runtime.network import CompiledNetwork

FilesOf = Callable[[ov.Model, Callable[[ov.Model], int]], list[bytes]]
RANDOM = np.random.default_rng(5)
INPUTS, OUTPUTS = 16, 32
AXES = {"rows only": [2], "counted from the end": [-1, -2]}


def values(*shape: int) -> Any:
    return ops.constant(RANDOM.standard_normal(shape).astype(np.float32))


def convolved(source: Any, kernel: Any, stride: int = 1, pad: int = 0) -> Any:
    return ops.convolution(source, kernel, [stride] * 2, [pad] * 2, [pad] * 2, [1, 1])


def weights(outputs: int, kind: str) -> Any:
    side = 3 if kind == "wide kernel" else 1
    kernel = values(outputs, 2 * outputs if kind == "more inputs" else INPUTS, side, side)
    if kind == "stored as f16":
        kernel = ops.convert(ops.constant(kernel.data.astype(np.float16)), "f32")
    return kernel


def network(kind: str) -> ov.Model:
    """Return a model of one squeeze-and-excitation block: (N, inputs, H, W) → (N, outputs, H, W)."""
    channels = 24 if kind.startswith("odd") else OUTPUTS
    kernel = weights(channels, kind)
    inputs = kernel.get_output_shape(0)[1]
    image = ops.parameter([2 if "two pictures" in kind else -1, inputs, -1, -1], np.float32, name="image")
    halves = ops.reshape(image, ops.constant(np.array([-1, inputs, 4, 0])), special_zero=True)
    if kind == "kernel is computed":
        kernel = ops.multiply(kernel, ops.reduce_max(image, ops.constant(np.arange(4))))
    stride, pad = (2 if kind == "strides" else 1), (1 if kind in ("wide kernel", "padded") else 0)
    value = convolved(ops.tanh(halves if kind == "taken apart" else image), kernel, stride, pad)
    value.set_friendly_name("lateral")
    if "bias" in kind:
        value = ops.add(value, values(1, channels, 1, 1))
    mean = ops.reduce_mean(value, ops.constant(np.array(AXES.get(kind, [2, 3]))), keep_dims=True)
    if kind == "rows only":
        mean = ops.reduce_mean(mean, ops.constant(np.array([3])), keep_dims=True)
    factor = ops.sigmoid(convolved(ops.relu(convolved(mean, values(2, channels, 1, 1))), values(channels, 2, 1, 1)))
    if kind == "one gate for all":
        factor = ops.reduce_max(factor, ops.constant(np.array([1])), keep_dims=True)
    product = ops.multiply(factor, value) if kind == "gate first" else ops.multiply(value, factor)
    if kind == "not kept":
        last = product
    else:
        last = ops.add(product, value) if kind == "gate first" else ops.add(value, product)
    if kind == "goes on":
        last = ops.relu(ops.add(last, values(1, channels, 1, 1)))
    last.output(0).set_names({"map"})
    others = {"outputs used": value, "product used": product}
    return ov.Model([last, *[ops.relu(others[each]) for each in others if each == kind]], [image], kind)


def picture(model: ov.Model, width: int = 12) -> np.ndarray:
    shape = model.input(0).get_partial_shape()
    pictures = 1 if shape[0].is_dynamic else shape[0].get_length()
    return RANDOM.standard_normal((pictures, shape[1].get_length(), 8, width)).astype(np.float32)


def run(model: ov.Model, given: np.ndarray) -> list[np.ndarray]:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return list(compiled([given]).values())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("kept", 1),
        ("not kept", 1),
        ("gate first", 1),
        ("counted from the end", 1),
        ("stored as f16", 1),
        ("goes on", 1),
        ("bias", 0),
        ("wide kernel", 0),
        ("padded", 0),
        ("strides", 0),
        # It would average more channels than before.
        ("more inputs", 0),
        ("rows only", 0),
        ("one gate for all", 0),
        ("outputs used", 0),
        ("product used", 0),
        ("kernel is computed", 0),
        ("two pictures", 0),
        # One picture becomes several, each with a gate of its own.
        ("taken apart", 0),
        # Averages only: of channels that do not fill registers.
        ("odd, bias", 1),
        ("odd, two pictures", 1),
        # The average of the inputs is none of these.
        ("odd", 1),
    ],
)
def test_the_function_stays_the_same(kind: str, expected: int) -> None:
    model = network(kind)
    given = picture(model)
    before = run(model, given)
    assert simplify_gates(model) == expected
    for ours, theirs in zip(run(model, given), before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_one_network_takes_pictures_of_any_size_one_by_one() -> None:
    """The gate of a picture is not left in the weights for the next one."""
    source = network("kept")
    changed = source.clone()
    assert simplify_gates(changed) == 1
    assert changed.input(0).get_partial_shape()[0] == 1
    core = ov.Core()
    before, after = (core.compile_model(each, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}) for each in (source, changed))
    for width in (12, 5, 12):
        given = picture(source, width)
        np.testing.assert_allclose(after([given])[0], before([given])[0], atol=1e-5)


@pytest.mark.parametrize("kind", ["kept", "not kept", "goes on", "odd, bias"])
@pytest.mark.parametrize("stored", ["float32", "float16"])
@pytest.mark.parametrize("hint", ["f32", "f16", "bf16", "of the device"])
def test_pictures_leave_nothing_behind(kind: str, stored: str, hint: str, tmp_path: Path) -> None:
    """In whichever type it is stored and computed, a picture gets the same map after others as before them."""
    model, path = network(kind), tmp_path / "network.xml"
    assert simplify_gates(model) == 1
    ov.save_model(model, path, compress_to_fp16=stored == "float16")
    given = {} if hint == "of the device" else {"INFERENCE_PRECISION_HINT": hint}
    compiled = ov.Core().compile_model(path, "CPU", given)
    pictures = [picture(model) for _ in range(3)]
    first, *others = [[compiled([each])[0].copy() for each in pictures] for _ in range(3)]
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_names_stay() -> None:
    """Of the output, which pipelines ask for, and of the layer, which recipes leave out."""
    model = network("kept")
    assert simplify_gates(model) == 1
    assert model.output(0).get_names() == {"map"}
    names = [node.get_friendly_name() for node in model.get_ops()]
    assert len(names) == len(set(names))
    lateral = next(node for node in model.get_ops() if node.get_friendly_name() == "lateral")
    assert lateral.get_type_name() == "Convolution"


def test_each_time_the_same_file_is_made(files_of: FilesOf) -> None:
    """OpenVINO's model cache would not know a network with other names again."""
    model = network("kept")
    assert files_of(model, simplify_gates) == files_of(model, simplify_gates)


def test_averages_of_rows_take_any_number_of_pictures_of_any_size() -> None:
    source = network("odd, bias")
    changed = source.clone()
    assert simplify_gates(changed) == 1
    core = ov.Core()
    before, after = (core.compile_model(each, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}) for each in (source, changed))
    for shape in ((3, INPUTS, 5, 7), (1, INPUTS, 8, 2)):
        given = RANDOM.standard_normal(shape).astype(np.float32)
        np.testing.assert_allclose(after([given])[0], before([given])[0], atol=1e-5)


def test_nothing_passes_over_the_outputs_any_more() -> None:
    """Which is what took the time: where something is added, the CPU plugin has it added by the convolution."""
    model = network("kept")
    simplify_gates(model)
    outputs = model.get_results()[0].input_value(0)
    assert outputs.get_node().get_type_name() == "Convolution"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], True),
        (["precision=BF16"], True),
        (["folding.rewrites=none"], False),
        (["device=AUTO"], True),
        (["device='HETERO:CPU'"], True),
        (["detector.precision=INT8", "detector.quantization.subset_size=8"], False),
    ],
    ids=["default", "BF16", "switched off", "AUTO", "HETERO", "INT8"],
)
def test_gates_move_in_float_detectors_where_only_the_cpu_runs(
    overrides: list[str], expected: bool, cache_dir: Path
) -> None:
    cell = load(["model=ppocrv6_small", "precision=FP32", *overrides, f"cache_dir={cache_dir}"])
    artifact = convert_detector(cell, lambda _: None)["network"]
    graph = build_detector(cell.detector, artifact.metadata).graphs()["network"]
    network = CompiledNetwork(artifact, graph, settings_of(cell, "detector", {}))
    assert network.execution().rewrites == (("simplify_gates",) if expected else ())
    # The network on disk is the same for all devices.
    assert ov.Core().read_model(artifact.path).input(0).get_partial_shape()[0].is_dynamic


def test_recognizers_take_many_pictures_as_before(model: str, cache_dir: Path) -> None:
    cell = load([model, "precision=FP32", f"cache_dir={cache_dir}"])
    recognizer = ov.Core().read_model(convert_recognizer(cell, lambda _: None)["network"].path)
    assert recognizer.input(0).get_partial_shape()[0].is_dynamic
