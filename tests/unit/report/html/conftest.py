"""Reports folders with runs that nobody measured."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ocrbench.records import RunRecord

WriteRun = Callable[..., RunRecord]


@pytest.fixture(scope="session")
def reports(write_run: WriteRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs: FP32, a fast INT8 that reads less, an FP16 that was not honoured and noisy, and a failed one."""
    folder = tmp_path_factory.mktemp("reports")
    write_run(folder, "precision=FP32", ms=100)
    write_run(folder, "precision=INT8", ms=40, wrong=2)
    write_run(folder, "precision=FP16", ms=80, change=lambda record: replace(record, noisy=("others used the CPU",)))
    write_run(folder, "precision=FP32", "properties.NONSENSE=1", error="no such property")
    return folder
