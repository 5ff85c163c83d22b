"""The pipeline around hand-made models and networks: what is kept, and what the stopwatches say."""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from doubles import Clock
from ocrbench.config.schema import Cutting, Words
from ocrbench.engines import pipeline as pipeline_module
from ocrbench.engines.pipeline import Pipeline, TimedNetwork
from ocrbench.errors import DeviceError
from ocrbench.geometry import crop_quadrilateral, rectangle
from ocrbench.models.interface import Characters, Reading
from ocrbench.records import Graph, Image, Network, Polygon, Region

BOXES = [rectangle(10, 10, 60, 20), rectangle(10, 40, 90, 20), rectangle(10, 70, 40, 20)]
READINGS = [
    Reading(text="sure", confidence=0.9),
    Reading(text="hardly", confidence=0.4),
    Reading(text="", confidence=1),
]
STEP_SECONDS = 0.004
STEP_NS = 4_000_000
MakePipeline = Callable[..., Pipeline]


class Boxes:
    """A detector that asks its network twice and finds the same boxes in every image."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def graphs(self) -> Mapping[str, Graph]:
        return {}

    def detect(self, image: Image, networks: Mapping[str, Network]) -> list[Region]:
        self._clock.sleep(STEP_SECONDS)
        networks["first"](image[np.newaxis])
        networks["second"](image[np.newaxis])
        return [Region(polygon=box) for box in BOXES]

    def calibration(self, image: Image) -> Iterator[Image]:
        yield image


class Readings:
    """A recognizer that feeds each crop to its network and knows its answers beforehand."""

    min_confidence = 0.5

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def graphs(self) -> Mapping[str, Graph]:
        return {}

    def recognize(self, crops: Sequence[Image], networks: Mapping[str, Network]) -> list[Reading]:
        for crop in crops:
            networks["only"](crop[np.newaxis])
        self._clock.sleep(STEP_SECONDS)
        return READINGS * (len(crops) // len(READINGS))

    def calibration(self, crops: Sequence[Image]) -> Iterator[Image]:
        yield from crops


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
def make(monkeypatch: pytest.MonkeyPatch) -> MakePipeline:
    """Make pipelines for which detector, recognizer, each call of a network and each crop take a step."""
    clock = Clock()
    clock.rule(monkeypatch, pipeline_module)

    def crop(image: Image, polygon: Polygon) -> Image:
        clock.sleep(STEP_SECONDS)
        return crop_quadrilateral(image, polygon)

    def infer(tensor: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        clock.sleep(STEP_SECONDS)
        return (tensor,)

    def make(kind: type[Readings] = Readings, cutting: Cutting | None = None) -> Pipeline:
        networks = {"first": infer, "second": infer}
        return Pipeline(Boxes(clock), networks, kind(clock), {"only": infer}, cutting or Cutting())

    monkeypatch.setattr(pipeline_module, "crop_quadrilateral", crop)
    return make


@pytest.fixture
def pipeline(make: MakePipeline) -> Pipeline:
    return make()


def test_only_confident_readings_with_text_are_kept(pipeline: Pipeline) -> None:
    (region,) = pipeline.read(image()).regions
    assert region == Region(polygon=BOXES[0], text="sure", confidence=0.9)


def test_a_reading_exactly_at_the_limit_is_kept(pipeline: Pipeline) -> None:
    pipeline.recognizer.min_confidence = 0.4
    assert [region.text for region in pipeline.read(image()).regions] == ["sure", "hardly"]


def test_words_are_kept_by_their_own_confidence(make: MakePipeline) -> None:
    words = make(Lines, Cutting(words=Words(gap=None))).read(image()).regions
    assert [(region.text, region.confidence) for region in words] == [("ab", 0.9), ("x", 0.9)]
    assert words[0].polygon == pytest.approx(np.array(rectangle(10, 10, 24, 20)))
    lines = make(Lines).read(image()).regions
    assert [(region.text, region.polygon) for region in lines] == [("ab cd", BOXES[0]), (" ", BOXES[2])]


def test_stage_times_add_up(pipeline: Pipeline) -> None:
    # The second image has times of its own.
    for new_shape_steps in (5, 0):
        times = pipeline.read(image()).times
        steps = {name: ns / STEP_NS for name, ns in asdict(times).items()}
        assert steps == {
            "read_ns": 0,
            "detect_ns": 3,
            "detect_infer_ns": 2,
            "crop_ns": 3,
            "recognize_ns": 4,
            "recognize_infer_ns": 3,
            "latency_ns": 10,
            "new_shape_ns": new_shape_steps,
        }


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
    kept = []

    def images() -> Iterator[Image]:
        for _ in range(3):
            one = image()
            kept.append(weakref.ref(one))
            yield one
            del one
            # What is left of an image is its crops: none is kept until all are read.
            assert sum(each() is not None for each in kept) <= 1

    results = pipeline.read_together(images())
    # Three steps to detect and three to crop for each image, then ten to recognize the nine crops of all.
    assert [each.times.latency_ns / STEP_NS for each in results] == [28, 22, 16]
    # A third of the recognizer's time belongs to each.
    assert [each.times.recognize_infer_ns / STEP_NS for each in results] == [3, 3, 3]


def test_nothing_is_read_in_no_images(pipeline: Pipeline) -> None:
    assert pipeline.read_together(iter(())) == []


def test_a_pipeline_of_its_own_has_seen_nothing(make: MakePipeline) -> None:
    make().read(image())
    assert make().read(image()).first_seen


def test_pipelines_on_the_same_networks_share_what_they_have_met(make: MakePipeline) -> None:
    pipeline, other = make(), make()
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
        seen.append((network.new_shapes, network.new_shape_ns == network.elapsed_ns))
    assert seen == [(1, True), (0, False), (1, True), (1, True)]


@pytest.mark.parametrize(("value", "broken"), [(np.nan, True), (np.inf, False), (0.0, False)])
def test_outputs_that_are_not_numbers_are_no_answer(value: float, broken: bool) -> None:
    def network(*_: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return np.array([3, 1]), np.array([[0.5, value]], dtype=np.float32), np.zeros((0, 4), dtype=np.float32)

    timed = TimedNetwork(network, "recognize_infer")
    if broken:
        with pytest.raises(DeviceError, match=r"^recognize: the network's outputs are not numbers \(NaN\)$"):
            timed(np.zeros(1))
    else:
        timed(np.zeros(1))
