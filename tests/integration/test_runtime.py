"""Compiled networks against numpy, and what OpenVINO says they executed; on the CPU, which is always there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from ocrbench.errors import DeviceError
from ocrbench.records import Artifact, Graph
from ocrbench.runtime import CompiledNetwork, Settings, check_device, devices, ops

MEAN, SCALE = (10.0, 20.0, 30.0), (2.0, 4.0, 8.0)
SETTINGS = Settings(device="CPU", precision="FP32", properties={})
CHANNELS, CLASSES = 3, 5
RANDOM = np.random.default_rng(7)
WEIGHTS = RANDOM.standard_normal((CLASSES, CHANNELS, 1, 1)).astype(np.float32)


def scores(image: np.ndarray) -> np.ndarray:
    """Compute what the network below computes: (N, columns, classes)."""
    normalised = (image.astype(np.float32) - MEAN) / np.float32(SCALE)
    return np.einsum("nhwc,kc->nhwk", normalised, WEIGHTS[:, :, 0, 0]).mean(axis=1)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A 1×1 convolution, averaged over rows: NCHW in, (N, columns, classes) out."""
    image = ops.parameter([-1, CHANNELS, -1, -1], np.float32, name="image")
    convolved = ops.convolution(image, ops.constant(WEIGHTS), [1, 1], [0, 0], [0, 0], [1, 1])
    rows = ops.reduce_mean(convolved, ops.constant(np.int64([2])), keep_dims=False)
    answer = ops.transpose(rows, ops.constant(np.int64([0, 2, 1])))
    path = tmp_path_factory.mktemp("model") / "model.xml"
    ov.save_model(ov.Model([answer], [image], "small"), path, compress_to_fp16=False)
    return Artifact(path=path, precision="FP32", sha256="0" * 64, size_bytes=1, source="made here")


@pytest.fixture
def image() -> np.ndarray:
    return RANDOM.integers(0, 256, (2, 4, 6, CHANNELS), dtype=np.uint8)


def test_normalisation_is_part_of_the_network(artifact: Artifact, image: np.ndarray) -> None:
    network = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), SETTINGS).network()
    (answer,) = network(image)
    assert answer == pytest.approx(scores(image), abs=1e-3)


def test_the_best_class_is_chosen_in_the_network(artifact: Artifact, image: np.ndarray) -> None:
    network = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE, arg_max=True), SETTINGS).network()
    indices, values = network(image)
    assert np.array_equal(indices, scores(image).argmax(axis=2))
    assert values == pytest.approx(scores(image).max(axis=2), abs=1e-3)


def test_shapes_may_change_between_calls(artifact: Artifact, image: np.ndarray) -> None:
    network = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), SETTINGS).network()
    for batch in (image, image[:1, :, :3], image):
        (answer,) = network(np.ascontiguousarray(batch))
        assert answer == pytest.approx(scores(batch), abs=1e-3)


def test_execution_reports_what_was_asked_and_what_ran(artifact: Artifact, image: np.ndarray) -> None:
    compiled = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), replace(SETTINGS, performance_hint="LATENCY"))
    compiled.network()(image)
    assert compiled.execution().executed == {}
    execution = compiled.execution(lambda network: [network(image) for _ in range(50)] and None)
    assert (execution.precision, execution.device, execution.hint) == ("FP32", "CPU", "f32")
    assert execution.reported == "f32"
    assert execution.execution_devices == ("CPU",)
    assert execution.properties["PERFORMANCE_HINT"] == "LATENCY"
    assert execution.compile_ms > 0
    assert not execution.from_cache
    assert set(execution.executed) <= {"f32", "other"}
    assert sum(execution.executed.values()) == pytest.approx(1, abs=0.01)


def test_the_users_properties_win(artifact: Artifact, image: np.ndarray) -> None:
    properties = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "THROUGHPUT"}
    settings = replace(SETTINGS, performance_hint="LATENCY", properties=properties)
    execution = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), settings).execution()
    assert execution.properties["PERFORMANCE_HINT"] == "THROUGHPUT"
    assert execution.properties["INFERENCE_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    "changes", [{"properties": {"NO_SUCH_PROPERTY": "1"}}, {"device": "XPU"}, {"properties": {"NUM_STREAMS": "many"}}]
)
def test_a_refusal_is_one_line(changes: dict[str, object], artifact: Artifact) -> None:
    with pytest.raises(DeviceError, match=r"refuses model\.xml") as caught:
        CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), replace(SETTINGS, **changes))
    assert "\n" not in str(caught.value)


def test_compiled_networks_are_kept_apart(artifact: Artifact, tmp_path: Path) -> None:
    """One folder per precision, property and graph: OpenVINO's own key covers none of them."""
    variants = [
        (Graph(mean=MEAN, scale=SCALE), SETTINGS),
        (Graph(mean=MEAN, scale=SCALE, arg_max=True), SETTINGS),
        (Graph(mean=MEAN, scale=SCALE), replace(SETTINGS, precision="AUTO")),
        (Graph(mean=MEAN, scale=SCALE), replace(SETTINGS, properties={"INFERENCE_NUM_THREADS": 1})),
    ]
    for from_cache in (False, True):
        for graph, settings in variants:
            compiled = CompiledNetwork(artifact, graph, replace(settings, cache_dir=tmp_path))
            assert compiled.execution().from_cache is from_cache
        assert len(list(tmp_path.iterdir())) == len(variants)


class TestDevices:
    def test_the_cpu_is_listed_with_its_precisions(self) -> None:
        (cpu,) = [device for device in devices() if device.name == "CPU"]
        assert cpu.full_name
        assert "FP32" in cpu.native
        assert set(cpu.native) <= set(cpu.capabilities)

    @pytest.mark.parametrize(
        "device", ["CPU", "AUTO", "AUTO:CPU", "HETERO:CPU", "MULTI:CPU(2)", "AUTO:CPU,-GPU", "BATCH:CPU(4)"]
    )
    def test_devices_that_are_there(self, device: str) -> None:
        check_device(device)

    @pytest.mark.parametrize("device", ["XPU", "cpu", "", "CPU.7", "AUTO:XPU,CPU", "HETERO:CPU,XPU", "MULTI:XPU(2)"])
    def test_devices_that_are_not(self, device: str) -> None:
        with pytest.raises(DeviceError) as caught:
            check_device(device)
        assert f"device={device}" in str(caught.value)
        assert "CPU" in str(caught.value).partition("available:")[2]
