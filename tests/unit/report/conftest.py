"""Tables as reports get them."""

from collections.abc import Callable

import pandas as pd
import pytest

from ocrbench.records import Score
from ocrbench.runs import table
from ocrbench.runs.run import Run

MakeRun = Callable[..., Run]


@pytest.fixture
def make_run() -> MakeRun:
    def make(error: str = "", dataset: str = "sample", precision: str = "FP16", skipped: int = 0) -> Run:
        stage = {"name": "model", "device": "CPU", "precision": precision}
        values = {"det_hmean": 0.5, "latency_p50_ms": 12.345, "throughput_ips": 80.999}
        return Run(
            run_id=f"run-{precision}",
            started="2030-01-01T00:00:00",
            status="failed" if error else "ok",
            error=error,
            config={
                "detector": stage,
                "recognizer": stage,
                "scenario": {"name": "latency"},
                "dataset": {"name": dataset},
            },
            score_list=()
            if error
            else tuple(
                Score(stage="", metric=name, value=value, unit="", higher_is_better=True, n=1)
                for name, value in values.items()
            ),
            skipped={f"img_{number}.jpg": f"reason [bold]{number}[/]" for number in range(skipped)},
        )

    return make


@pytest.fixture
def frame(make_run: MakeRun) -> pd.DataFrame:
    """A finished and a failed run."""
    return table.wide([make_run(), make_run(error="out of memory", precision="INT8")])
