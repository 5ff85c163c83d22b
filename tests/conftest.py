"""What several kinds of test share: where data, models and reports are, and how ocrbench is run for real."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openvino as ov
import pandas as pd
import pytest

REPOSITORY = Path(__file__).parents[1]
# The smallest real cell: three images of the sample dataset, each measured once.
SMALL = ("dataset.limit=3", "scenario.min_seconds=0")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The published datasets; the only thing whose absence skips a test."""
    folder = Path(os.environ.get("OCRBENCH_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no datasets in {folder}; set OCRBENCH_DATA")
    return folder


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where converted models are kept: each is made once per session, or once for all with OCRBENCH_CACHE."""
    given = os.environ.get("OCRBENCH_CACHE")
    return Path(given).resolve() if given else tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def environment(cache_dir: Path) -> dict[str, str]:
    """The environment of ocrbench processes: this checkout, the session's cache, no terminal width, no CI server."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    left_out = ("COLUMNS", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    ours = {"PYTHONPATH": path, "OCRBENCH_CACHE": str(cache_dir), "PYTHONIOENCODING": "utf-8"}
    # Servers that tests start are not behind the proxy.
    return {**kept, **ours, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@pytest.fixture(scope="session")
def model() -> str:
    """A model pair that this OpenVINO reads, as an override: the default one needs 2025.4."""
    release = tuple(int(part) for part in ov.get_version().split(".")[:2])
    return "model=ppocrv6_small" if release >= (2025, 4) else "model=ppocrv4_mobile"


@pytest.fixture(scope="session")
def ocrbench(environment: dict[str, str], model: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run ``python -m ocrbench`` with the given words, in a folder of its own.

    A cell that names no model is given one that this OpenVINO reads.
    """
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        plain = [str(word) for word in words]
        cell = all("=" in word or word.startswith("-") for word in plain)
        named = any(word.startswith(("model=", "recognizer=", "experiment=")) for word in plain)
        command = [sys.executable, "-m", "ocrbench", *plain, *([model] if cell and not named else [])]
        return subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False
        )

    return run


@pytest.fixture(scope="session")
def sample_run(
    ocrbench: Run, tmp_path_factory: pytest.TempPathFactory
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
