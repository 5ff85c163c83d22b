"""What the harness itself costs, apart from the networks: ``pytest tests/benchmarks --benchmark-enable``."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ocrbench.config.composing import load
from ocrbench.config.schema import Cell, Scoring
from ocrbench.data import read
from ocrbench.data.images import read_image
from ocrbench.engines.pipeline import Pipeline
from ocrbench.files import packaged
from ocrbench.geometry import crop_quadrilateral, rectangle
from ocrbench.metrics.scoring import tallies, to_scores, total
from ocrbench.models import build_detector, build_recognizer
from ocrbench.models.decoding import decode_ctc
from ocrbench.models.interface import Characters, Reading
from ocrbench.models.words import pieces
from ocrbench.records import Image, Region
from ocrbench.runs.run import Outcome, Run
from ocrbench.runs.store import Store

Benchmark = Callable[..., Any]
WIDTH, HEIGHT = 1280, 736
BOXES = [rectangle(60 + 300 * column, 40 + 60 * row, 200, 30) for row in range(11) for column in range(4)]


@pytest.fixture(scope="module")
def cell() -> Cell:
    return load()


@pytest.fixture(scope="module")
def image() -> Image:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def probabilities() -> NDArray[np.float32]:
    """What a detector could answer for a page of 44 words."""
    found = np.zeros((1, 1, HEIGHT, WIDTH), dtype=np.float32)
    for (left, top), _, (right, bottom), _ in BOXES:
        found[..., int(top) : int(bottom), int(left) : int(right)] = 0.9
    return found


def test_detector_pre_processing(benchmark: Benchmark, cell: Cell) -> None:
    detector = build_detector(cell.detector, {})
    photograph = np.zeros((720, 1280, 3), dtype=np.uint8)
    tensor = benchmark(lambda: next(detector.calibration(photograph)))
    assert tensor.shape == (1, 736, 1312, 3)


def test_db_post_processing(benchmark: Benchmark, cell: Cell, image: Image, probabilities: NDArray[np.float32]) -> None:
    detector = build_detector(cell.detector, {})
    regions = benchmark(lambda: detector.detect(image, {"network": lambda _: (probabilities,)}))
    assert len(regions) == len(BOXES)


def test_cropping(benchmark: Benchmark, image: Image) -> None:
    crops = benchmark(lambda: [crop_quadrilateral(image, box) for box in BOXES])
    assert {crop.shape for crop in crops} == {(30, 200, 3)}


def test_recognizer_pre_processing(benchmark: Benchmark, cell: Cell, image: Image) -> None:
    recognizer = build_recognizer(cell.recognizer, {"character": "a\nb"})
    crops = [crop_quadrilateral(image, box) for box in BOXES]
    inputs = benchmark(lambda: list(recognizer.calibration(crops)))
    assert {each.shape for each in inputs} == {(1, 48, 320, 3)}


def test_cutting_lines_into_words(benchmark: Benchmark, cell: Cell, image: Image) -> None:
    text = "some words of a line"
    places = (np.arange(len(text)) + 0.5) / len(text)
    characters = Characters(symbols=tuple(text), centres=places, confidences=np.full(len(text), 0.9))
    reading = Reading(text=text, confidence=0.9, characters=characters)
    lines = [(Region(polygon=box), crop_quadrilateral(image, box)) for box in BOXES]
    words = benchmark(lambda: [pieces(region, crop, reading, cell.cutting("word")) for region, crop in lines])
    assert [[word.text for word in line] for line in words] == [text.split()] * len(BOXES)


def test_ctc_decoding(benchmark: Benchmark) -> None:
    alphabet = ["", *map(chr, range(0x4E00, 0x4E00 + 6000))]
    generator = np.random.default_rng(0)
    paths = generator.integers(0, len(alphabet), (64, 80)) * (generator.random((64, 80)) < 0.3)
    certainties = generator.random((64, 80))
    readings = benchmark(
        lambda: [decode_ctc(path, certainty, alphabet) for path, certainty in zip(paths, certainties, strict=True)]
    )
    assert len(readings) == 64


def test_scoring_150_images(benchmark: Benchmark) -> None:
    sample = read(load().dataset)
    images = [(each.regions, each.regions) for each in (sample * 5)[:150]]
    scores = benchmark(lambda: to_scores(total(tallies(*image, Scoring()) for image in images)))
    assert {each.metric: each.value for each in scores}["e2e_hmean"] == 1


def test_saving_a_run(benchmark: Benchmark, tmp_path: Path) -> None:
    regions = tuple(Region(polygon=box, text="text") for box in BOXES)
    outcomes = [Outcome(sample_id=f"img_{number}.jpg", predicted=regions, expected=regions) for number in range(150)]
    timings = pd.DataFrame({"sample_id": [each.sample_id for each in outcomes] * 10, "latency_ns": 10**8})
    record = Run(run_id="run", started="2030-01-01T00:00:00", status="ok", config=asdict(load()))
    store = Store(tmp_path)
    benchmark(lambda: store.save(record, timings, outcomes))
    assert [each.run_id for each in store.runs()] == [record.run_id]


def test_harness_overhead(benchmark: Benchmark, cell: Cell, image: Image, probabilities: NDArray[np.float32]) -> None:
    """A whole image, with networks that answer at once."""
    detector = build_detector(cell.detector, {})
    recognizer = build_recognizer(cell.recognizer, {"character": "a\nb"})

    def read(batch: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        shape = (len(batch), batch.shape[2] // 8)
        return np.ones(shape, dtype=np.int64), np.full(shape, 0.9, dtype=np.float32)

    pipeline = Pipeline(detector, {"network": lambda _: (probabilities,)}, recognizer, {"network": read})
    result = benchmark(lambda: pipeline.read(image))
    assert [region.text for region in result.regions] == ["a"] * len(BOXES)


def test_reading_a_jpeg(benchmark: Benchmark) -> None:
    path = Path(packaged("datasets/sample"), "img_1.jpg")
    assert benchmark(lambda: read_image(path)).ndim == 3


def test_import(benchmark: Benchmark) -> None:
    """Starting an interpreter is part of it; ``python -c pass`` tells how much."""
    benchmark(lambda: subprocess.run([sys.executable, "-c", "import ocrbench"], check=True))
