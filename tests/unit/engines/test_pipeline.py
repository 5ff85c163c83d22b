"""The pipeline around hand-made models and networks: what is kept, and what the stopwatches say."""

import weakref
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter_ns, sleep
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.config.schema import Words
from ocrbench.engines.pipeline import Pipeline, TimedNetwork
from ocrbench.geometry import rectangle
from ocrbench.models.interface import Characters, Reading
from ocrbench.records import Graph, Image, Network, Region

BOXES = [rectangle(10, 10, 60, 20), rectangle(10, 40, 90, 20), rectangle(10, 70, 40, 20)]
READINGS = [
    Reading(text="sure", confidence=0.9),
    Reading(text="hardly", confidence=0.4),
    Reading(text="", confidence=1),
]
STEP_SECONDS = 0.004


class Boxes:
    """A detector that asks its network twice and finds the same boxes in every image."""

    def graphs(self) -> Mapping[str, Graph]:
        return {}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        sleep(STEP_SECONDS)
        networks["first"](image[np.newaxis])
        networks["second"](image[np.newaxis])
        return [Region(polygon=box) for box in BOXES]

    def calibration(self, image: Image) -> Iterator[Image]:
        yield image


class Readings:
    """A recognizer that feeds each crop to its network and knows its answers beforehand."""

    min_confidence = 0.5

    def graphs(self) -> Mapping[str, Graph]:
        return {}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        for crop in crops:
            networks["only"](crop[np.newaxis])
        return READINGS * (len(crops) // len(READINGS))

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        yield from crops


def slow(tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    sleep(STEP_SECONDS)
    return (tensor,)


def image(width: int = 160) -> Image:
    return np.zeros((120, width, 3), dtype=np.uint8)


class Lines(Readings):
    """A recognizer that also knows where the characters stand: evenly."""

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        return [
            Reading(text=text, confidence=float(np.mean(confidences)), characters=evenly(text, confidences))
            for text, confidences in (("ab cd", [0.9, 0.9, 0.9, 0.1, 0.2]), ("x y", [0.9, 0.1, 0.4]), (" ", [0.9]))
        ]


def evenly(text: str, confidences: Sequence[float]) -> Characters:
    centres = (np.arange(len(text)) + 0.5) / len(text)
    return Characters(symbols=tuple(text), centres=centres, confidences=np.array(confidences))


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(Boxes(), {"first": slow, "second": slow}, Readings(), {"only": slow})


def test_only_confident_readings_with_text_are_kept(pipeline: Pipeline) -> None:
    (region,) = pipeline.read(image()).regions
    assert region == Region(polygon=BOXES[0], text="sure", confidence=0.9)


def test_a_reading_exactly_at_the_limit_is_kept(pipeline: Pipeline) -> None:
    pipeline.recognizer.min_confidence = 0.4
    assert [region.text for region in pipeline.read(image()).regions] == ["sure", "hardly"]


def test_words_are_kept_by_their_own_confidence() -> None:
    networks = {"first": slow, "second": slow}
    words = Pipeline(Boxes(), networks, Lines(), {}, Words(trim=0, margin=0.5, gap=None)).read(image()).regions
    assert [(region.text, region.confidence) for region in words] == [("ab", 0.9), ("x", 0.9)]
    assert words[0].polygon == pytest.approx(np.array(rectangle(10, 10, 24, 20)))
    lines = Pipeline(Boxes(), networks, Lines(), {}).read(image()).regions
    assert [(region.text, region.polygon) for region in lines] == [("ab cd", BOXES[0]), (" ", BOXES[2])]


def test_stage_times_add_up(pipeline: Pipeline) -> None:
    start = perf_counter_ns()
    times = pipeline.read(image()).times
    wall_ns = perf_counter_ns() - start
    step_ns = STEP_SECONDS * 1e9
    assert times.detect_ns + times.crop_ns + times.recognize_ns == times.latency_ns <= wall_ns
    assert times.read_ns == 0
    assert 2 * step_ns <= times.detect_infer_ns <= times.detect_ns - step_ns
    assert 3 * step_ns <= times.recognize_infer_ns <= times.recognize_ns
    assert times.crop_ns > 0


def test_each_image_has_times_of_its_own(pipeline: Pipeline) -> None:
    pipeline.read(image())
    times = pipeline.read(image()).times
    assert times.detect_infer_ns < times.latency_ns
    assert times.recognize_infer_ns <= times.recognize_ns


def test_new_input_shapes_are_noticed_in_any_network(pipeline: Pipeline) -> None:
    assert [pipeline.read(image(width)).first_seen for width in (160, 160, 170, 160, 170)] == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_a_shape_that_is_new_to_one_image_delays_all_of_its_group(pipeline: Pipeline) -> None:
    pipeline.read(image(160))
    for expected in (True, False):
        results = pipeline.read_together([image(160), image(170), image(160)])
        assert [each.first_seen for each in results] == [expected] * 3


def test_images_are_asked_for_one_by_one_and_wait_for_the_others(pipeline: Pipeline) -> None:
    arrived, kept = [], []

    def images() -> Iterator[Image]:
        for _ in range(3):
            arrived.append(perf_counter_ns())
            one = image()
            kept.append(weakref.ref(one))
            yield one
            del one
            # What is left of an image is its crops: none is kept until all are read.
            assert sum(each() is not None for each in kept) <= 1

    results = pipeline.read_together(images())
    end = perf_counter_ns()
    for result, start in zip(results, arrived, strict=True):
        assert result.times.latency_ns <= end - start
    first, second, third = (result.times.latency_ns for result in results)
    step_ns = STEP_SECONDS * 1e9
    # Two networks of the detector for each image, one of the recognizer's for each of the crops of all.
    assert first >= second + 2 * step_ns
    assert second >= third + 2 * step_ns
    assert third >= 9 * step_ns


def test_nothing_is_read_in_no_images(pipeline: Pipeline) -> None:
    assert pipeline.read_together(iter(())) == []


def test_a_pipeline_of_its_own_has_seen_nothing(pipeline: Pipeline) -> None:
    pipeline.read(image())
    other = Pipeline(Boxes(), {"first": slow, "second": slow}, Readings(), {"only": slow})
    assert other.read(image()).first_seen


def test_pipelines_on_the_same_networks_share_what_they_have_met(pipeline: Pipeline) -> None:
    other = Pipeline(Boxes(), {"first": slow, "second": slow}, Readings(), {"only": slow})
    other.share_shapes(pipeline)
    assert pipeline.read(image()).first_seen
    assert not other.read(image()).first_seen
    assert other.read(image(170)).first_seen
    assert not pipeline.read(image(170)).first_seen


def test_the_shapes_of_all_inputs_count_together() -> None:
    network = TimedNetwork(lambda *tensors: tensors, "detect_infer")
    small, large = np.zeros(1), np.zeros(2)
    seen = []
    for tensors in ((small, large), (small, large), (large, small), (large, large)):
        network.reset()
        network(*tensors)
        seen.append(network.met_new_shape)
    assert seen == [True, False, True, True]
