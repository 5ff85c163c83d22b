"""PP-OCR's post-processing against rapidocr's, an independent implementation, on real models' outputs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from ocrbench.config.composing import load
from ocrbench.config.schema import Cell, Dataset
from ocrbench.convert.converter import convert_detector, convert_recognizer
from ocrbench.data import read
from ocrbench.data.images import read_image
from ocrbench.geometry import crop_quadrilateral
from ocrbench.models import build_detector, build_recognizer
from ocrbench.records import Image, Network, Sample
from ocrbench.runtime.network import CompiledNetwork, Settings

SETTINGS = Settings(device="CPU", precision="FP32", properties={})


@pytest.fixture(scope="module")
def cell(cache_dir: Path, model: str) -> Cell:
    return load(["precision=FP32", model, f"cache_dir={cache_dir}"])


@pytest.fixture(scope="module")
def samples(signs: Dataset) -> list[Sample]:
    return read(replace(signs, limit=5, seed=1))


@pytest.fixture(scope="module")
def probability_maps(cell: Cell, samples: list[Sample]) -> list[tuple[Image, NDArray[np.float32]]]:
    """Each image with what the real detector makes of it."""
    artifact = convert_detector(cell, print)["network"]
    detector = build_detector(cell.detector, artifact.metadata)
    network = CompiledNetwork(artifact, detector.graphs()["network"], SETTINGS).network()
    images = [read_image(sample.image_path) for sample in samples]
    return [(image, network(next(detector.calibration(image)))[0].copy()) for image in images]


@pytest.mark.parametrize(
    "changes",
    [{}, {"score_mode": "slow"}, {"dilation": False}, {"unclip_ratio": 2.0, "box_threshold": 0.7}],
    ids=["default", "slow score", "no dilation", "other limits"],
)
def test_regions_are_those_of_rapidocr(
    changes: dict[str, object], cell: Cell, probability_maps: list[tuple[Image, NDArray[np.float32]]]
) -> None:
    options = {**cell.detector.options, **changes}
    detector = build_detector(replace(cell.detector, options=options), {})
    reference = DBPostProcess(
        thresh=options["threshold"],
        box_thresh=options["box_threshold"],
        max_candidates=options["max_candidates"],
        unclip_ratio=options["unclip_ratio"],
        score_mode=options["score_mode"],
        use_dilation=options["dilation"],
    )
    compared = 0
    for image, probabilities in probability_maps:
        answer: Network = lambda _, probabilities=probabilities: (probabilities,)  # noqa: E731
        ours = detector.detect(image, {"network": answer})
        boxes, scores = reference(probabilities, image.shape[:2])
        theirs = {tuple(box.ravel()): score for box, score in zip(boxes, scores, strict=True)}
        assert len(ours) == len(theirs)
        for region in ours:
            corners = np.array(region.polygon).ravel()
            nearest = min(theirs, key=lambda box, corners=corners: np.abs(corners - box).max())
            assert np.abs(corners - nearest).max() <= 2
            assert region.confidence == pytest.approx(theirs.pop(nearest), abs=1e-3)
            compared += 1
    assert compared > 10


def test_the_alphabet_has_a_character_for_every_class_and_reads_the_ground_truth(
    cell: Cell, samples: list[Sample]
) -> None:
    artifact = convert_recognizer(cell, print)["network"]
    recognizer = build_recognizer(cell.recognizer, artifact.metadata)
    classes = ov.Core().read_model(artifact.path).output(0).partial_shape[2].get_length()
    assert len(recognizer.alphabet) == classes  # type: ignore[attr-defined]
    network = CompiledNetwork(artifact, recognizer.graphs()["network"], SETTINGS).network()
    crops, texts = [], []
    for sample in samples:
        image = read_image(sample.image_path)
        regions = [region for region in sample.regions if not region.ignore]
        crops += [crop_quadrilateral(image, region.polygon) for region in regions]
        texts += [region.text for region in regions]
    readings = recognizer.recognize(crops, {"network": network})
    right = sum(reading.text.casefold() == text.casefold() for reading, text in zip(readings, texts, strict=True))
    assert right / len(texts) > 0.7
    # One by one they read the same: neither batching nor its order matters.
    for crop, reading in list(zip(crops, readings, strict=True))[:8]:
        (alone,) = recognizer.recognize([crop], {"network": network})
        assert alone.text == reading.text
        assert alone.confidence == pytest.approx(reading.confidence, abs=1e-3)
