"""Tables as reports get them."""

from collections.abc import Callable, Sequence

import pandas as pd
import pytest

from ocrbench import table
from ocrbench.compare.verdict import Change, Comparison, check_gate
from ocrbench.config import Gate, Limit
from ocrbench.metrics.paired import Interval
from ocrbench.records import RunRecord, Score
from ocrbench.report.comparison import Judged

MakeRun = Callable[..., RunRecord]
Judge = Callable[..., Judged]
LIMITS = (
    Limit(metric="latency_p50_ms", max_worse=0.03),
    Limit(metric="e2e_hmean", max_worse=0.005),
    Limit(metric="peak_rss_mb", max_worse=0.1),
    Limit(metric="latency_p99_ms", at_most=120),
)


@pytest.fixture
def make_run() -> MakeRun:
    def make(error: str = "", dataset: str = "sample", precision: str = "FP16", skipped: int = 0) -> RunRecord:
        stage = {"name": "model", "device": "CPU", "precision": precision}
        values = {"det_hmean": 0.5, "latency_p50_ms": 12.345, "throughput_ips": 80.999}
        return RunRecord(
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
            scores=()
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


def time_change(low: float, high: float) -> Change:
    middle = (low + high) / 2
    return Change(
        metric="latency_p50_ms",
        unit="ms",
        higher_is_better=False,
        relative=True,
        before=100.0,
        after=100 * middle,
        interval=Interval(estimate=middle, low=low, high=high),
        margin=0.03,
        n=40,
        values=((100.0, 90.0, 110.0), (100 * middle, 90 * middle, 110 * middle)),
    )


def hmean_change(low: float, high: float) -> Change:
    return Change(
        metric="e2e_hmean",
        unit="",
        higher_is_better=True,
        relative=False,
        before=0.5,
        after=0.5 + (low + high) / 2,
        interval=Interval(estimate=(low + high) / 2, low=low, high=high),
        margin=0.005,
        n=20,
    )


@pytest.fixture
def judge() -> Judge:
    """Make a comparison from the interval of the latency's ratio and that of the difference in hmean."""

    def make(
        latency: tuple[float, float] = (1.0, 1.01),
        hmean: tuple[float, float] = (0.0, 0.0),
        limits: Sequence[Limit] = LIMITS,
        before: str = "precision=FP16",
        after: str = "precision=INT8",
        warnings: Sequence[str] = (),
        flipped: Sequence[tuple[str, str, str, str]] = (),
    ) -> Judged:
        memory = Change(
            metric="peak_rss_mb",
            unit="MB",
            higher_is_better=False,
            relative=True,
            before=400.0,
            after=float("nan"),
            interval=None,
            margin=0.03,
            n=2,
        )
        comparison = Comparison(
            before=before,
            after=after,
            changes=(time_change(*latency), memory, hmean_change(*hmean)),
            warnings=tuple(warnings),
            flipped=tuple(flipped),
        )
        gate = Gate(name="ci" if limits else "none", limits=tuple(limits))
        return Judged(comparison=comparison, gate=gate, checked=check_gate(gate, comparison))

    return make
