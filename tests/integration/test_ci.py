"""What CI reads, made by real measurements."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import xmlschema

Run = Callable[..., CompletedProcess[str]]

pytestmark = pytest.mark.slow
SCHEMA = Path(__file__).parents[1] / "data" / "junit.xsd"
# Far beyond what a busy machine does by itself in the few seconds that a test has.
SLOWED = os.pathsep.join(map(str, (Path(__file__).parents[1] / "slowed", Path(__file__).parents[2])))
SLOWDOWN = f"env.PYTHONPATH={SLOWED} env.SLOWDOWN=3"
# Small images, of which a busy machine reads enough in that time; of two processes little can be concluded.
SMALLER = ("detector.limit_type=max", "detector.limit_side=480")
SHORT = ("dataset.limit=3", *SMALLER, "--seconds", 3, "--processes", 3)
FIXED_GATE = """
name: fixed
margin: 0.03
limits:
  - {metric: latency_mean_ms, at_most: 600000}
  - {metric: e2e_hmean, at_least: 0.1}
"""


def compare_benchmarks(*files: Path) -> str:
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, files)]
    done = subprocess.run(command, cwd=files[0].parent, capture_output=True, text=True, timeout=60, check=True)
    assert "Failed to load" not in done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def slowed(ocrbench: Run, model: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CompletedProcess[str]]:
    """One comparison in which B is made slow, with every file that can be asked for."""
    folder = tmp_path_factory.mktemp("ab")
    files = [
        word
        for name in ("junit", "markdown", "json", "benchmark-json")
        for word in (f"--{name}", folder / f"{name}.out")
    ]
    return folder, ocrbench("ab", "", SLOWDOWN, "gate=ci", model, *SHORT, *files)


class TestLatencyRegression:
    def test_it_fails_the_gate(self, slowed: tuple[Path, CompletedProcess[str]]) -> None:
        _, done = slowed
        assert done.returncode == 1, done.stdout + done.stderr
        assert "gate fail: latency_p50_ms" in done.stdout
        # The same texts in three images prove little.
        assert "gate undecided: e2e_hmean" in done.stdout

    def test_junit(self, slowed: tuple[Path, CompletedProcess[str]]) -> None:
        schema = xmlschema.XMLSchema(SCHEMA)
        schema.validate(slowed[0] / "junit.out")
        suites = schema.to_dict(slowed[0] / "junit.out")
        (suite,) = suites["testsuite"]
        assert (suite["@tests"], suite["@failures"], suite["@errors"]) == (3, 1, 0)
        (failed,) = [case for case in suite["testcase"] if "failure" in case]
        assert failed["@name"] == "latency_p50_ms max_worse=0.03"
        assert "allowed +3 %" in failed["failure"]["@message"]

    def test_markdown(self, slowed: tuple[Path, CompletedProcess[str]]) -> None:
        written = (slowed[0] / "markdown.out").read_text(encoding="utf-8")
        assert written.startswith("### B is worse (regressed): latency_p50_ms +")
        assert "Gate ci: **fail**" in written

    def test_json(self, slowed: tuple[Path, CompletedProcess[str]]) -> None:
        (found,) = json.loads((slowed[0] / "json.out").read_bytes())["comparisons"]
        assert (found["verdict"], found["gate"]["outcome"]) == ("regressed", "fail")
        changes = {each["metric"]: each for each in found["changes"]}
        assert {"latency_p50_ms", "latency_mean_ms", "peak_rss_mb", "det_hmean", "e2e_hmean"} <= set(changes)
        assert changes["latency_p50_ms"]["low"] > 1.03
        assert changes["e2e_hmean"]["before"] == changes["e2e_hmean"]["after"] > 0.1

    def test_pytest_benchmark_reads_both_sides(self, slowed: tuple[Path, CompletedProcess[str]]) -> None:
        shown = compare_benchmarks(slowed[0] / "benchmark-json.out")
        for stage in ("latency", "detect", "recognize"):
            assert f"benchmark '{stage}': 2 tests" in shown
        assert "latency[A as configured]" in shown
        assert f"latency[B {SLOWDOWN}]" in shown


def test_a_precision_that_did_not_run_is_not_compared(ocrbench: Run, model: str) -> None:
    other = "precision=FP16 env.ONEDNN_MAX_CPU_ISA=AVX512_CORE"
    done = ocrbench("ab", "", other, "attest=strict", "precision=FP32", model, *SHORT)
    assert done.returncode == 2, done.stdout + done.stderr
    # What runs instead depends on the processor.
    assert "FP16 was asked for, but CPU executed " in done.stderr


def test_what_a_comparison_would_ignore_is_refused(here: Run) -> None:
    done = here("ab", "", "", "profile=true")
    assert done.returncode == 2
    assert "profile=true is for runs" in done.stderr


@pytest.mark.parametrize(("word", "name"), [("gate=ci", "gate"), ("scoring.iou_threshold=0.7", "scoring")])
def test_a_side_has_no_rules_of_its_own(word: str, name: str, here: Run) -> None:
    done = here("ab", "", word)
    assert done.returncode == 2
    assert f"A and B must be judged by the same {name}" in done.stderr


def test_a_gate_of_ones_own_and_absolute_limits(here: Run, sample_run: tuple[Path, object], tmp_path: Path) -> None:
    gates = tmp_path / "conf" / "gate"
    gates.mkdir(parents=True)
    (gates / "fixed.yaml").write_text(FIXED_GATE, encoding="utf-8")
    words = ("compare", sample_run[0], sample_run[0], "gate=fixed", "--config-dir", tmp_path / "conf")
    done = here(*words, "--junit", tmp_path / "junit.xml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gate pass: latency_mean_ms" in done.stdout
    xmlschema.XMLSchema(SCHEMA).validate(tmp_path / "junit.xml")


def test_finished_runs_are_exported(here: Run, sample_run: tuple[Path, object], tmp_path: Path) -> None:
    file = tmp_path / "new" / "benchmark.json"
    done = here("export", "benchmark-json", sample_run[0], "--output", file)
    assert done.returncode == 0, done.stderr
    found = {each["group"]: each for each in json.loads(file.read_bytes())["benchmarks"]}
    assert set(found) == {"latency", "read", "detect", "detect_infer", "crop", "recognize", "recognize_infer"}
    assert 0.001 < found["latency"]["stats"]["median"] < 60
    assert found["latency"]["stats"]["rounds"] == 3
    other = shutil.copy(file, tmp_path / "other.json")
    assert "benchmark 'latency': 2 tests" in compare_benchmarks(file, other)


SUITE = """
import pytest

