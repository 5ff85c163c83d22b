"""What several kinds of test share: where data, models and reports are, and how ocrbench is run for real."""

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import openvino as ov
import pandas as pd
import pytest

from ocrbench.cli import main
from ocrbench.config.composing import load
from ocrbench.config.schema import Dataset, Scoring
from ocrbench.data.synthetic import generate
from ocrbench.environment import host
from ocrbench.geometry import rectangle
from ocrbench.metrics.intervals import scores_of
from ocrbench.metrics.scoring import tallies
from ocrbench.metrics.speed import duration_scores, throughput_scores
from ocrbench.records import Region, Score
from ocrbench.runs.run import Outcome, Run
from ocrbench.runs.store import Store

REPOSITORY = Path(__file__).parents[1]
# The smallest real cell: three images of the sample dataset, each measured once.
SMALL = ("dataset.limit=3", "scenario.min_seconds=0")
# Variables that change what is printed.
LEFT_OUT = ("COLUMNS", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY")

if ov.get_version() < "2025" and "avx512fp16" in host()["cpu_flags"]:
    # OpenVINO 2024.6 has convolutions in f16 that it cannot run with these instructions.
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

# Composing takes a tenth of a second, and many tests write the same runs.
_cell = functools.cache(load)

Command = Callable[..., subprocess.CompletedProcess[str]]
WriteRun = Callable[..., Run]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is for the night, and what needs a cell that was measured for real."""
    for item in items:
        if item.get_closest_marker("nightly") or "sample_run" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The published datasets; the only thing whose absence skips a test."""
    folder = Path(os.environ.get("OCRBENCH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no datasets in {folder}; set OCRBENCH_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give this process, and those that it starts, a folder for temporary files of their own.

    The lock that lets one session measure at a time is in there. So processes that share the tests do not wait for each
    other, nor for a measurement outside.
    """
    folder = str(tmp_path_factory.mktemp("tmp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where converted models are kept: each is made once per session, or once for all with OCRBENCH_CACHE."""
    folder = tmp_path_factory.mktemp("cache")
    given = os.environ.get("OCRBENCH_CACHE")
    if not given and "PYTEST_XDIST_WORKER" in os.environ:
        # Processes that share the tests have their folders in one.
        given = str(tmp_path_factory.getbasetemp().parent / "shared-cache")
    if given:
        for shared in ("artifacts", "calibration", "models"):
            there = Path(given).resolve() / shared
            there.mkdir(parents=True, exist_ok=True)
            (folder / shared).symlink_to(there)
    return folder


@pytest.fixture(scope="session")
def environment(cache_dir: Path) -> dict[str, str]:
    """The environment of ocrbench processes: this checkout, the session's cache, no terminal width, no CI server."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    ours = {"PYTHONPATH": path, "OCRBENCH_CACHE": str(cache_dir), "PYTHONIOENCODING": "utf-8"}
    # Servers that tests start are not behind the proxy.
    return {**kept, **ours, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@pytest.fixture(scope="session")
def model() -> str:
    """A model pair that this OpenVINO reads, as an override: the default one needs 2025.4."""
    release = tuple(int(part) for part in ov.get_version().split(".")[:2])
    return "model=ppocrv6_small" if release >= (2025, 4) else "model=ppocrv4_mobile"


@pytest.fixture(scope="session")
def ocrbench(environment: dict[str, str], model: str, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Run ``python -m ocrbench`` with the given words, in a folder of its own.

    A cell that names no model is given one that this OpenVINO reads.
    """
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ocrbench", *_with_model(words, model)]
        return subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False
        )

    return run


@pytest.fixture
def here(
    environment: dict[str, str],
    model: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Do as ``ocrbench``, but in this process, which takes a moment: for mistakes, and where nothing is measured."""
    for name in LEFT_OUT:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        plain = _with_model(words, model)
        with pytest.raises(SystemExit) as ended:
            main(plain)
        shown = capsys.readouterr()
        return subprocess.CompletedProcess(plain, int(ended.value.code or 0), shown.out, shown.err)

    return run


@pytest.fixture(scope="session")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Twenty generated pictures that are easy to read, so that nothing depends on how a doubtful word is rounded."""
    folder = tmp_path_factory.mktemp("signs") / "set"
    generate(folder, count=20, seed=7)
    return Dataset(name="signs", format="icdar2015", root=str(folder))


@pytest.fixture(scope="session")
def sample_run(
    ocrbench: Command, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One real cell, shared by every test that looks at a finished run: its reports folder and what it printed."""
    reports = tmp_path_factory.mktemp("reports")
    done = ocrbench("device=CPU", "precision=FP16", f"reports_dir={reports}", *SMALL)
    assert done.returncode == 0, done.stderr
    return reports, done


@pytest.fixture(scope="session")
def latest() -> Callable[[Path], list[dict[str, object]]]:
    """Read the rows of a reports folder's latest table."""

    def read(reports: Path) -> list[dict[str, object]]:
        return pd.read_parquet(reports / "latest.parquet").to_dict("records")

    return read


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Write a run without measuring: its configuration is real, its times and what it read are made up."""

    def write(
        reports: Path,
        *overrides: str,
        ms: float = 100.0,
        wrong: int = 0,
        images: int = 6,
        texts: Sequence[str] = ("Exit", "Gate", "10:45"),
        error: str = "",
        change: Callable[[Run], Run] = lambda record: record,
    ) -> Run:
        """Write it.

        Args:
            reports: The reports folder.
            overrides: Of the cell.
            ms: The latency of an image without words; each word adds a tenth.
            wrong: How many images are misread.
            images: How many there are.
            texts: Of the words; the images have one, two … of them.
            error: Why it failed; empty for a finished run.
            change: Made to the record before it is written.
        """
        config = asdict(_cell((*overrides, f"dataset.limit={images}")))
        outcomes = [_outcome(number, texts, misread=number < wrong) for number in range(images)]
        timings = pd.DataFrame(
            [
                {**_timing(outcome, ms * (1 + 0.01 * turn)), "repeat": turn > 0}
                for turn in range(3)
                for outcome in outcomes
            ]
        )
        words = sum(len(outcome.expected) for outcome in outcomes)
        record = Run(
            run_id=f"run-{len(Store(reports).runs()):03}",
            cell_id="-".join(overrides),
            started=f"2030-01-01T00:{len(Store(reports).runs()) % 60:02}:00.000+00:00",
            status="failed" if error else "ok",
            error=error,
            pictures="unseen",
            dataset_sha256="d" * 64,
            config=config,
            environment={"versions": {"openvino": "2030.1"}, "host": {"name": "bench", "cpu": "CPU", "cores": 2}},
            conditions={"governor": "performance", "drift": 1.01},
            execution={} if error else _execution(config),
            score_list=() if error else (*_counts(images, words), *_scores(outcomes, timings)),
        )
        record = change(record)
        Store(reports).save(record, timings if not error else pd.DataFrame(), [] if error else outcomes)
        return record

    return write


def _with_model(words: Sequence[object], model: str) -> list[str]:
    plain = [str(word) for word in words]
    cell = all("=" in word or word.startswith("-") for word in plain)
    named = any(word.startswith(("model=", "recognizer=", "experiment=")) for word in plain)
    return [*plain, *([model] if cell and not named else [])]


def _outcome(number: int, texts: Sequence[str], *, misread: bool) -> Outcome:
    words = [texts[place % len(texts)] for place in range(1 + number % 4)]
    expected = tuple(Region(polygon=rectangle(10, 30 * place, 80, 20), text=word) for place, word in enumerate(words))
    predicted = tuple(replace(region, text="?" if misread else region.text, confidence=0.9) for region in expected)
    return Outcome(sample_id=f"img_{number}.jpg", predicted=predicted, expected=expected)


def _timing(outcome: Outcome, ms: float) -> dict[str, object]:
    words = len(outcome.predicted)
    detect, recognize = int(ms * 1e6), int(ms * 1e5 * words)
    return {
        "sample_id": outcome.sample_id,
        "warmup": False,
        "first_seen": False,
        "new_shapes": 0,
        "regions": words,
        "read_ns": 1_000_000,
        "detect_ns": detect,
        "detect_infer_ns": detect * 9 // 10,
        "crop_ns": 500_000,
        "recognize_ns": recognize,
        "recognize_infer_ns": recognize * 9 // 10,
        "new_shape_ns": 0,
        "latency_ns": detect + recognize + 600_000,
    }


def _execution(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    precision = config["precision"]
    executed = {"INT8": {"i8": 0.9, "f32": 0.1}, "FP16": {"bf16": 0.8, "f32": 0.2}}.get(precision, {"f32": 1.0})
    network = {
        "precision": precision,
        "device": config["device"],
        "hint": "",
        "reported": "",
        "execution_devices": [config["device"]],
        "executed": executed,
        "emulated": [],
        "honoured": precision != "FP16",
    }
    return {role: {"network": network} for role in ("detector", "recognizer")}


def _counts(images: int, words: int) -> list[Score]:
    values = {"images": images, "words": words, "skipped": 0, "peak_rss_mb": 500.25, "model_mb": 12.5}
    return [
        Score(stage="", metric=name, value=float(value), unit="", higher_is_better=name in ("images", "words"), n=1)
        for name, value in values.items()
    ]


def _scores(outcomes: Sequence[Outcome], timings: pd.DataFrame) -> list[Score]:
    accuracy = scores_of([tallies(each.predicted, each.expected, Scoring()) for each in outcomes])
    times = []
    for prefix, repeat in (("", False), ("warm_", True)):
        chosen = timings.loc[timings["repeat"] == repeat, "latency_ns"]
        times += duration_scores(chosen.to_numpy(), name=f"{prefix}latency", stage="end_to_end")
        times += throughput_scores(len(chosen), int(chosen.sum()), f"{prefix}throughput_ips")
    return [*accuracy, *times]
