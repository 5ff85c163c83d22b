"""The two networks alone, in FP32: what the stages around them are to be compared with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.convert.converter import convert_detector, convert_recognizer
from ocrbench.models import build_detector, build_recognizer
from ocrbench.records import Network
from ocrbench.runtime.network import CompiledNetwork, Settings

pytestmark = pytest.mark.slow

Benchmark = Callable[..., Any]
SETTINGS = Settings(device="CPU", precision="FP32", properties={"PERFORMANCE_HINT": "LATENCY"})
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def cell(cache_dir: Path, model: str) -> Cell:
    return load(["precision=FP32", model, f"cache_dir={cache_dir}"])


@pytest.fixture(scope="module")
def detector(cell: Cell) -> Network:
    artifact = convert_detector(cell, print)["network"]
    graph = build_detector(cell.detector, artifact.metadata).graphs()["network"]
    return CompiledNetwork(artifact, graph, SETTINGS).network()


@pytest.fixture(scope="module")
def recognizer(cell: Cell) -> Network:
    artifact = convert_recognizer(cell, print)["network"]
    graph = build_recognizer(cell.recognizer, artifact.metadata).graphs()["network"]
    return CompiledNetwork(artifact, graph, SETTINGS).network()


def test_detector_network_on_a_photograph(benchmark: Benchmark, detector: Network) -> None:
    photograph = RANDOM.integers(0, 256, (1, 736, 1312, 3), dtype=np.uint8)
    (probabilities,) = benchmark(detector, photograph)
    assert probabilities.shape == (1, 1, 736, 1312)


@pytest.mark.parametrize("crops", [1, 8])
def test_recognizer_network(benchmark: Benchmark, recognizer: Network, crops: int) -> None:
    batch = RANDOM.integers(0, 256, (crops, 48, 320, 3), dtype=np.uint8)
    indices, confidences = benchmark(recognizer, batch)
    assert indices.shape == confidences.shape == (crops, 40)
