"""Search for the highest rate of arrivals that a pipeline serves in time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ocrbench.errors import ConfigError

# A pipeline that cannot even serve this part of its own throughput in time never will.
LEAST_SHARE = 1 / 16
# So often the rate found must keep the bound.
CONFIRMATIONS = 2


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rate that was tried.

    Attributes:
        rate: Arrivals per second, on average.
        p99_ms: The 99th percentile of the latencies.
        fastest_ms: The shortest of the latencies.
        queries: How many latencies there are.
        kept: Whether it is within the bound.
    """

    rate: float
    p99_ms: float
    fastest_ms: float
    queries: int
    kept: bool

    @property
    def sentence(self) -> str:
        """Say it to people."""
        verdict = "within" if self.kept else "above"
        return f"{self.rate:.2f} images/s: p99 {self.p99_ms:.0f} ms of {self.queries}, {verdict} the bound"


def search_rate(
    attempt: Callable[[float], Sequence[int]], ceiling: float, bound_ms: float, tolerance: float
) -> Iterator[Step]:
    """Halve the interval between a rate that keeps the bound and one that does not, then confirm a rate below both.

    The highest of many rates that kept the bound once may have been lucky, and at the very limit a rate keeps it at
    times only. So the rate found is lower by the tolerance than the highest that kept the bound, and must keep it
    repeatedly. One that does not gives way to a lower one, each time by twice as much, which must be confirmed as well.

    Args:
        attempt: Lets images arrive at a rate and returns their latencies in nanoseconds.
        ceiling: The highest rate to try: what the pipeline does when it never has to wait for an image.
        bound_ms: What the 99th percentile must not exceed.
        tolerance: How close the two rates are in the end: the failing one is at most ``1 + tolerance`` times the other.
            Also how far below them the rate found is.

    Yields:
        Each step when it is done; the last one is that of the rate found.

    Raises:
        ConfigError: Not even a small part of the ceiling keeps the bound, or not even the fastest image does.
    """

    def tried(rate: float) -> Step:
        step = _step(rate, attempt(rate), bound_ms)
        if not step.kept and rate < ceiling * LEAST_SHARE:
            message = f"scenario.bound_ms={bound_ms:g}: at {rate:.2g} images/s p99 is {step.p99_ms:.0f} ms already"
            raise ConfigError(message)
        return step

    low, high = 0.0, ceiling
    step = tried(ceiling)
    yield step
    if step.kept:
        low = ceiling
    elif step.fastest_ms > bound_ms:
        # One of them had not to wait, so fewer arrivals would not help.
        message = f"scenario.bound_ms={bound_ms:g}: even the fastest image takes {step.fastest_ms:.0f} ms"
        raise ConfigError(message)
    while high > low * (1 + tolerance):
        step = tried((low + high) / 2)
        yield step
        low, high = (step.rate, high) if step.kept else (low, step.rate)
    yield from _confirm(tried, low, 1 + tolerance)


def _confirm(tried: Callable[[float], Step], highest: float, lowering: float) -> Iterator[Step]:
    """Lower a rate until it keeps the bound ``CONFIRMATIONS`` times."""
    confirmed, rate = 0, highest / lowering
    while confirmed < CONFIRMATIONS:
        step = tried(rate)
        yield step
        if step.kept:
            confirmed += 1
        else:
            confirmed, lowering = 0, lowering**2
            rate /= lowering


def _step(rate: float, latencies_ns: Sequence[int], bound_ms: float) -> Step:
    latencies_ms = np.asarray(latencies_ns) / 1e6
    p99_ms = float(np.percentile(latencies_ms, 99))
    fastest_ms = float(latencies_ms.min())
    return Step(rate=rate, p99_ms=p99_ms, fastest_ms=fastest_ms, queries=len(latencies_ms), kept=p99_ms <= bound_ms)
