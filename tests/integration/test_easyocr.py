"""EasyOCR's published weights: converted for real, against torch, and on real pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.config.composing import load
from ocrbench.config.schema import Cell, Dataset
from ocrbench.config.stage import Stage
from ocrbench.convert.converter import convert_detector, convert_recognizer
from ocrbench.convert.ir import load_module, read_source
from ocrbench.convert.source import fetch
from ocrbench.data import read
from ocrbench.data.images import read_image
from ocrbench.engines.pipeline import Pipeline
from ocrbench.geometry import crop_quadrilateral
from ocrbench.metrics.matching import match
from ocrbench.metrics.scorers.iou import hmean, precision, recall
from ocrbench.models import build_detector, build_recognizer
from ocrbench.models.interface import Detector, Recognizer
from ocrbench.records import Graph, Image, Network, Region, Sample
from ocrbench.runtime.network import CompiledNetwork, Settings

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'ocrbench[torch]'")

pytestmark = pytest.mark.slow

SETTINGS = Settings(device="CPU", precision="FP32", properties={})
# Marked by hand: ROBERT, N., NOYCE, BUILDING, 2200.
TUTORIAL_WORDS = (
    ((24, 30), (187, 43), (185, 78), (22, 65)),
    ((204, 46), (238, 47), (237, 80), (203, 79)),
    ((257, 46), (380, 55), (378, 90), (255, 83)),
    ((394, 60), (553, 70), (551, 102), (392, 93)),
    ((604, 206), (656, 206), (656, 232), (604, 232)),
)


@pytest.fixture(scope="module")
def cell(cache_dir: Path) -> Cell:
    return load(["model=easyocr", "precision=FP32", f"cache_dir={cache_dir}"])


@pytest.fixture(scope="module")
def detector(cell: Cell) -> Detector:
    return build_detector(cell.detector, {})


@pytest.fixture(scope="module")
def recognizer(cell: Cell) -> Recognizer:
    return build_recognizer(cell.recognizer, {})


@pytest.fixture(scope="module")
def finding(cell: Cell, detector: Detector) -> Network:
    artifact = convert_detector(cell, print)["network"]
    return CompiledNetwork(artifact, detector.graphs()["network"], SETTINGS).network()


@pytest.fixture(scope="module")
def reading(cell: Cell, recognizer: Recognizer) -> Network:
    artifact = convert_recognizer(cell, print)["network"]
    return CompiledNetwork(artifact, recognizer.graphs()["network"], SETTINGS).network()


@pytest.fixture(scope="module")
def pipeline(detector: Detector, finding: Network, recognizer: Recognizer, reading: Network) -> Pipeline:
    return Pipeline(detector, {"network": finding}, recognizer, {"network": reading})


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return read(load(["dataset.limit=3", "dataset.seed=1"]).dataset)


@pytest.fixture(scope="module")
def crops(samples: list[Sample]) -> list[Image]:
    """The words of the ground truth."""
    found = []
    for sample in samples:
        image = read_image(sample.image_path)
        found += [crop_quadrilateral(image, region.polygon) for region in sample.regions if not region.ignore]
    return found


def torch_answer(stage: Stage, cell: Cell, graph: Graph, tensor: Image) -> NDArray[np.float32]:
    """What the module itself makes of a uint8 image."""
    found = fetch(stage.source, stage, cell, print)
    module = load_module(found.path, stage.source.architecture)
    scaled = (tensor.astype(np.float32) - np.float32(graph.mean)) / np.float32(graph.scale)
    with torch.no_grad():
        answer: NDArray[np.float32] = module(torch.from_numpy(scaled.transpose(0, 3, 1, 2).copy())).numpy()
    return answer


def test_the_score_maps_are_those_of_torch(
    cell: Cell, detector: Detector, finding: Network, samples: list[Sample]
) -> None:
    graph = detector.graphs()["network"]
    answers: list[NDArray[np.float32]] = []

    def listen(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        expected = torch_answer(cell.detector, cell, graph, tensors[0])
        (scores,) = finding(*tensors)
        assert scores.shape == expected.shape == (1, 2, tensors[0].shape[1] // 2, tensors[0].shape[2] // 2)
        assert np.abs(scores - expected).max() < 1e-3
        answers.append(scores.copy())
        return (scores,)

    # Neither size is that of the trace.
    for sample, size in zip(samples, (256, 160), strict=False):
        detector.detect(read_image(sample.image_path)[:size, :320], {"network": listen})
    assert len(answers) == 2
    assert max(answer[0, 0].max() for answer in answers) > 0.7


def test_the_readings_are_those_of_torch(
    cell: Cell, recognizer: Recognizer, reading: Network, crops: list[Image]
) -> None:
    graph = recognizer.graphs()["network"]
    assert len(crops) > 5
    for tensor in list(recognizer.calibration(crops))[:12]:
        scores = torch_answer(cell.recognizer, cell, graph, tensor)
        exponentials = np.exp(scores - scores.max(axis=2, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=2, keepdims=True)
        indices, confidences = reading(tensor)
        assert (indices == probabilities.argmax(axis=2)).all()
        assert np.abs(confidences - probabilities.max(axis=2)).max() < 1e-3


def test_the_scores_before_the_softmax_are_those_of_torch(
    cell: Cell, recognizer: Recognizer, crops: list[Image]
) -> None:
    import openvino as ov

    graph = recognizer.graphs()["network"]
    stage = cell.recognizer
    model, _ = read_source(fetch(stage.source, stage, cell, print).path, stage.source.architecture)
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for tensor in list(recognizer.calibration(crops))[:4]:
        expected = torch_answer(stage, cell, graph, tensor)
        scaled = (tensor.astype(np.float32) - np.float32(graph.mean)) / np.float32(graph.scale)
        assert np.abs(compiled(scaled.transpose(0, 3, 1, 2))[0] - expected).max() < 1e-3


def test_neither_batching_nor_its_order_matters(recognizer: Recognizer, reading: Network, crops: list[Image]) -> None:
    together = recognizer.recognize(crops, {"network": reading})
    for crop, found in list(zip(crops, together, strict=True))[:6]:
        (alone,) = recognizer.recognize([crop], {"network": reading})
        assert alone.text == found.text
        assert alone.confidence == pytest.approx(found.confidence, abs=1e-3)


def test_the_tutorials_words_are_found_and_its_number_is_read(pipeline: Pipeline, data_root: Path) -> None:
    regions = pipeline.read(read_image(data_root / "tutorial" / "intel_rnb.jpg")).regions
    matching = match(regions, [Region(polygon=polygon) for polygon in TUTORIAL_WORDS], iou_threshold=0.7)
    assert len(matching.pairs) == len(TUTORIAL_WORDS)
    assert "2200" in [region.text for region in regions]


def test_words_are_found_where_the_ground_truth_has_them(pipeline: Pipeline, data_root: Path) -> None:
    tallies = []
    photographs = Dataset(name="train", format="icdar2015", root=str(data_root / "icdar2015" / "train"), limit=5)
    for sample in read(photographs):
        found: list[Region] = list(pipeline.read(read_image(sample.image_path)).regions)
        matching = match(found, sample.regions)
        tallies.append(hmean(precision(matching), recall(matching)))
    total = sum(tallies[1:], tallies[0]).ratio()
    assert total is not None
    assert total > 0.5


def test_real_words_are_read(recognizer: Recognizer, reading: Network, data_root: Path) -> None:
    folder = data_root / "iiit5k"
    lines = (folder / "labels_train.tsv").read_text(encoding="utf-8").splitlines()[:100]
    rows = [line.split("\t") for line in lines]
    crops = [read_image(folder / path) for path, _ in rows]
    readings = recognizer.recognize(crops, {"network": reading})
    right = [_plain(found.text) == _plain(text) for found, (_, text) in zip(readings, rows, strict=True)]
    assert np.mean(right) > 0.75


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
