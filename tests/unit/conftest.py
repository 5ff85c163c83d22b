"""Comparisons as reports and the command line get them."""

from collections.abc import Callable, Sequence

import pytest

from ocrbench.compare.verdict import Change, Comparison, check_gate
from ocrbench.config.schema import Gate, Limit
from ocrbench.metrics.intervals import Interval
from ocrbench.report.comparison import Judged

Judge = Callable[..., Judged]
LIMITS = (
    Limit(metric="latency_p50_ms", max_worse=0.03),
    Limit(metric="e2e_hmean", max_worse=0.005),
    Limit(metric="peak_rss_mb", max_worse=0.1),
    Limit(metric="latency_p99_ms", at_most=120),
)


def time_change(low: float, high: float) -> Change:
    middle = (low + high) / 2
    return Change(
        metric="latency_p50_ms",
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
