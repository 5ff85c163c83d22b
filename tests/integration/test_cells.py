"""Whole cells through the command line, as a user runs them."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import openvino as ov
import pytest

from ocrbench.files import packaged
from ocrbench.runs.store import Store

Run = Callable[..., CompletedProcess[str]]
Latest = Callable[[Path], list[dict[str, Any]]]
SMALL = ("dataset.limit=3", "scenario.min_seconds=0")

pytestmark = pytest.mark.slow


def executed(row: dict[str, Any], stage: str) -> set[str]:
    """Return the types that ran: ``bf16 80% f32 20%`` → {"bf16", "f32"}."""
    return set(re.findall(r"([a-z]+\d+) \d+%", row[f"{stage}_executed"]))


class TestOneCell:
    def test_it_ends_with_a_filled_row(self, sample_run: tuple[Path, CompletedProcess[str]], latest: Latest) -> None:
        reports, done = sample_run
        (row,) = latest(reports)
        assert (row["status"], row["device"], row["precision"]) == ("ok", "CPU", "FP16")
        assert (row["images"], row["skipped"]) == (3, 0)
        assert row["words"] > 5
        assert 0.6 < row["det_hmean"] <= 1
        assert 0.5 < row["e2e_hmean"] <= row["det_hmean"]
        assert row["rec_word_accuracy"] > 0.6
        assert row["timed"] == 3
        assert 1 < row["latency_p50_ms"] < 60_000
        assert row["detect_p50_ms"] + row["recognize_p50_ms"] < 1.5 * row["latency_p50_ms"]
        assert 0 < row["throughput_ips"] < 1000
        assert 5 < row["model_mb"] < 100
        assert row["execution_devices"] == "CPU"
        assert executed(row, "detector")
        assert executed(row, "recognizer")
        for shown in ("det_hmean", "e2e_hmean", "latency_p50_ms", "throughput_ips", str(reports / "latest.md")):
            assert shown in done.stdout
        assert f"Next steps:\n  ocrbench report {reports} " in done.stderr

    def test_raw_times_and_predictions_are_kept(self, sample_run: tuple[Path, CompletedProcess[str]]) -> None:
        store = Store(sample_run[0])
        (record,) = store.runs()
        timings, outcomes = store.find(record.run_id).timings, store.find(record.run_id).outcomes
        # Eight others warmed up.
        assert timings["warmup"].tolist() == [True] * 8 + [False] * 3
        assert not timings["repeat"].any()
        stages = timings[["detect_ns", "crop_ns", "recognize_ns"]].sum(axis=1)
        assert (stages == timings["latency_ns"]).all()
        assert [outcome.sample_id for outcome in outcomes] == timings["sample_id"].tolist()[8:]
        assert all(outcome.expected for outcome in outcomes)
        assert any(region.text for outcome in outcomes for region in outcome.predicted)

    def test_the_second_run_is_the_first(
        self, sample_run: tuple[Path, CompletedProcess[str]], ocrbench: Run, cache_dir: Path, tmp_path: Path
    ) -> None:
        """Even with its converted models elsewhere, which are used as they are."""
        reports = shutil.copytree(sample_run[0], tmp_path / "reports")
        moved = tmp_path / "cache"
        shutil.copytree(cache_dir / "artifacts", moved / "artifacts", ignore=shutil.ignore_patterns("*.lock"))
        again = ocrbench("device=CPU", "precision=FP16", f"reports_dir={reports}", f"cache_dir={moved}", *SMALL)
        assert again.returncode == 0
        assert "measured before" in again.stderr
        assert "converting" not in again.stderr
        assert "Next steps" not in again.stderr
        assert again.stdout.replace(str(reports), "") == sample_run[1].stdout.replace(str(sample_run[0]), "")

    def test_auto_lets_openvino_choose(self, ocrbench: Run, latest: Latest, tmp_path: Path) -> None:
        done = ocrbench("device=AUTO", "precision=AUTO", "dataset.limit=1", *SMALL[1:], f"reports_dir={tmp_path}")
        assert done.returncode == 0, done.stderr
        (row,) = latest(tmp_path)
        assert (row["status"], row["device"], row["precision_honoured"]) == ("ok", "AUTO", "yes")
        assert set(row["execution_devices"].split(",")) <= set(ov.Core().available_devices) | {"(CPU)"}
        assert executed(row, "detector")


class TestPrecisions:
    def test_int8_executes_8_bit_arithmetic(self, ocrbench: Run, latest: Latest, tmp_path: Path) -> None:
        recipe = [f"{stage}.quantization.subset_size=8" for stage in ("detector", "recognizer")]
        done = ocrbench("precision=INT8", *recipe, *SMALL, f"reports_dir={tmp_path}")
        assert done.returncode == 0, done.stderr
        (row,) = latest(tmp_path)
        assert "i8" in executed(row, "detector")
        assert "i8" in executed(row, "recognizer")
        assert row["precision_honoured"] == "yes"
        assert row["det_hmean"] > 0.6

    def test_photographs_are_read(self, ocrbench: Run, latest: Latest, data_root: Path, tmp_path: Path) -> None:
        """Also in types that the weights are not stored in, and then as well the second time."""
        done = ocrbench(
            "-m",
            "precision=FP32,BF16,AUTO",
            "dataset=icdar2015",
            f"dataset.root={data_root / 'icdar2015' / 'test'}",
            "dataset.limit=10",
            "scenario.min_seconds=1",
            f"reports_dir={tmp_path}",
        )
        assert done.returncode == 0, done.stderr
        rows = latest(tmp_path)
        assert len(rows) == 3
        for row in rows:
            assert (row["images"], row["skipped"]) == (10, 0)
            assert row["det_hmean"] > 0.55
            assert row["e2e_hmean"] > 0.4
            assert row["repeatability"] == 1
            assert row["warm_latency_p50_ms"] < 1.5 * row["latency_p50_ms"]
            assert row["input_shapes"] > 1


def test_a_cell_that_fails_keeps_its_row_and_the_others_go_on(
    sample_run: tuple[Path, CompletedProcess[str]], ocrbench: Run, latest: Latest, tmp_path: Path
) -> None:
    reports = shutil.copytree(sample_run[0], tmp_path / "reports")
    done = ocrbench("-m", "device=NPU.7,CPU", "precision=FP16", f"reports_dir={reports}", *SMALL)
    assert done.returncode == 1
    failed, ok = latest(reports)
    assert (failed["status"], failed["device"], ok["status"], ok["device"]) == ("failed", "NPU.7", "ok", "CPU")
    assert "OpenVINO finds no NPU.7" in failed["error"]
    assert failed["error"] in done.stdout
    assert "measured before" in done.stderr
    assert "Traceback" not in done.stderr


MISTAKES = {
    "device=XPU": ["device=XPU", "available:", "CPU"],
    "precision=FP61": ["precision=FP61", "FP16"],
    "dataset=nope": ["dataset=nope", "icdar2015"],
    "detector.limit_sde=3": ["did you mean limit_side?"],
    "dataset.root=/nowhere": ["dataset.root=/nowhere", "no such folder"],
    "gate=ci": ["gate=ci: a run is not held against limits", "ocrbench ab"],
    "cache_dir=/dev/null": ["cache_dir=/dev/null: /dev/null is not a folder"],
    "--config-dir=/nowhere": ["--config-dir /nowhere: no such folder"],
    "--config-name=mine": ["--config-name=mine: not taken", "--config-dir FOLDER"],
    "benchmark": ["benchmark", "expected KEY=VALUE", "list"],
}


@pytest.mark.parametrize(("word", "parts"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_gets_one_line_and_status_2(word: str, parts: list[str], here: Run, tmp_path: Path) -> None:
    done = here(*([] if "root" in word else [f"reports_dir={tmp_path}"]), word)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert [part for part in parts if part not in line] == [], line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (("read", str(Path(packaged("datasets/sample")) / "img_1.jpg")), "dataset.limit=3"),
        (("fetch", "ppocrv4_mobile"), "scenario=throughput"),
        (("doctor",), "precision=INT8"),
    ],
)
def test_a_key_that_a_command_does_not_use_is_a_mistake(command: tuple[str, ...], word: str, here: Run) -> None:
    done = here(*command, word)
    assert done.returncode == 2
    assert f"{word}: {command[0]} does not use {word.partition('=')[0].partition('.')[0]}" in done.stderr


def test_datasets_of_ones_own_are_listed(here: Run, tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "invoices.yaml").write_text("name: invoices\nformat: folder\nroot: /data\n", "utf-8")
    assert "invoices" not in here("list", "datasets").stdout
    assert "invoices" in here("list", "datasets", "--config-dir", tmp_path).stdout


def test_a_device_that_this_machine_lacks_is_a_mistake(ocrbench: Run) -> None:
    present = {name.partition(".")[0] for name in ov.Core().available_devices}
    device = next(name for name in ("GPU", "NPU", "GPU.77") if name not in present)
    done = ocrbench(f"device={device}")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"OpenVINO finds no {device}" in done.stderr


def test_the_configuration_of_a_run_is_kept(sample_run: tuple[Path, CompletedProcess[str]]) -> None:
    (path,) = sample_run[0].glob("runs/*/run.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["config"]["dataset"]["limit"] == 3
    assert content["config"]["detector"]["options"]["limit_side"] == 736
    assert content["environment"]["versions"]["openvino"] in ov.get_version()
    assert content["environment"]["host"]["cpu"]
    assert {len(artifact["sha256"]) for stage in content["artifacts"].values() for artifact in stage.values()} == {64}
