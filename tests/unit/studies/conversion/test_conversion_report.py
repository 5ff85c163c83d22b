"""The report of a conversion: numbers that fit together, text that stays text, pictures that show what flipped."""

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrbench.compare.changes import accuracy_changes, time_change
from ocrbench.compare.flips import agreement, find_flips
from ocrbench.compare.verdict import Comparison
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.geometry import rectangle
from ocrbench.metrics.intervals import ratio_over_processes
from ocrbench.records import Artifact, Region
from ocrbench.report.picture import CELL_WIDTH
from ocrbench.studies.conversion.conversion_report import FLIPS_SHOWN, crop_names, crop_pictures, to_json, to_markdown
from ocrbench.studies.conversion.conversion_text import flip_line, heading, notes, rows, sentences
from ocrbench.studies.conversion.three_precisions import Conversion, Variant, speedup

STARTED = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
HOSTILE = [
    "<script>alert(1)</script>",
    "a|b\\|c",
    "`code` ``more``",
    "![x](https://example.org/y.png)",
    "@someone #12 $x^2$",
    "two\n\n# lines\r\n```",
    "\x1b[31mred\u202eder",
    "lone \ud800 half",
]
Found = Mapping[str, list[Region]]
Make = Callable[..., Conversion]


def word(row: int, text: str) -> Region:
    return Region(polygon=rectangle(10, 10 + 40 * row, 120, 30), text=text)


def variant(label: str, size_bytes: int, executed: str) -> Variant:
    artifact = Artifact(path=Path("x.xml"), precision=label, sha256="0", size_bytes=size_bytes, source="test")
    network = {"precision": label, "device": "CPU", "executed": {executed: 1.0}}
    roles = ("detector", "recognizer")
    return Variant(
        label=label,
        artifacts={role: {"network": artifact} for role in roles},
        compile_ms=dict.fromkeys(roles, 200.0),
        execution={role: {"network": network} for role in roles},
    )


@pytest.fixture(scope="module")
def cell() -> Cell:
    return load(["precision=INT8"])


@pytest.fixture
def make(cell: Cell, tmp_path: Path) -> Make:
    """Make a conversion from what was found: INT8 takes half of FP32's time and 5/4 of AUTO's."""

    def make(
        before: Found, after: Found, expected: Found, executed: str = "i8", skipped: tuple[str, ...] = ()
    ) -> Conversion:
        # AUTO finds what FP32 finds.
        accuracy = accuracy_changes(before, after, expected, cell.scoring)

        def against(label: str, time_ns: float) -> Comparison:
            times = np.array([time_ns, time_ns]), np.array([50e6, 50e6])
            ratio = ratio_over_processes([np.log(50e6 / time_ns)] * 3)
            speed = [
                time_change(metric, times[0], times[1], ratio, 0.03)
                for metric in ("latency_p50_ms", "detect_p50_ms", "recognize_p50_ms")
            ]
            return Comparison(before=label, after="INT8", changes=(*speed, *accuracy), warnings=skipped)

        image = tmp_path / "image.png"
        cv2.imwrite(str(image), np.full((200, 300, 3), (0, 0, 200), dtype=np.uint8))
        return Conversion(
            cell=cell,
            fp32=variant("FP32", 4_000_000, "f32"),
            auto=variant("AUTO", 2_000_000, "bf16"),
            converted=variant("INT8", 1_000_000, executed),
            against_fp32=against("FP32", 100e6),
            against_auto=against("AUTO", 40e6),
            agreement=agreement(before, after),
            flips=find_flips(before, after, expected, cell.scoring),
            image_paths=dict.fromkeys(expected, image),
            words=sum(len(regions) for regions in expected.values()),
        )

    return make


@pytest.fixture
def typical(make: Make) -> Conversion:
    """Two words lost, one of them not found any more, one gained, one kept."""
    expected = {"a.png": [word(row, text) for row, text in enumerate(("EXIT", "PUSH", "OPEN", "IN"))]}
    before = {"a.png": [word(0, "EXIT"), word(1, "PUSH"), word(2, "0PEN"), word(3, "IN")]}
    after = {"a.png": [word(0, "EX1T"), word(2, "OPEN"), word(3, "IN")]}
    return make(before, after, expected)


