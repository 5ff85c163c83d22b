"""The highest rate of arrivals at which a server keeps its bound, whatever the pattern of the arrivals.

One pattern says little: of 512 arrivals some come at 0.9 times the nominal rate, and near the limit the 99th percentile
of their latencies differs by half between patterns. So a queue is simulated with the service times that were measured,
for many patterns, to propose a rate; then images really arrive at that rate, in several fresh patterns, each of which
has to keep the bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ocrbench.errors import ConfigError

# Fresh patterns that have to keep the bound.
PATTERNS = 5
# Patterns of the simulation, and the share of them that has to keep the bound.
SIMULATED, HOLDING = 200, 0.95
# A rate is tried again if the service times that were measured at it promise this much more, or if it failed.
GAIN = 1.05
MOST_ROUNDS = 6
# A pipeline that cannot even serve this part of its own throughput in time never will.
LEAST_SHARE = 1 / 16
HALVINGS = 10
# Choices of images for the interval, each with fewer patterns.
RESAMPLES, RESAMPLED_PATTERNS = 40, 25
Seconds = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Served:
    """One pattern of arrivals, in seconds, in the order of the arrivals.

    Attributes:
        due_s: Arrival of each image.
        service_s: Time that its reader took, without waiting.
        latency_s: Time from its arrival to its text.
    """

    due_s: Seconds
    service_s: Seconds
    latency_s: Seconds

    @property
    def p99_s(self) -> float:
        """The 99th percentile of the latencies."""
        return float(np.percentile(self.latency_s, 99))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One pattern at a rate that was tried.

    Attributes:
        rate: Nominal rate, in arrivals per second.
        realised: Rate of this pattern.
        p99_ms: The 99th percentile of the latencies.
        queries: Number of latencies.
        kept: Whether it is within the bound.
    """

    rate: float
    realised: float
    p99_ms: float
    queries: int
    kept: bool

    @property
    def sentence(self) -> str:
        """Describe it in a line."""
        verdict = "within" if self.kept else "above"
        return (
            f"{self.rate:.2f} images/s, {self.realised:.2f} realised: p99 {self.p99_ms:.0f} ms of {self.queries}, "
            f"{verdict} the bound"
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """The result of a search.

    Attributes:
        rate: Highest rate of which every pattern kept the bound.
        low: Lower end of its 95 % interval over other choices of images.
        high: Upper end.
        holding: Share of the simulated patterns that keep the bound at it.
        numbers: Numbers of the patterns that confirmed it.
        steps: All patterns, in their order.
    """

    rate: float
    low: float
    high: float
    holding: float
    numbers: Sequence[int]
    steps: Sequence[Step] = field(repr=False)


def search_rate(
    attempt: Callable[[float, int], Served], flood: Served, readers: int, bound_ms: float, say: Callable[[str], None]
) -> Found:
    """Propose a rate by simulation, try it, and correct the simulation by what was measured.

    Args:
        attempt: Lets images arrive at a rate, in the pattern of a number, which is never used twice.
        flood: The same images, all at once.
        readers: Number of images that are served at a time.
        bound_ms: Bound of the 99th percentile, in milliseconds.
        say: Is told each step.

    Raises:
        ConfigError: Not even a small part of the throughput keeps the bound, or not even the fastest image does.
    """
    bound_s, queries = bound_ms / 1e3, len(flood.latency_s)
    ceiling = queries / float(flood.latency_s.max())
    if (fastest := float(flood.service_s.min())) > bound_s:
        message = f"scenario.bound_ms={bound_ms:g}: even the fastest image takes {1e3 * fastest:.0f} ms"
        raise ConfigError(message)
    steps: list[Step] = []
    service_s, rate = flood.service_s, min(ceiling, _proposed(flood.service_s, readers, queries, bound_s))
    best: tuple[float, Sequence[int], Seconds] | None = None
    for _ in range(MOST_ROUNDS):
        rate = max(rate, ceiling * LEAST_SHARE)
        service_s = _service_times(_try_patterns(attempt, rate, bound_s, steps, say), readers)
        promised = _proposed(service_s, readers, queries, bound_s)
        if steps[-1].kept:
            best = rate, range(len(steps) - PATTERNS, len(steps)), service_s
            if promised < rate * GAIN or rate >= ceiling:
                break
            rate = min(promised, ceiling)
        elif best is not None:
            rate = (best[0] + rate) / 2
            if rate < best[0] * GAIN:
                break
        elif rate <= ceiling * LEAST_SHARE:
            message = f"scenario.bound_ms={bound_ms:g}: at {rate:.2g} images/s p99 is {steps[-1].p99_ms:.0f} ms already"
            raise ConfigError(message)
        else:
            rate = min(promised, rate / GAIN)
    if best is None:
        message = f"scenario.bound_ms={bound_ms:g}: no rate kept it in {PATTERNS} patterns, down to {rate:.2g} images/s"
        raise ConfigError(message)
    rate, numbers, service_s = best
    low, high = _interval(service_s, readers, queries, bound_s)
    holding = _holding(_queues(service_s, readers, queries, SIMULATED, seed=1), rate, bound_s)
    return Found(rate=rate, low=low * rate, high=high * rate, holding=holding, numbers=numbers, steps=steps)


def _try_patterns(
    attempt: Callable[[float, int], Served], rate: float, bound_s: float, steps: list[Step], say: Callable[[str], None]
) -> list[Served]:
    """Let images arrive at a rate in fresh patterns, until one breaks the bound; add each to the steps."""
    served: list[Served] = []
    while len(served) < PATTERNS and (not served or steps[-1].kept):
        served.append(attempt(rate, len(steps)))
        steps.append(_step(rate, served[-1], bound_s))
        say(steps[-1].sentence)
    return served


def _service_times(served: Sequence[Served], readers: int) -> Seconds:
    """Return the service times at this load, scaled so that the simulation gives the latencies that were measured."""
    factor = float(np.median([each.p99_s / _simulated_p99(each, readers) for each in served]))
    return factor * np.concatenate([each.service_s for each in served])


def _step(rate: float, served: Served, bound_s: float) -> Step:
    realised = len(served.due_s) / float(served.due_s[-1])
    p99_ms = 1e3 * served.p99_s
    return Step(
        rate=rate, realised=realised, p99_ms=p99_ms, queries=len(served.latency_s), kept=served.p99_s <= bound_s
    )


@dataclass(frozen=True, kw_only=True)
class _Queues:
    """Patterns to simulate, (patterns, arrivals): arrivals at one per second, and the service time of each image."""

    due: Seconds
    service_s: Seconds
    readers: int


def _queues(service_s: Seconds, readers: int, queries: int, patterns: int, seed: int) -> _Queues:
    generator = np.random.default_rng(seed)
    due = generator.standard_exponential((patterns, queries)).cumsum(axis=1)
    return _Queues(due=due, service_s=generator.choice(service_s, (patterns, queries)), readers=readers)


def _latencies(due_s: Seconds, service_s: Seconds, readers: int) -> Seconds:
    """Simulate first come, first served: each arrival gets the reader that is free first."""
    patterns = np.arange(len(due_s))
    free = np.zeros((len(due_s), readers))
    latencies = np.empty_like(due_s)
    for number in range(due_s.shape[1]):
        reader = free.argmin(axis=1)
        end = np.maximum(due_s[:, number], free[patterns, reader]) + service_s[:, number]
        free[patterns, reader] = end
        latencies[:, number] = end - due_s[:, number]
    return latencies


def _simulated_p99(served: Served, readers: int) -> float:
    return float(np.percentile(_latencies(served.due_s[np.newaxis], served.service_s[np.newaxis], readers), 99))


def _holding(queues: _Queues, rate: float, bound_s: float) -> float:
    """Return the share of the patterns that keep the bound at a rate."""
    latencies = _latencies(queues.due / rate, queues.service_s, queues.readers)
    return float((np.percentile(latencies, 99, axis=1) <= bound_s).mean())


def _proposed(
    service_s: Seconds, readers: int, queries: int, bound_s: float, patterns: int = SIMULATED, seed: int = 0
) -> float:
    """Find the highest rate that enough patterns keep; 0 if there is none."""
    queues = _queues(service_s, readers, queries, patterns, seed)
    low, high = 0.0, readers / float(service_s.mean())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _holding(queues, middle, bound_s) >= HOLDING else (low, middle)
    return low


def _interval(service_s: Seconds, readers: int, queries: int, bound_s: float) -> tuple[float, float]:
    """Return the ends of the interval over other choices of images and patterns, relative to the rate."""
    generator = np.random.default_rng(0)
    usual = _proposed(service_s, readers, queries, bound_s)
    if not usual:
        return 0.0, 1.0
    # The images repeat, so a choice of images is a choice of far fewer service times.
    images = min(len(service_s), queries) // 8 or 1
    found = [
        _proposed(generator.choice(service_s, images), readers, queries, bound_s, RESAMPLED_PATTERNS, seed)
        for seed in range(RESAMPLES)
    ]
    low, high = np.quantile(found, [0.025, 0.975]) / usual
    return min(float(low), 1.0), max(float(high), 1.0)
