"""Reports folders with runs that nobody measured."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ocrbench.metrics.recognition import repeatability
from ocrbench.runs.run import Run

WriteRun = Callable[..., Run]


def unrepeatable(record: Run) -> Run:
    return replace(record, score_list=(*record.score_list, *repeatability({"img_0.jpg": True, "img_1.jpg": False})))


@pytest.fixture(scope="session")
def reports(write_run: WriteRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs: FP32, a fast INT8 that reads less and not the same each time, a noisy FP16 as bf16, a failed one."""
    folder = tmp_path_factory.mktemp("reports")
    write_run(folder, "precision=FP32", ms=100)
    write_run(folder, "precision=INT8", ms=40, wrong=2, change=unrepeatable)
    write_run(folder, "precision=FP16", ms=80, change=lambda record: replace(record, noisy=("others used the CPU",)))
    write_run(folder, "precision=FP32", "properties.NONSENSE=1", error="no such property")
    return folder