class TestWords:
    def test_the_table(self, typical: Conversion) -> None:
        assert heading(typical) == ["", "FP32", "AUTO", "INT8", "INT8 against FP32", "INT8 against AUTO"]
        table = {row[0]: row[1:] for row in rows(typical)}
        assert table["detector size, MB"] == ["4.0", "2.0", "1.0", "0.25 of it", "0.50 of it"]
        assert table["recognizer compile, ms"] == ["200", "200", "200", "1.00 of it", "1.00 of it"]
        assert table["detector executed"][:3] == ["f32 100%", "bf16 100%", "i8 100%"]
        speed = ["100.0", "40.0", "50.0", "2.00× [2.00, 2.00] faster", "0.80× [0.80, 0.80] slower"]
        assert table["latency_p50_ms"] == table["detect_p50_ms"] == table["recognize_p50_ms"] == speed
        # Of 4 and 4 regions 3 are right, then of 3 and 4 two.
        assert table["e2e_hmean"][:3] == ["0.750", "0.750", "0.571"]
        assert table["det_recall"][2] == "0.750"
        assert all(len(row) == 6 for row in rows(typical))

    def test_the_sentences(self, typical: Conversion) -> None:
        speed, accuracy, flips, agreed = sentences(typical)
        assert "2.00× [2.00, 2.00] as fast as FP32, and 0.80× [0.80, 0.80] as fast as AUTO" in speed
        assert accuracy.startswith("e2e_hmean goes from 0.7500 to 0.5714: too few images for a verdict")
        assert "Of 4 words, 2 that FP32 reads right are lost (1 misread now, 1 no longer detected)" in flips
        assert "1 are gained (1 were misread, 0 were not detected)" in flips
        assert "Of INT8's 3 regions, 100.0% lie where FP32 has one, and 33.3% have the same text" in agreed
        assert "0 of 1 images are alike" in agreed

    def test_a_speed_up_is_the_inverse_of_the_ratio(self, typical: Conversion) -> None:
        change = typical.against_fp32.change("latency_p50_ms")
        assert change is not None
        assert change.interval is not None
        found = speedup(change)
        assert found is not None
        assert (found.low, found.high) == (1 / change.interval.high, 1 / change.interval.low)

    def test_what_was_not_executed_as_asked_is_noted(self, typical: Conversion, make: Make) -> None:
        assert notes(typical) == []
        (detector, recognizer, skipped) = notes(make({}, {}, {}, executed="bf16", skipped=("skipped a.png: torn",)))
        assert detector == "INT8, detector: INT8 was asked for, but CPU executed bf16 100%"
        assert recognizer.startswith("INT8, recognizer: ")
        assert skipped == "skipped a.png: torn"

    def test_a_type_without_instructions_is_said_to_be_emulated(self, typical: Conversion) -> None:
        network = {"precision": "AUTO", "device": "CPU", "executed": {"bf16": 1.0}, "emulated": ["bf16"]}
        slow = replace(typical.auto, execution={"detector": {"network": network}})
        assert notes(replace(typical, auto=slow)) == ["AUTO, detector: bf16 is emulated here: no instructions for it"]

    def test_without_ground_truth_there_is_speed_only(self, make: Make) -> None:
        found = make({"a.png": [word(0, "x")]}, {"a.png": [word(0, "x")]}, {"a.png": []})
        assert "The dataset has no ground truth" in sentences(found)[1]
        assert {row[0]: row[1:] for row in rows(found)}["e2e_hmean"] == ["–"] * 5

    def test_few_processes_leave_the_speed_open(self, typical: Conversion) -> None:
        changes = [
            replace(each, interval=None, missing="a verdict needs 3 processes") for each in typical.against_fp32.changes
        ]
        found = replace(typical, against_fp32=replace(typical.against_fp32, changes=tuple(changes)))
        assert sentences(found)[0] == "How fast INT8 is against FP32 and AUTO is open: a verdict needs 3 processes."

    def test_both_stages_are_named_where_they_differ(self) -> None:
        assert load(["detector.precision=INT8", "recognizer.precision=FP32"]).precisions == "INT8+FP32"
        assert load(["precision=BF16"]).precisions == "BF16"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_flip_stays_one_printable_line(text: str, make: Make) -> None:
    expected = {text: [word(0, text)]}
    made = make(expected, {text: [word(0, "no" + text)]}, expected)
    line = flip_line(made, made.flips[0])
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    line.encode()


