"""Time limits of the conversion."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

import pytest

from ocrbench.config.schema import Cell
from ocrbench.measure.preparing import prepare
from ocrbench.measure.processes import Worker
from ocrbench.precisions import Precision
from ocrbench.progress import LogListener
from ocrbench.worker.protocol import Request


class Asked:
    """A worker that remembers how long it might have taken."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ask(self, request: Request[Any], _: object, seconds: float) -> dict[str, Any]:
        self.seconds[request.command] = seconds
        return {}


@pytest.mark.parametrize(
    ("precisions", "method", "seconds"),
    [
        (("INT8", "INT8"), "accuracy_control", 50 + 2 * 90),
        (("INT8", "FP16"), "accuracy_control", 50 + 90),
        (("FP16", "FP16"), "accuracy_control", 50),
        (("INT8", "INT8"), "recipe", 50),
    ],
)
def test_a_search_may_take_its_own_time(
    precisions: tuple[Precision, Precision], method: Any, seconds: float, loaded: Cell, tmp_path: Path
) -> None:
    detector, recognizer = (
        replace(stage, precision=precision)
        for stage, precision in zip((loaded.detector, loaded.recognizer), precisions, strict=True)
    )
    quantization = replace(loaded.quantization, method=method, max_minutes=1.5)
    cell = replace(loaded, detector=detector, recognizer=recognizer, quantization=quantization, cache_dir=str(tmp_path))
    asked = Asked()
    prepare(replace(cell, prepare_timeout_seconds=50), LogListener(), start=lambda: cast("Worker", asked))
    assert asked.seconds == {"convert": seconds}
