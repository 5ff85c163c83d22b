"""PP-OCR's pre- and post-processing, on probability maps and class paths made by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.errors import ModelError
from ocrbench.geometry import intersection_areas, polygon_areas
from ocrbench.models.decoding import decode_ctc
from ocrbench.models.ppocr import PADDING, CtcOptions, CtcRecognizer, DbDetector, DbOptions
from ocrbench.records import Region

Map = NDArray[np.float32]
HALF = (127.5, 127.5, 127.5)
DB = DbOptions(
    limit_type="max",
    limit_side=640,
    max_side=4000,
    mean=HALF,
    scale=HALF,
    threshold=0.3,
    box_threshold=0.5,
    unclip_ratio=1.5,
    min_size=3,
    max_candidates=1000,
    dilation=False,
    score_mode="fast",
)
CTC = CtcOptions(
    height=48, width_step=32, min_width=64, max_width=320, batch_size=2, mean=HALF, scale=HALF, min_confidence=0.5
)
# Outer pixels' distances of the blob that most tests use, and the offset that DB's formula gives it.
LEFT, TOP, WIDTH, HEIGHT = 100, 40, 79, 19
OFFSET = WIDTH * HEIGHT * DB.unclip_ratio / (2 * (WIDTH + HEIGHT))


def blank(width: int = 320, height: int = 160) -> Map:
    return np.zeros((height, width), dtype=np.float32)


def blob(probability: float = 0.9, left: int = LEFT, top: int = TOP) -> Map:
    found = blank()
    found[top : top + HEIGHT + 1, left : left + WIDTH + 1] = probability
    return found


def detect(probabilities: Map, scale: float = 1, **options: object) -> list[Region]:
    """Run the detector with a network that answers this map, on an image ``scale`` times as large."""
    height, width = probabilities.shape
    image = np.zeros((int(height * scale), int(width * scale), 3), dtype=np.uint8)
    # The limit makes the image just as large as the map.
    detector = DbDetector(replace(DB, limit_side=max(width, height), **options), {})

    def network(batch: NDArray[np.uint8]) -> tuple[Map]:
        assert batch.shape == (1, height, width, 3)
        assert batch.dtype == np.uint8
        return (probabilities[np.newaxis, np.newaxis],)

    return detector.detect(image, {"network": network})


def grown(offset: float = OFFSET) -> NDArray[np.float64]:
    left, top, right, bottom = LEFT - offset, TOP - offset, LEFT + WIDTH + offset, TOP + HEIGHT + offset
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


@pytest.mark.parametrize(
    ("limit_type", "limit_side", "size", "expected"),
    [
        # 736 / 720 = 1.022; 1280 × 1.022 = 1308 → 41 × 32.
        ("min", 736, (1280, 720), (1312, 736)),
        # Large enough already; 62.5 strides round to the even 62, 31.25 to 31.
        ("min", 736, (2000, 1000), (1984, 992)),
        ("min", 736, (50, 100), (736, 1472)),
        # max_side wins: halved to 4000 × 500 → 15.6 strides.
        ("min", 736, (8000, 1000), (4000, 512)),
        # A sliver: enlarging it would pass max_side, and no side falls below one stride.
        ("min", 736, (10, 4000), (32, 4000)),
        # Halved to 960 × 540 → 16.9 strides.
        ("max", 960, (1920, 1080), (960, 544)),
        # Never enlarged.
        ("max", 960, (640, 480), (640, 480)),
    ],
)
def test_input_size(limit_type: Any, limit_side: int, size: tuple[int, int], expected: tuple[int, int]) -> None:
    detector = DbDetector(replace(DB, limit_type=limit_type, limit_side=limit_side), {})
    assert detector.input_size(*size) == expected


class TestDetector:
    def test_a_region_grows_by_the_formula(self) -> None:
        (region,) = detect(blob())
        assert np.abs(np.array(region.polygon) - grown()).max() <= 1.5
        assert region.confidence == pytest.approx(0.9, abs=1e-6)

    @pytest.mark.parametrize("ratio", [1.0, 2.0])
    def test_the_growth_follows_the_ratio(self, ratio: float) -> None:
        (region,) = detect(blob(), unclip_ratio=ratio)
        assert np.abs(np.array(region.polygon) - grown(OFFSET / DB.unclip_ratio * ratio)).max() <= 1.5

    def test_coordinates_are_those_of_the_original_image(self) -> None:
        (small,), (large,) = detect(blob()), detect(blob(), scale=4)
        assert np.abs(np.array(large.polygon) - 4 * np.array(small.polygon)).max() <= 2

    def test_a_tilted_region_keeps_its_tilt(self) -> None:
        corners = cv2.boxPoints(((160, 80), (100, 20), 25))
        tilted = cv2.fillPoly(blank(), [np.round(corners).astype(np.int32)], 0.9)
        (region,) = detect(tilted)
        expected = cv2.boxPoints(((160, 80), (100 + 25, 20 + 25), 25))
        expected_region = tuple((float(x), float(y)) for x, y in expected)
        shared = intersection_areas([region.polygon], [expected_region])[0, 0]
        union = polygon_areas([region.polygon, expected_region]).sum() - shared
        assert shared / union > 0.9

    def test_what_is_less_probable_than_the_box_threshold_is_dropped(self) -> None:
        assert detect(blob(0.45)) == []
        assert len(detect(blob(0.45), box_threshold=0.4)) == 1

    def test_what_is_less_probable_than_the_threshold_is_background(self) -> None:
        assert detect(blob(0.25), box_threshold=0.1) == []
        assert detect(blank()) == []

    def test_specks_are_dropped(self) -> None:
        line = blank()
        line[50:53, 20:200] = 0.9  # 2 px between the outer pixels' centres
        assert detect(line) == []
        line[53] = line[52]
        assert len(detect(line)) == 1

    def test_at_most_max_candidates_are_looked_at(self) -> None:
        both = np.maximum(blob(), blob(top=100))
        assert len(detect(both)) == 2
        assert len(detect(both, max_candidates=1)) == 1

    def test_dilation_adds_a_pixel(self) -> None:
        (plain,), (dilated,) = detect(blob()), detect(blob(), dilation=True)
        growth = polygon_areas([dilated.polygon])[0] - polygon_areas([plain.polygon])[0]
        assert 0 < growth < 3 * 2 * (WIDTH + HEIGHT + 4 * OFFSET)

    def test_the_slow_score_looks_at_the_outline_only(self) -> None:
        corner = blob()
        corner[TOP + 6 :, LEFT + 20 :] = 0
        (fast,) = detect(corner, box_threshold=0.1)
        (slow,) = detect(corner, box_threshold=0.1, score_mode="slow")
        assert slow.confidence == pytest.approx(0.9, abs=0.02)
        assert fast.confidence < 0.6

    def test_regions_stay_inside_the_image(self) -> None:
        edge = blank()
        edge[:30, 250:] = 0.9
        (region,) = detect(edge)
        xs, ys = np.array(region.polygon).T
        assert (xs.max(), ys.min()) == (319, 0)

    def test_regions_come_in_reading_order(self) -> None:
        # The second stands lower than the first, but on the same line.
        found = np.maximum.reduce([blob(left=200, top=30), blob(left=30, top=36), blob(left=100, top=110)])
        assert [round(np.mean(region.polygon, axis=0)[0], -1) for region in detect(found)] == [70, 240, 140]


def path_of(text: str) -> NDArray[np.int64]:
    """Turn ``-aa-b`` into classes: a dash is the blank, a is 1."""
    return np.array(["-abc".index(character) for character in text])


@pytest.mark.parametrize(
    ("path", "text"),
    [("aabbc", "abc"), ("a-a", "aa"), ("--a--", "a"), ("-a-ab-b-", "aabb"), ("---", ""), ("c", "c"), ("cc-c", "cc")],
)
def test_ctc_merges_repeats_then_drops_blanks(path: str, text: str) -> None:
    assert decode_ctc(path_of(path), np.ones(len(path)), ["", "a", "b", "c"]).text == text


def test_ctc_confidence_is_the_mean_of_the_first_step_of_each_character() -> None:
    reading = decode_ctc(path_of("aa-b"), np.array([0.5, 0.1, 0.1, 0.9]), ["", "a", "b", "c"])
    assert reading.confidence == pytest.approx(0.7)
    assert decode_ctc(path_of("--"), np.ones(2), ["", "a", "b", "c"]).confidence == 0


@pytest.mark.parametrize(
    ("path", "used", "centres"),
    [
        ("abc-", 1.0, [0.125, 0.375, 0.625]),
        ("-aab", 1.0, [0.5, 0.875]),
        ("a-a---", 0.5, [1 / 6, 5 / 6]),
        ("a--b", 0.5, [0.25, 1.0]),
    ],
    ids=["each a step", "middle of a repeat", "half is padding", "never beyond the crop"],
)
def test_ctc_tells_where_characters_stand(path: str, used: float, centres: list[float]) -> None:
    steps = path_of(path)
    reading = decode_ctc(steps, np.linspace(0.4, 0.9, len(steps)), ["", "a", "b", "c"], used=used)
    assert reading.characters is not None
    assert "".join(reading.characters.symbols) == reading.text
    assert reading.characters.centres == pytest.approx(centres)
    assert reading.characters.confidences.mean() == pytest.approx(reading.confidence)


def test_ctc_tells_no_places_where_nothing_was_read_or_nobody_asks() -> None:
    assert decode_ctc(path_of("--"), np.ones(2), ["", "a"], used=1.0).characters is None
    assert decode_ctc(path_of("a-"), np.ones(2), ["", "a"]).characters is None


def crop(width: int, height: int = 48, value: int = 0) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, dtype=np.uint8)


class Reader:
    """A network that reads a crop's grey value as a class, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[NDArray[np.uint8]] = []

    def __call__(self, batch: NDArray[np.uint8]) -> tuple[NDArray[np.int64], Map]:
        self.batches.append(batch)
        classes = batch[:, 0, 0, 0].astype(np.int64)[:, np.newaxis]
        return classes, np.full(classes.shape, 0.8, dtype=np.float32)