WORDS = ("dataset.limit=3", "scenario.min_seconds=0", "MODEL")


def test_bounds(ocrbench_cell):
    cell = ocrbench_cell(*WORDS)
    assert cell.status == "ok"
    assert cell.row["images"] == 3
    cell.assert_limits(e2e_hmean={"at_least": 0.1}, latency_mean_ms={"at_most": 600_000})
    with pytest.raises(AssertionError, match="latency_p50_ms .*, allowed at most 0.001"):
        cell.assert_limits(latency_p50_ms={"at_most": 0.001})


def test_gate(ocrbench_cell, tmp_path):
    cell = ocrbench_cell(*WORDS, config_dir="conf")
    cell.assert_gate("fixed", baseline=cell.folder)
    with pytest.raises(AssertionError, match="latency_mean_ms .* ms, allowed at most 0.001"):
        cell.assert_gate("impossible", baseline=cell.folder)
    cell.assert_gate("unclear", baseline=cell.folder)


def test_failure(ocrbench_cell):
    ocrbench_cell(*WORDS, "device=NOSUCH")
"""


def test_cells_in_a_suite_of_ones_own(environment: dict[str, str], model: str, tmp_path: Path) -> None:
    gates = tmp_path / "conf" / "gate"
    gates.mkdir(parents=True)
    (gates / "fixed.yaml").write_text(FIXED_GATE, encoding="utf-8")
    (gates / "impossible.yaml").write_text(FIXED_GATE.replace("600000", "0.001"), encoding="utf-8")
    (gates / "unclear.yaml").write_text(
        "name: unclear\nlimits: [{metric: latency_mean_ms, max_worse: 0.1}]\n", encoding="utf-8"
    )
    (tmp_path / "test_own.py").write_text(SUITE.replace("MODEL", model), encoding="utf-8")
    loaded = any(each.value == "ocrbench.pytest_plugin" for each in entry_points(group="pytest11"))
    plugin = [] if loaded else ["-p", "ocrbench.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-rsf", "-p", "no:cacheprovider", *plugin]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert "1 failed, 1 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "gate unclear is undecided: latency_mean_ms " in done.stdout
    assert "NOSUCH" in done.stdout
    assert "Traceback" not in done.stdout
