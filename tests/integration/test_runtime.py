"""Compiled networks against numpy, and what OpenVINO says they executed; on the CPU, which is always there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from ocrbench.convert.end_to_end import host_network
from ocrbench.errors import DeviceError
from ocrbench.graphs.folding import fold
from ocrbench.graphs.nodes import ops
from ocrbench.records import Artifact, Graph
from ocrbench.runtime.devices import check_device, devices
from ocrbench.runtime.network import CompiledNetwork, Settings

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
    # Its own, so that it does not depend on which tests ran before.
    return np.random.default_rng(8).integers(0, 256, (2, 4, 6, CHANNELS), dtype=np.uint8)


def test_normalisation_is_part_of_the_network(artifact: Artifact, image: np.ndarray) -> None:
    network = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), SETTINGS).network()
    (answer,) = network(image)
    assert answer == pytest.approx(scores(image), abs=1e-3)


def test_the_best_class_is_chosen_in_the_network(artifact: Artifact, image: np.ndarray) -> None:
    network = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE, arg_max=True), SETTINGS).network()
    indices, values = network(image)
    assert np.array_equal(indices, scores(image).argmax(axis=2))
    assert values == pytest.approx(scores(image).max(axis=2), abs=1e-3)


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("classes", [1023, 1024, 1279, 1280, 18_710])
def test_the_best_of_many_classes(classes: int, softmax: bool, tmp_path: Path) -> None:
    """They are searched in groups, of which the last one may be short."""
    scores = np.random.default_rng(classes).standard_normal((2, 3, classes)).astype(np.float32)
    # The first and the last class are found as well.
    scores[0, 0, 0] = scores[0, 1, -1] = 9
    entry = ops.parameter([-1, -1, classes], np.float32, name="scores")
    path = tmp_path / "model.xml"
    ov.save_model(ov.Model([ops.relu(entry)], [entry], "scores"), path, compress_to_fp16=False)
    artifact = Artifact(path=path, precision="FP32", sha256="0" * 64, size_bytes=1, source="made here")
    graph = Graph(arg_max=True, softmax=softmax)
    indices, values = CompiledNetwork(artifact, graph, SETTINGS).network()(scores)
    positive = np.maximum(scores, 0)
    assert np.array_equal(indices, positive.argmax(axis=2))
    exponents = np.exp(positive)
    best = exponents.max(axis=2) / exponents.sum(axis=2) if softmax else positive.max(axis=2)
    assert values == pytest.approx(best, rel=1e-4)


class TestFewerClasses:
    """A recognizer's last layers, with and without what can be cut before it is computed."""

    KEPT = (0, 2, 3, 6)
    PRODUCT = RANDOM.standard_normal((7, CHANNELS)).astype(np.float32)
    BIAS = RANDOM.standard_normal(7).astype(np.float32)
    GRAPH = Graph(mean=MEAN, scale=SCALE, arg_max=True, classes=KEPT)

    @staticmethod
    def quantised(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Store weights as NNCF does: 8-bit integers and a scale per class."""
        scales = np.abs(weights).max(axis=1, keepdims=True) / 127
        return np.round(weights / scales).astype(np.int8), scales.astype(np.float32)

    def head(self, kind: str, columns: Any) -> Any:
        """Return probabilities (N, columns, 7) of a network whose end has this form."""
        whole, scales = self.quantised(self.PRODUCT)
        weights = {
            "transposed": lambda: ops.constant(self.PRODUCT),
            "8-bit": lambda: ops.multiply(ops.convert(ops.constant(whole), "f32"), ops.constant(scales)),
        }.get(kind, lambda: ops.constant(self.PRODUCT.T.copy()))()
        found = ops.matmul(columns, weights, False, kind in ("transposed", "8-bit"))
        bias = ops.constant(self.BIAS.reshape(1, 1, -1) if kind != "flat bias" else self.BIAS)
        scores = ops.add(found, bias)
        return ops.softmax(ops.tanh(scores) if kind == "unknown layer" else scores, 2)

    def expected(self, kind: str, image: np.ndarray) -> np.ndarray:
        normalised = ((image.astype(np.float32) - MEAN) / np.float32(SCALE)).mean(axis=1)
        whole, scales = self.quantised(self.PRODUCT)
        found = normalised @ (whole * scales if kind == "8-bit" else self.PRODUCT).T + self.BIAS
        chosen = np.exp(np.tanh(found) if kind == "unknown layer" else found)[..., list(self.KEPT)]
        return chosen / chosen.sum(axis=2, keepdims=True)

    @pytest.mark.parametrize("compress", [False, True], ids=["f32", "f16"])
    @pytest.mark.parametrize("kind", ["plain", "transposed", "flat bias", "8-bit", "unknown layer"])
    def test_the_others_are_as_if_they_were_not_there(
        self, kind: str, compress: bool, image: np.ndarray, tmp_path: Path
    ) -> None:
        entry = ops.parameter([-1, CHANNELS, -1, -1], np.float32, name="image")
        rows = ops.reduce_mean(entry, ops.constant(np.int64([2])), keep_dims=False)
        probabilities = self.head(kind, ops.transpose(rows, ops.constant(np.int64([0, 2, 1]))))
        path = tmp_path / "model.xml"
        ov.save_model(ov.Model([probabilities], [entry], "head"), path, compress_to_fp16=compress)
        artifact = Artifact(path=path, precision="FP32", sha256="0" * 64, size_bytes=1, source="made here")
        indices, values = CompiledNetwork(artifact, self.GRAPH, SETTINGS).network()(image)
        expected = self.expected(kind, image)
        tolerance = 0.01 if compress else 1e-3
        assert values == pytest.approx(expected.max(axis=2), abs=tolerance)
        clear = np.diff(np.sort(expected, axis=2)[..., -2:], axis=2)[..., 0] > 0.1
        assert clear.any()
        assert np.array_equal(indices[clear], expected.argmax(axis=2)[clear])
        # The host does the same around a network that knows all classes.
        bare = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        on_host = host_network(bare, self.GRAPH)(image)
        assert np.array_equal(on_host[0][clear], indices[clear])
        assert on_host[1] == pytest.approx(values, abs=tolerance)
        self.check_where(fold(ov.Core().read_model(path), self.GRAPH), kind)

    def check_where(self, folded: ov.Model, kind: str) -> None:
        """The product has as many columns as there are classes left, unless an unknown layer stands between."""
        (product,) = (node for node in folded.get_ops() if node.get_type_name() == "MatMul")
        gathers = [node for node in folded.get_ops() if node.get_type_name() == "Gather"]
        left = product.output(0).partial_shape[2].get_length()
        assert (left, len(gathers)) == ((7, 1) if kind == "unknown layer" else (len(self.KEPT), 0))


def test_shapes_may_change_between_calls(artifact: Artifact, image: np.ndarray) -> None:
    network = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), SETTINGS).network()
    for batch in (image, image[:1, :, :3], image):
        (answer,) = network(np.ascontiguousarray(batch))
        assert answer == pytest.approx(scores(batch), abs=1e-3)


def test_execution_reports_what_was_asked_and_what_ran(artifact: Artifact, image: np.ndarray) -> None:
    compiled = CompiledNetwork(
        artifact, Graph(mean=MEAN, scale=SCALE), replace(SETTINGS, properties={"PERFORMANCE_HINT": "LATENCY"})
    )
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
    properties = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    settings = replace(SETTINGS, precision="BF16", properties={**properties, "NUM_STREAMS": None})
    execution = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE), settings).execution()
    assert execution.properties["PERFORMANCE_HINT"] == "THROUGHPUT"
    assert execution.properties["INFERENCE_NUM_THREADS"] == "1"
    # None leaves it to OpenVINO.
    assert "NUM_STREAMS" not in execution.properties
    assert (execution.hint, execution.reported) == ("f32", "f32")


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
        (Graph(mean=MEAN, scale=SCALE, shape=(2, 4, 6, CHANNELS)), SETTINGS),
        (Graph(mean=MEAN, scale=SCALE, arg_max=True, classes=(0, 2, 3)), SETTINGS),
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


@pytest.mark.parametrize("graph", [Graph(), Graph(mean=MEAN, scale=SCALE), Graph(mean=MEAN, scale=SCALE, arg_max=True)])
@pytest.mark.parametrize("softmax", [True, False])
def test_numpy_does_the_same_around_a_network_with_nothing_folded_in(
    graph: Graph, softmax: bool, artifact: Artifact, image: np.ndarray
) -> None:
    graph = replace(graph, softmax=softmax)
    given = image if graph.mean else image.transpose(0, 3, 1, 2).astype(np.float32)
    folded = CompiledNetwork(artifact, graph, SETTINGS).network()(given)
    bare = ov.Core().compile_model(artifact.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    on_host = host_network(bare, graph)(given)
    assert len(on_host) == len(folded) == (2 if graph.arg_max else 1)
    for ours, theirs in zip(on_host, folded, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_an_input_that_must_be_converted_outlives_the_inference(tmp_path: Path) -> None:
    """OpenVINO does not keep the memory of what it is given; freed memory is soon another array's."""
    image = ops.parameter([-1, 3, -1, -1], np.float16, name="image")
    mean = ops.reduce_mean(ops.convert(image, "f32"), ops.constant(np.array([2, 3])), keep_dims=False)
    path = tmp_path / "half.xml"
    ov.save_model(ov.Model([mean], [image], "half"), path, compress_to_fp16=False)
    artifact = Artifact(path=path, precision="FP32", sha256="0" * 64, size_bytes=1, source="made here")
    network = CompiledNetwork(artifact, Graph(), SETTINGS).network()
    for side in (8, 32, 320):
        given = np.random.default_rng(side).standard_normal((1, 3, side, side)).astype(np.float32)
        for order in ("C", "F"):
            (found,) = network(np.asarray(given, order=order))
            assert found == pytest.approx(given.mean(axis=(2, 3)), abs=1e-3)


def test_a_static_network_takes_one_shape_only(artifact: Artifact, image: np.ndarray) -> None:
    network = CompiledNetwork(artifact, Graph(mean=MEAN, scale=SCALE, shape=(2, 4, 6, CHANNELS)), SETTINGS).network()
    assert network(image)[0] == pytest.approx(scores(image), abs=1e-3)
    with pytest.raises(RuntimeError, match="shape"):
        network(image[:1])


class TestShapesWithNetworksOfTheirOwn:
    GRAPH = Graph(mean=MEAN, scale=SCALE, arg_max=True)
    WIDTHS = (6, 9, 6, 12, 9, 15, 6)

    @staticmethod
    def images(widths: tuple[int, ...]) -> list[np.ndarray]:
        return [RANDOM.integers(0, 256, (1, 4, width, CHANNELS), dtype=np.uint8) for width in widths]

    @pytest.mark.parametrize(("shapes", "used"), [(0, 0), (1, 1), (2, 2), (9, 4)])
    def test_they_answer_the_same_and_are_so_many(self, shapes: int, used: int, artifact: Artifact) -> None:
        compiled = CompiledNetwork(artifact, self.GRAPH, replace(SETTINGS, shapes=shapes))
        # Pipelines share what is compiled, each with its own requests.
        networks = [compiled.network(), compiled.network()]
        before = compiled.compile_ms
        for image in self.images(self.WIDTHS):
            for network in networks:
                indices, values = network(image)
                assert np.array_equal(indices, scores(image).argmax(axis=2))
                assert values == pytest.approx(scores(image).max(axis=2), abs=1e-3)
        assert (compiled.compile_ms > before) is (used > 0)
        assert compiled.execution().shapes == used

    def test_layers_of_all_of_them_are_timed(self, artifact: Artifact) -> None:
        compiled = CompiledNetwork(artifact, self.GRAPH, replace(SETTINGS, shapes=1))
        network = compiled.network()
        images = self.images((6, 9))
        found = []
        for chosen in (images[:1], images[1:], images):
            for image in chosen:
                network(image)
            execution = compiled.execution(lambda profile, chosen=chosen: [profile(each) for each in chosen] and None)
            assert sum(execution.executed.values()) == pytest.approx(1, abs=0.01)
            found.append(set(execution.executed) - {"other"})
        assert found == [{"f32"}] * 3

    def test_only_what_inferred_tells_what_ran(self, tmp_path: Path) -> None:
        """The network for all shapes may fuse other layers, and says nothing of their types until it inferred."""
        image = ops.parameter([-1, 3, -1, -1], np.float32, name="image")
        convolved = image
        for channels in (3, 8):
            kernel = ops.constant(RANDOM.standard_normal((8, channels, 3, 3)).astype(np.float32))
            before, convolved = convolved, ops.convolution(convolved, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
        gate = ops.sigmoid(ops.reduce_mean(convolved, ops.constant(np.int64([2, 3])), keep_dims=True))
        path = tmp_path / "gated.xml"
        ov.save_model(ov.Model([ops.add(ops.multiply(before, gate), convolved)], [image], "gated"), path)
        artifact = Artifact(path=path, precision="FP32", sha256="0" * 64, size_bytes=1, source="made here")
        compiled = CompiledNetwork(artifact, Graph(), replace(SETTINGS, shapes=1))
        tensor = RANDOM.standard_normal((1, 3, 32, 32)).astype(np.float32)
        compiled.network()(tensor)
        found = []
        for _ in range(2):
            layers = compiled.execution(lambda profile: profile(tensor) and None, passes=1).layers
            found.append([(each.name, each.exec_type) for each in layers])
            compiled.network()
        assert found[0] == found[1]

    def test_a_layer_may_run_differently_for_each_shape(self, artifact: Artifact) -> None:
        profile = CompiledNetwork(artifact, self.GRAPH, replace(SETTINGS, shapes=1)).profile()
        images = self.images((6, 9))
        for image in images:
            profile(image)
        (name,) = [each.name for each in profile.layers() if each.kind == "Convolution"]
        layers = profile.layers({(images[0].shape, name): "jit_bf16", ((), name): "jit_f32"})
        assert [each.exec_type for each in layers if each.name == name] == ["jit_bf16", "jit_f32"]

    def test_each_is_kept_in_a_cache_of_its_own(self, artifact: Artifact, tmp_path: Path) -> None:
        settings = replace(SETTINGS, shapes=2, cache_dir=tmp_path)
        for cached in (False, True):
            compiled = CompiledNetwork(artifact, self.GRAPH, settings)
            network = compiled.network()
            for image in self.images((6, 9, 12)):
                assert np.array_equal(network(image)[0], scores(image).argmax(axis=2))
            assert compiled.execution().from_cache is cached
        assert len(list(tmp_path.iterdir())) == 3

    def test_a_network_of_one_shape_needs_no_other(self, artifact: Artifact, image: np.ndarray) -> None:
        graph = replace(self.GRAPH, shape=image.shape)
        compiled = CompiledNetwork(artifact, graph, replace(SETTINGS, shapes=2))
        compiled.network()(image)
        assert compiled.execution().shapes == 0