@pytest.fixture
def recognizer() -> CtcRecognizer:
    return CtcRecognizer(CTC, {"character": "a\nb\nc"})


class TestRecognizer:
    @pytest.mark.parametrize(
        ("size", "expected"),
        [((100, 48), 128), ((128, 48), 128), ((129, 48), 160), ((50, 24), 128), ((10, 48), 64), ((900, 48), 320)],
    )
    def test_widths_are_rounded_up_to_steps(
        self, recognizer: CtcRecognizer, size: tuple[int, int], expected: int
    ) -> None:
        assert recognizer.options.width(recognizer.natural_width(crop(*size))) == expected

    def test_readings_keep_the_crops_order(self, recognizer: CtcRecognizer) -> None:
        crops = [crop(200, value=1), crop(60, value=2), crop(190, value=3), crop(50, value=4), crop(70, value=1)]
        readings = recognizer.recognize(crops, {"network": Reader()})
        assert [reading.text for reading in readings] == ["a", "b", "c", " ", "a"]

    def test_crops_of_one_width_share_batches(self, recognizer: CtcRecognizer) -> None:
        network = Reader()
        recognizer.recognize([crop(60), crop(200), crop(50), crop(40)], {"network": network})
        assert [batch.shape for batch in network.batches] == [(2, 48, 64, 3), (1, 48, 64, 3), (1, 48, 224, 3)]

    def test_a_crop_keeps_its_proportions_and_is_padded_with_grey(self, recognizer: CtcRecognizer) -> None:
        network = Reader()
        recognizer.recognize([crop(50, height=24, value=3)], {"network": network})
        (batch,) = network.batches
        assert (batch[0, :, :100] == 3).all()
        assert (batch[0, :, 100:] == PADDING).all()

    def test_a_crop_wider_than_the_widest_is_squeezed(self, recognizer: CtcRecognizer) -> None:
        network = Reader()
        recognizer.recognize([crop(900, value=3)], {"network": network})
        assert network.batches[0].shape == (1, 48, 320, 3)
        assert (network.batches[0] == 3).all()

    def test_places_are_shares_of_the_crop_not_of_the_padded_input(self, recognizer: CtcRecognizer) -> None:
        def network(batch: NDArray[np.uint8]) -> tuple[NDArray[np.int64], Map]:
            """Read a character wherever the crop is lighter than the rest."""
            classes = (batch[:, 0, 4::8, 0] == 200).astype(np.int64)
            return classes, np.full(classes.shape, 0.8, dtype=np.float32)

        marked = crop(100, height=24)
        # Columns 160 to 168 of an input of 224, in which the crop takes up 200; the step looks at the first of them.
        marked[:, 79:85] = 200
        (reading,) = recognizer.recognize([marked], {"network": network})
        assert reading.characters is not None
        assert reading.characters.centres == pytest.approx([0.8])

    def test_a_smaller_alphabet_is_numbered_anew(self) -> None:
        small = CtcRecognizer(replace(CTC, alphabet="ascii"), {"character": "a\n中\nc"})
        assert small.graphs()["network"].classes == (0, 1, 3, 4)
        crops = [crop(100, value=value) for value in (1, 2, 3)]
        readings = small.recognize(crops, {"network": Reader()})
        assert [reading.text for reading in readings] == ["a", "c", " "]
        whole = CtcRecognizer(CTC, {"character": "a\n中\nc"})
        assert whole.graphs()["network"].classes == ()

    def test_no_crops_no_inference(self, recognizer: CtcRecognizer) -> None:
        network = Reader()
        assert recognizer.recognize([], {"network": network}) == []
        assert network.batches == []

    def test_calibration_sees_what_the_network_is_fed(self, recognizer: CtcRecognizer) -> None:
        network = Reader()
        recognizer.recognize([crop(100, value=2)], {"network": network})
        (tensor,) = recognizer.calibration([crop(100, value=2)])
        assert np.array_equal(tensor, network.batches[0])

    def test_a_model_file_without_alphabet_is_refused(self) -> None:
        with pytest.raises(ModelError, match="alphabet"):
            CtcRecognizer(CTC, {})


def test_detector_calibration_sees_what_the_network_is_fed() -> None:
    fed: list[NDArray[np.uint8]] = []
    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    detector = DbDetector(DB, {})

    def network(batch: NDArray[np.uint8]) -> tuple[Map]:
        fed.append(batch)
        return (np.zeros((1, 1, *batch.shape[1:3]), dtype=np.float32),)

    networks: dict[str, Callable[..., tuple[Map]]] = {"network": network}
    assert detector.detect(image, networks) == []
    (tensor,) = detector.calibration(image)
    assert np.array_equal(tensor, fed[0])