class TestMarkdown:
    def test_it_shows_what_flipped_in_both_directions(self, typical: Conversion) -> None:
        crops = {number: f"crops/{name}" for number, name in crop_names(typical).items()}
        written = to_markdown(typical, crops, STARTED).decode()
        lost, gained = written.split("## ")[1:3]
        assert lost.startswith("Lost: 2 right in FP32 and wrong in INT8")
        assert gained.startswith("Gained: 1 right in INT8 and wrong in FP32")
        assert "![flip 1](crops/0001-lost-recognition.png)" in lost
        assert "| <code>PUSH</code> | <code>PUSH</code> | *not detected* | no longer detected |" in lost
        assert "| <code>OPEN</code> | <code>0PEN</code> | <code>OPEN</code> | was misread |" in gained
        assert "2030-01-02 03:04 UTC" in written

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_does_nothing(self, text: str, make: Make) -> None:
        expected = {text: [word(0, text), word(1, "EXIT")]}
        made = make(expected, {text: [word(1, text)]}, expected, skipped=(text,))
        written = to_markdown(made, {0: "crops/1.png"}, STARTED).decode()
        assert set(re.findall(r"</?([a-z]+)>", written)) == {"code"}
        assert re.findall(r"\]\((.*?)\)", written) == ["crops/1.png"]
        table = [line for line in written.splitlines() if "no longer detected |" in line or "misread now |" in line]
        assert [line.count("|") for line in table] == [7, 7]
        shown = " ".join(re.sub("[\x1b\u202e\ud800]", "\ufffd", text).split())
        # Once as the image of each flip, as the ground truth, as FP32's text, as INT8's, and as a note.
        assert [html.unescape(each) for each in re.findall("<code>(.*?)</code>", written)].count(shown) == 6

    def test_a_long_list_is_cut(self, make: Make) -> None:
        regions = {f"{number}.png": [word(0, "EXIT")] for number in range(FLIPS_SHOWN + 5)}
        made = make(regions, {sample_id: [] for sample_id in regions}, regions)
        written = to_markdown(made, {}, STARTED).decode()
        assert written.count("no longer detected |") == FLIPS_SHOWN
        assert "and 5 more, in conversion.json" in written


class TestJson:
    def test_the_numbers_fit_together(self, typical: Conversion) -> None:
        found = json.loads(to_json(typical, {0: "crops/1.png"}, STARTED))
        flips, regions = found["flips"], found["flips"]["regions"]
        assert flips["lost"] == {"all": 2, "recognition": 1, "detection": 1}
        assert flips["gained"] == {"all": 1, "recognition": 1, "detection": 0}
        assert [each["direction"] for each in regions] == ["lost", "lost", "gained"]
        assert [each["crop"] for each in regions] == ["crops/1.png", None, None]
        assert [each["region"] for each in regions] == [0, 1, 2]
        assert regions[1]["converted"] is None
        assert found["against_fp32"]["speedup"]["end_to_end"]["estimate"] == pytest.approx(2)
        assert found["against_auto"]["speedup"]["detect"]["estimate"] == pytest.approx(0.8)
        assert found["variants"]["converted"]["detector"]["size_mb"] == 1
        assert found["agreement"]["text_share"] == pytest.approx(1 / 3)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_any_text_comes_back(self, text: str, make: Make) -> None:
        expected = {text: [word(0, text)]}
        found = json.loads(to_json(make(expected, {text: []}, expected), {}, STARTED))
        (flip,) = found["flips"]["regions"]
        assert (flip["sample_id"], flip["expected"]["text"]) == (text, text)


class TestCrops:
    def test_names_hold_nothing_that_was_read(self, make: Make) -> None:
        expected = {"../../x.png": [word(0, "../y"), word(1, "a/b")]}
        made = make(expected, {"../../x.png": [word(0, "..\\z")]}, expected)
        assert crop_names(made) == {0: "0001-lost-recognition.png", 1: "0002-lost-detection.png"}

    def test_each_flip_has_a_picture_of_three_crops(self, typical: Conversion) -> None:
        pictures = dict(crop_pictures(typical))
        assert list(pictures) == [0, 1, 2]
        for picture in pictures.values():
            assert picture.shape[1] > 3 * CELL_WIDTH
            # The image is red all over, so every crop is.
            red = (picture == (0, 0, 200)).all(axis=2)
            assert [bool(red[:, column * CELL_WIDTH : (column + 1) * CELL_WIDTH].any()) for column in range(3)] == [
                True
            ] * 3

    def test_an_image_that_is_gone_has_no_picture(self, typical: Conversion) -> None:
        typical.image_paths["a.png"].unlink()
        assert list(crop_pictures(typical)) == []
