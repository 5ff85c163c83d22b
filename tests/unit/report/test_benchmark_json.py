"""Files that the real pytest-benchmark reads, with its own statistics."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pytest_benchmark.stats import Stats

from ocrbench.report.benchmark_json import STAGES, comparisons_to_benchmark_json, runs_to_benchmark_json
from ocrbench.report.comparison import Judged
from ocrbench.runs.run import Run

Judge = Callable[..., Judged]
MakeRun = Callable[..., Run]


def timings(latencies_ms: Sequence[float], *, warmup: int = 0, first_seen: int = 0) -> pd.DataFrame:
    frame = pd.DataFrame({f"{stage}_ns": np.array(latencies_ms) * 1e6 for stage in STAGES})
    frame["warmup"] = [number < warmup for number in range(len(frame))]
    frame["first_seen"] = [warmup <= number < warmup + first_seen for number in range(len(frame))]
    return frame


def timed(run: Run, frame: pd.DataFrame) -> Run:
    """Give a run its times, which would otherwise be read from its folder."""
    vars(run)["timings"] = frame
    return run


def benchmarks(written: bytes) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(written)["benchmarks"]}


def compare(*files: Path, options: Sequence[str] = ()) -> str:
    """Let the real command read files; it logs what it cannot read and goes on without it."""
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, files), *options]
    done = subprocess.run(command, cwd=files[0].parent, capture_output=True, text=True, timeout=60, check=True)
    assert "Failed to load" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 20, 41])
def test_statistics_are_those_of_pytest_benchmark(count: int, make_run: MakeRun) -> None:
    values = np.random.default_rng(count).lognormal(size=count) * 100
    found = benchmarks(runs_to_benchmark_json([timed(make_run(), timings(values))]))["latency[run-FP16]"]["stats"]
    expected = Stats()
    for value in values / 1e3:
        expected.update(value)
    for name, value in expected.as_dict().items():
        assert found[name] == (value if isinstance(value, str) else pytest.approx(value)), name
    assert found["data"] == pytest.approx(expected.data)
    assert found["iterations"] == 1


def test_warm_up_and_first_seen_shapes_are_left_out(make_run: MakeRun) -> None:
    run = timed(make_run(), timings([900, 800, 10, 20, 30], warmup=1, first_seen=1))
    found = benchmarks(runs_to_benchmark_json([run]))
    assert set(found) == {f"{stage}[run-FP16]" for stage in STAGES}
    assert found["latency[run-FP16]"]["stats"]["data"] == pytest.approx([0.01, 0.02, 0.03])
    assert found["latency[run-FP16]"]["fullname"] == "ocrbench::latency[run-FP16]"


def test_the_newest_run_of_a_series_has_the_lasting_name(make_run: MakeRun) -> None:
    old, new = (
        replace(make_run(), run_id=f"run-{year}", started=f"{year}-01-01T00:00:00", series="series")
        for year in (2030, 2031)
    )
    found = benchmarks(runs_to_benchmark_json([timed(old, timings([10.0])), timed(new, timings([20.0]))]))
    assert found["latency[series]"]["extra_info"]["run_id"] == "run-2031"
    assert found["latency[run-2030]"]["extra_info"]["run_id"] == "run-2030"


@pytest.mark.slow
def test_pytest_benchmark_compares_two_files(tmp_path: Path, make_run: MakeRun) -> None:
    files = []
    for name, factor in (("before", 1), ("after", 2)):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_bytes(
            runs_to_benchmark_json([timed(make_run(), timings([10 * factor, 12 * factor, 11 * factor]))])
        )
    shown = compare(*files)
    for stage in STAGES:
        assert f"benchmark '{stage}': 2 tests" in shown
    assert len(re.findall(r"^latency\[run-FP16\] ", shown, re.MULTILINE)) == 2
    assert "(2.00)" in shown, "twice as slow"
    assert "latency[run-FP16]" in compare(*files, options=["--between", "mean,median"])


def test_both_sides_of_a_comparison_stand_in_one_table(tmp_path: Path, judge: Judge) -> None:
    file = tmp_path / "ab.json"
    file.write_bytes(comparisons_to_benchmark_json([judge(latency=(1.08, 1.12)).comparison]))
    found = benchmarks(file.read_bytes())
    assert set(found) == {"latency[A precision=FP16]", "latency[B precision=INT8]"}
    assert found["latency[A precision=FP16]"]["stats"]["median"] == pytest.approx(0.1)
    shown = compare(file)
    assert "benchmark 'latency': 2 tests" in shown
    assert "(1.10)" in shown


def test_what_github_action_benchmark_reads_is_there(make_run: MakeRun) -> None:
    content = json.loads(runs_to_benchmark_json([timed(make_run(), timings([10.0, 20.0]))]))
    assert {"machine_info", "commit_info", "benchmarks", "datetime", "version"} == set(content)
    for each in content["benchmarks"]:
        assert isinstance(each["fullname"], str)
        numbers = [each["stats"][name] for name in ("mean", "stddev", "ops", "rounds")]
        assert all(number > 0 for number in numbers)


def test_the_commit_that_was_measured_is_named(make_run: MakeRun) -> None:
    record = replace(make_run(), conditions={"git": {"commit": "abc", "dirty": True}})
    info = json.loads(runs_to_benchmark_json([timed(record, timings([1.0]))]))["commit_info"]
    assert (info["id"], info["dirty"]) == ("abc", True)
