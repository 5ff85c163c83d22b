"""Layer sensitivity, on a network whose weak layer is known, and on a real recognizer through the command line."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pandas as pd
import pytest

from doubles import Silent
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Recipe
from ocrbench.convert.quantize import quantize
from ocrbench.graphs.nodes import ops
from ocrbench.graphs.pairing import shared_names
from ocrbench.records import Artifact, Graph
from ocrbench.studies.sensitivity import layer_costs
from ocrbench.studies.sensitivity.layer_costs import measure_sensitivity
from ocrbench.studies.sensitivity.probe import Agreement, Outputs, Probe

Run = Callable[..., subprocess.CompletedProcess[str]]
RANDOM = np.random.default_rng(5)
GRAPH = Graph(mean=(127.5, 127.5, 127.5), scale=(127.5, 127.5, 127.5))
CHANNELS = 8


def convolution(source: Any, inputs: int, name: str, scale: np.ndarray | float = 1.0) -> Any:
    weights = RANDOM.standard_normal((CHANNELS, inputs, 3, 3)).astype(np.float32) / (3 * np.sqrt(inputs))
    kernel = ops.constant((weights * scale).astype(np.float32))
    made = ops.convolution(source, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
    made.set_friendly_name(f"{name}/plain")
    bias = RANDOM.standard_normal((1, CHANNELS, 1, 1)).astype(np.float32)
    added = ops.add(made, ops.constant(bias))
    added.set_friendly_name(name)
    return ops.relu(added)


def network() -> ov.Model:
    """Four convolutions; what the third one takes has one channel 400 times as large as the others."""
    image = ops.parameter([-1, 3, -1, -1], np.float32, name="image")
    uneven = np.ones((CHANNELS, 1, 1, 1))
    uneven[0] = 400
    answer = convolution(image, 3, "first")
    answer = convolution(answer, CHANNELS, "second", uneven)
    # The large channel hardly counts, but its range decides the steps of all.
    answer = convolution(answer, CHANNELS, "third", np.swapaxes(1 / uneven, 0, 1) ** 2)
    return ov.Model([convolution(answer, CHANNELS, "fourth")], [image], "small")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, Artifact]:
    """The network as FP32 and as INT8."""
    folder = tmp_path_factory.mktemp("models")
    model = network()
    ov.save_model(model, folder / "float.xml", compress_to_fp16=False)
    inputs = [RANDOM.uniform(-1, 1, (1, 3, 32, 32)).astype(np.float32) for _ in range(8)]
    ov.save_model(quantize(model, Recipe(), inputs), folder / "int8.xml", compress_to_fp16=True)
    paths = (folder / "float.xml", folder / "int8.xml")
    exact, quantised = (Artifact(path=each, precision="", sha256="", size_bytes=1, source="") for each in paths)
    return exact, quantised


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return RANDOM.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def outputs(artifacts: tuple[Artifact, Artifact], image: np.ndarray) -> dict[str, Outputs]:
    copied = {}
    for layer, found in Probe(*artifacts, GRAPH).run([image]):
        assert layer.name not in copied
        copied[layer.name] = Outputs(exact=found.exact.copy(), whole=found.whole.copy(), alone=found.alone.copy())
    return copied


def sqnr(exact: np.ndarray, other: np.ndarray) -> float:
    agreement = Agreement()
    agreement.add(exact, other)
    return agreement.sqnr_db


def run_layer(artifact: Artifact, name: str, image: np.ndarray) -> np.ndarray:
    """Run a model up to an operation, without the code under test."""
    model = ov.Core().read_model(artifact.path)
    (node,) = [each for each in model.get_ops() if each.get_friendly_name() == name]
    cut = ov.Model([ops.result(node.output(0))], model.get_parameters(), "cut")
    compiled = ov.Core().compile_model(cut, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    tensor = ((image.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
    return np.array(compiled([np.ascontiguousarray(tensor)])[0])


def test_every_convolution_is_found_by_the_name_after_its_bias(outputs: dict[str, Outputs]) -> None:
    assert list(outputs) == ["first", "second", "third", "fourth"]


def test_outputs_are_those_of_the_two_models(
    outputs: dict[str, Outputs], artifacts: tuple[Artifact, Artifact], image: np.ndarray
) -> None:
    names = shared_names(*artifacts)
    for name, found in outputs.items():
        (theirs,) = [other for other, ours in names.items() if ours == name]
        assert sqnr(found.exact, run_layer(artifacts[0], name, image)) > 80
        # 8-bit arithmetic rounds at other places than the quantisers computed in float.
        assert sqnr(found.whole, run_layer(artifacts[1], theirs, image)) > 25


def test_the_first_layer_is_alone_in_any_case(outputs: dict[str, Outputs]) -> None:
    first = outputs["first"]
    assert sqnr(first.whole, first.alone) > 80
    assert 20 < sqnr(first.exact, first.alone) < 80


def test_the_weak_layer_stands_out_only_alone(outputs: dict[str, Outputs]) -> None:
    """What follows it is as bad with the accumulated error, though it loses little by itself."""
    alone = {name: sqnr(found.exact, found.alone) for name, found in outputs.items()}
    whole = {name: sqnr(found.exact, found.whole) for name, found in outputs.items()}
    assert min(alone, key=alone.__getitem__) == "third"
    assert alone["third"] < min(alone[name] for name in alone if name != "third") - 10
    assert whole["fourth"] < alone["fourth"] - 10


def test_a_choice_of_classes_changes_no_layer(
    outputs: dict[str, Outputs], artifacts: tuple[Artifact, Artifact], image: np.ndarray
) -> None:
    chosen = replace(GRAPH, arg_max=True, classes=(0, 3))
    for layer, found in Probe(*artifacts, chosen).run([image]):
        assert np.array_equal(found.exact, outputs[layer.name].exact)


def test_layers_are_timed_while_no_other_session_measures(
    artifacts: tuple[Artifact, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, bool]] = []
    held = False

    @contextmanager
    def alone(*_: object) -> Iterator[None]:
        nonlocal held
        held = True
        yield
        held = False

    class Listener(Silent):
        def advance(self, phase: str, done: float, total: float) -> None:
            heard.append((phase, held))

    def convert(cell: Cell, *_: object, like_int8: bool) -> Any:
        assert like_int8
        return {"detector": {"network": artifacts[cell.detector.precision == "INT8"]}}

    monkeypatch.setattr(layer_costs, "alone", alone)
    monkeypatch.setattr(layer_costs, "prepare", convert)
    found = measure_sensitivity(load(["dataset.limit=1", "detector.limit_side=160"]), "detector", Listener())
    assert [each.name for each in found.layers if each.whole] == ["first", "second", "third", "fourth"]
    assert set(heard) == {("comparing layers", False), ("timing layers", True)}


@pytest.mark.slow
def test_a_real_recognizer(ocrbench: Run, model: str, tmp_path: Path) -> None:
    name = model.partition("=")[2]
    words = ["--stage", "recognizer", "--sort", "time", "--top", "3", "--csv", tmp_path / "layers.csv"]
    done = ocrbench("sensitivity", name, *words, "dataset.limit=1", "recognizer.quantization.subset_size=8")
    assert done.returncode == 0, done.stderr
    assert f"recognizer {name}" in done.stdout
    frame = pd.read_csv(tmp_path / "layers.csv")
    assert (frame["model"] == name).all()
    assert frame["int8_minus_auto_ms"].dropna().is_monotonic_decreasing
    layers = frame[frame["type"].isin(["Convolution", "GroupConvolution", "MatMul"]) & frame["operation"].notna()]
    assert len(layers) > 20
    assert layers["sqnr_alone_db"].between(0, 80).all()
    assert layers["cosine_alone"].between(0.5, 1).all()
    # Nothing before the first layer adds an error.
    first = layers[(layers["sqnr_db"] - layers["sqnr_alone_db"]).abs() < 0.01]
    assert len(first) >= 1
    assert layers["int8_executed"].str.contains("i8").mean() > 0.8
    assert set(layers["fp32_executed"].dropna()) == {"f32"}
    assert (frame[["fp32_ms", "auto_ms", "int8_ms"]].sum() > 0.1).all()


MISTAKES = {
    "no such model": (["ppocrv6_smal"], "did you mean ppocrv6_small?"),
    "no such stage": (["ppocrv6_small", "--stage", "reader"], "Valid: detector, recognizer"),
    "no such order": (["ppocrv6_small", "--sort", "speed"], "Valid: cosine, sqnr, time"),
    "a recognizer as detector": (["text-recognition-0014", "--stage", "detector"], "no such detector"),
    "no model": (["dataset.limit=1"], "expected the name of one model, not 0"),
    "no dataset": (["ppocrv6_small", "dataset.root=/nowhere"], "no such folder"),
    "no device": (["ppocrv6_small", "device=XPU"], "OpenVINO finds no XPU"),
    "no network": (["whole_image"], "detector=whole_image: it has no network that could be quantised"),
}


@pytest.mark.parametrize(("words", "part"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_gets_one_line_and_status_2(words: list[str], part: str, here: Run) -> None:
    done = here("sensitivity", *words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert part in line
