"""MLPerf's LoadGen drives real networks: its verdict and its log files are part of the run."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from ocrbench.runs.run import Run
from ocrbench.runs.store import Store

Command = Callable[..., CompletedProcess[str]]
Latest = Callable[[Path], list[dict[str, Any]]]

pytestmark = pytest.mark.slow
IMAGES = 4
# A verdict that counts needs a longer test.
SHORT = (
    *(f"dataset.limit={IMAGES}", "attest=off", "scenario.min_duration_seconds=1", "scenario.min_queries=8"),
    *("detector.limit_type=max", "detector.limit_side=480"),
)


def summary(record: Run) -> str:
    text = record.log("mlperf_log_summary.txt")
    assert text is not None
    return text


@pytest.mark.parametrize(
    ("name", "traffic", "words"),
    [
        ("mlperf", "SingleStream", ()),
        ("mlperf_multi_stream", "MultiStream", ()),
        ("mlperf_offline", "Offline", ()),
        ("mlperf_server", "Server", ("scenario.rate=2",)),
    ],
)
def test_performance(
    name: str, traffic: str, words: tuple[str, ...], ocrbench: Command, model: str, latest: Latest, tmp_path: Path
) -> None:
    done = ocrbench(f"scenario={name}", model, *SHORT, *words, f"reports_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    (row,), (record,) = latest(tmp_path), Store(tmp_path).runs()
    text = summary(record)
    (verdict,) = re.findall(r"^Result is : (\w+)$", text, re.MULTILINE)
    assert row["loadgen"] == f"{traffic} {verdict}"
    assert row["loadgen"] in done.stdout
    assert row["images"] == IMAGES
    assert row["e2e_hmean"] > 0
    timings = record.timings
    sent = timings[~timings["warmup"]]
    assert set(sent["sample_id"]) <= {outcome.sample_id for outcome in record.outcomes}
    for file in ("mlperf_log_detail.txt", "mlperf_log_accuracy.json"):
        assert record.log(file)
    if name == "mlperf":
        # Its own clock agrees with LoadGen's.
        (theirs,) = re.findall(r"^50\.00 percentile latency \(ns\)\s*: (\d+)$", text, re.MULTILINE)
        assert sent["latency_ns"].median() == pytest.approx(int(theirs), rel=0.2)
        assert len(sent) >= 8
        assert "latency_p90_ms" in done.stdout
    if name == "mlperf_offline":
        # LoadGen sends as much as is expected to last: with a rate that is far too low it ends too soon.
        (expected,) = re.findall(r"^target_qps : ([\d.]+)$", text, re.MULTILINE)
        assert 0.5 < float(expected) / row["throughput_ips"] < 3


def test_server_needs_a_rate(here: Command) -> None:
    done = here("scenario=mlperf_server", "scenario.rate=null")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "scenario.rate" in line


def test_accuracy(ocrbench: Command, model: str, latest: Latest, tmp_path: Path) -> None:
    """Every image is sent, and what was answered is in LoadGen's log."""
    words = ("scenario=mlperf", "scenario.goal=AccuracyOnly", model, f"reports_dir={tmp_path}")
    done = ocrbench(*words, *SHORT)
    assert done.returncode == 0, done.stderr
    (record,) = Store(tmp_path).runs()
    log = record.log("mlperf_log_accuracy.json")
    assert log is not None
    answers = {each["qsl_idx"]: json.loads(bytes.fromhex(each["data"])) for each in json.loads(log)}
    outcomes = record.outcomes
    assert len(answers) == len(outcomes) == IMAGES
    texts = sorted(sorted(region["text"] for region in regions) for regions in answers.values())
    assert texts == sorted(sorted(region.text for region in outcome.predicted) for outcome in outcomes)
    (row,) = latest(tmp_path)
    assert row["e2e_hmean"] > 0


def test_a_mistaken_traffic_is_one_line(here: Command) -> None:
    done = here("scenario=mlperf", "scenario.traffic=Online")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "scenario.traffic" in line
    assert "SingleStream" in line
