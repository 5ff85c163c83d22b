"""The pytest plugin: light until it is used, and clear about what it wants."""

import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from ocrbench.compare.limited import LimitedRun
from ocrbench.errors import ConfigError
from ocrbench.records import Score

pytest_plugins = ("pytester",)
# Where ocrbench is installed, pytest finds the plugin by itself.
INSTALLED = any(each.value == "ocrbench.pytest_plugin" for each in entry_points(group="pytest11"))
LOADED = () if INSTALLED else ("-p", "ocrbench.pytest_plugin")
SCORES = {"latency_p99_ms": 130.0, "e2e_hmean": 0.5, "peak_rss_mb": float("nan"), "server_rate_ips": 5.0}


@pytest.fixture
def cell(tmp_path: Path) -> LimitedRun:
    scores = [
        Score(stage="", metric=name, value=value, unit="", higher_is_better=True, n=1) for name, value in SCORES.items()
    ]
    return LimitedRun(
        run_id="run", started="2030-01-01", status="ok", config={}, score_list=scores, folder=tmp_path, config_dir=None
    )


def test_loading_it_imports_nothing_heavy() -> None:
    program = "import sys, ocrbench.pytest_plugin\nprint(*{'numpy', 'pandas', 'hydra', 'openvino'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_the_fixture_is_listed_with_what_it_does(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*LOADED, "--fixtures", "-q")
    result.stdout.fnmatch_lines(["ocrbench_cell*", "*Return a function that runs a cell*"])


@pytest.mark.slow
def test_a_suite_that_does_not_use_it_is_not_disturbed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\n\ndef test_nothing():\n    assert 'pandas' not in sys.modules\n")
    pytester.runpytest_subprocess(*LOADED, "-W", "error").assert_outcomes(passed=1)


@pytest.mark.slow
def test_a_mistake_in_the_words_fails_the_test_with_the_valid_choices(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_cell(ocrbench_cell):\n    ocrbench_cell('precison=FP16')\n")
    result = pytester.runpytest_subprocess(*LOADED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ConfigError: precison: no such key; did you mean precision*"])


def test_bounds_that_hold(cell: LimitedRun) -> None:
    cell.assert_limits(latency_p99_ms={"at_most": 130}, e2e_hmean={"at_least": 0.3, "at_most": 0.9})
    cell.assert_limits(server_rate_ips={"at_least": 4})


def test_every_broken_bound_is_named(cell: LimitedRun) -> None:
    with pytest.raises(AssertionError) as caught:
        cell.assert_limits(latency_p99_ms={"at_most": 120}, e2e_hmean={"at_least": 0.6}, peak_rss_mb={"at_most": 1})
    assert str(caught.value) == (
        "latency_p99_ms 130, allowed at most 120; e2e_hmean 0.5, allowed at least 0.6; "
        "peak_rss_mb nan, allowed at most 1"
    )


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"latency_p99": {"at_most": 1}}, "latency_p99: no such column; did you mean latency_p99_ms"),
        ({"e2e_hmean": {}}, "expected at_most, at_least or both"),
        ({"e2e_hmean": {"max_worse": 0.1}}, "expected at_most, at_least or both"),
        ({"e2e_hmean": {"at_least": "much"}}, "e2e_hmean.at_least=much: must be"),
    ],
)
def test_what_cannot_be_asked_for(limits: dict[str, dict[str, float]], message: str, cell: LimitedRun) -> None:
    with pytest.raises(ConfigError, match=message):
        cell.assert_limits(**limits)


def test_a_gate_with_a_metric_that_there_is_not(cell: LimitedRun, tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    limits = "limits: [{metric: latency_p50, max_worse: 0.1}]"
    (tmp_path / "gate" / "own.yaml").write_text(f"name: own\n{limits}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="gate=own: metric latency_p50: no such metric; did you mean latency_p50_ms"):
        replace(cell, config_dir=str(tmp_path)).assert_gate("own", baseline=tmp_path)
