"""``ocrbench conversion`` for real: INT8 against FP32 and AUTO, and a report whose numbers agree with each other."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import cv2
import pytest

Run = Callable[..., CompletedProcess[str]]

pytestmark = pytest.mark.slow
PAIR = "model=ppocrv4_mobile"
QUICK_INT8 = tuple(f"{stage}.quantization.subset_size=8" for stage in ("detector", "recognizer"))
SHORT = ("dataset.limit=4", "--seconds", 4, "--processes", 3)


@pytest.fixture(scope="module")
def measured(ocrbench: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CompletedProcess[str]]:
    """One conversion: the folder of its report, and what was printed."""
    reports = tmp_path_factory.mktemp("reports")
    done = ocrbench("conversion", PAIR, *QUICK_INT8, *SHORT, f"reports_dir={reports}")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (reports / "conversion").iterdir()
    return folder, done


@pytest.fixture(scope="module")
def found(measured: tuple[Path, CompletedProcess[str]]) -> Any:
    return json.loads((measured[0] / "conversion.json").read_bytes())


def changes(comparison: Any) -> dict[str, Any]:
    return {each["metric"]: each for each in comparison["changes"]}


def test_int8_is_what_is_compared(found: Any) -> None:
    assert [found["variants"][name]["precision"] for name in ("fp32", "auto", "converted")] == ["FP32", "AUTO", "INT8"]
    for role in ("detector", "recognizer"):
        of = {name: found["variants"][name][role] for name in ("fp32", "auto", "converted")}
        assert of["converted"]["size_mb"] < of["auto"]["size_mb"] < of["fp32"]["size_mb"]
        assert "i8" in of["converted"]["executed"]["network"]
        assert not {"i8", "bf16", "f16"} & set(of["fp32"]["executed"]["network"])
        assert all(each["compile_ms"] > 0 for each in of.values())


@pytest.mark.parametrize("reference", ["against_fp32", "against_auto"])
def test_speed_ups_are_those_of_the_paired_times(found: Any, reference: str) -> None:
    speedups, compared = found[reference]["speedup"], changes(found[reference])
    metrics = {"end_to_end": "latency_p50_ms", "detect": "detect_p50_ms", "recognize": "recognize_p50_ms"}
    assert set(speedups) == set(metrics)
    for stage, metric in metrics.items():
        change, faster = compared[metric], speedups[stage]
        assert faster["low"] <= faster["estimate"] <= faster["high"]
        assert faster["estimate"] == pytest.approx(1 / change["estimate"])
        assert faster["low"] == pytest.approx(1 / change["high"])
        # The stages are part of the whole.
        assert change["before"] <= compared["latency_p50_ms"]["before"]


def test_the_converted_side_is_the_same_in_both_comparisons(found: Any) -> None:
    one, other = (changes(found[reference]) for reference in ("against_fp32", "against_auto"))
    for metric in ("latency_p50_ms", "detect_p50_ms", "e2e_hmean", "rec_word_accuracy"):
        assert one[metric]["after"] == other[metric]["after"]
        assert one[metric]["n"] == other[metric]["n"]


def test_flips_add_up_to_the_change_in_recall(found: Any) -> None:
    flips, recall = found["flips"], changes(found["against_fp32"])["e2e_recall"]
    lost, gained = flips["lost"]["all"], flips["gained"]["all"]
    assert recall["after"] - recall["before"] == pytest.approx((gained - lost) / found["words"])
    assert [each["direction"] for each in flips["regions"]].count("lost") == lost
    assert len(flips["regions"]) == lost + gained
    for direction in ("lost", "gained"):
        assert flips[direction]["all"] == flips[direction]["recognition"] + flips[direction]["detection"]


def test_agreement_adds_up(found: Any) -> None:
    agreed = found["agreement"]
    assert agreed["images"] == 4
    assert 0 < agreed["same_text"] <= agreed["matched"] <= min(agreed["regions_before"], agreed["regions_after"])
    assert agreed["text_share"] == pytest.approx(agreed["same_text"] / agreed["regions_after"])


def test_the_page_and_the_terminal_say_the_same(measured: tuple[Path, CompletedProcess[str]], found: Any) -> None:
    folder, done = measured
    page = (folder / "conversion.md").read_text(encoding="utf-8")
    faster = found["against_fp32"]["speedup"]["end_to_end"]
    stated = f"{faster['estimate']:.2f}× [{faster['low']:.2f}, {faster['high']:.2f}]"
    assert f"INT8 is {stated} as fast as FP32" in done.stdout
    assert stated in page.replace("\\", "")
    assert str(folder / "conversion.md") in done.stdout
    assert folder.name.startswith("ppocrv4_mobile-INT8-sample-")


@pytest.mark.nightly
def test_a_bad_recognizer_is_caught(ocrbench: Run, data_root: Path, tmp_path: Path) -> None:
    """Plain settings ruin it, and each lost line is shown."""
    recipe = ("model_type=none", "subset_size=10", "ignored_patterns=[]")
    careless = ["detector.quantization.subset_size=8", *(f"recognizer.quantization.{each}" for each in recipe)]
    receipts = ("dataset=sroie", f"dataset.root={data_root / 'sroie'}", "dataset.limit=3", f"reports_dir={tmp_path}")
    short = ("--seconds", 2, "--processes", 1, "gate=accuracy")
    done = ocrbench("conversion", "model=ppocrv6_small", *careless, *receipts, *short)
    (folder,) = (tmp_path / "conversion").iterdir()
    report = json.loads((folder / "conversion.json").read_bytes())
    change = changes(report["against_fp32"])["e2e_hmean"]
    assert change["estimate"] < -0.005
    assert done.returncode == 1, done.stdout + done.stderr
    assert "gate fail: e2e_hmean -" in done.stdout
    lost = [each for each in report["flips"]["regions"] if each["direction"] == "lost"]
    assert lost
    for each in lost:
        assert cv2.imread(str(folder / each["crop"])) is not None


def test_mistakes_end_with_status_2(here: Run) -> None:
    done = here("conversion", "precision=FP32")
    assert done.returncode == 2
    assert "nothing to compare FP32 with" in done.stderr
    done = here("conversion", "precision=INT9")
    assert done.returncode == 2
    assert "'INT8'" in done.stderr
