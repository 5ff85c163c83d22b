"""The search for a server's highest rate, on simulated queues whose truth is known."""

import heapq
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ocrbench.errors import ConfigError
from ocrbench.scenarios.rate_search import GAIN, PATTERNS, Found, Served, search_rate

# Each search simulates many queues.
pytestmark = pytest.mark.slow
QUERIES = 512
Attempt = Callable[[float, int], Served]


def served(due_s: NDArray[np.float64], service_s: NDArray[np.float64], readers: int) -> Served:
    """Serve first come, first served, one arrival at a time."""
    free = [0.0] * readers
    latencies = []
    for due, service in zip(due_s, service_s, strict=True):
        end = max(due, heapq.heappop(free)) + service
        heapq.heappush(free, end)
        latencies.append(end - due)
    return Served(due_s=due_s, service_s=service_s, latency_s=np.array(latencies))


class Queue:
    """A server whose images take different times, a little longer the more it is loaded."""

    def __init__(self, readers: int, seed: int, *, contention: float = 0.0, mean_s: float = 0.15) -> None:
        generator = np.random.default_rng(seed)
        self.readers, self._seed, self._contention = readers, seed, contention
        self._times = np.tile(generator.lognormal(np.log(mean_s), 0.4, 64), QUERIES // 64)
        self.rates: list[float] = []

    def flood(self) -> Served:
        return served(np.zeros(QUERIES), self._times * (1 + self._contention), self.readers)

    def attempt(self, rate: float, number: int) -> Served:
        self.rates.append(rate)
        generator = np.random.default_rng([self._seed, number])
        due = generator.standard_exponential(QUERIES).cumsum() / rate
        load = min(1.0, rate * self._times.mean() / self.readers)
        return served(due, generator.permutation(self._times) * (1 + self._contention * load), self.readers)

    def search(self, bound_ms: float = 1000.0, attempt: Attempt | None = None) -> Found:
        self.said: list[str] = []
        return search_rate(attempt or self.attempt, self.flood(), self.readers, bound_ms, self.said.append)

    def holds(self, rate: float, bound_ms: float = 1000.0, patterns: int = 100) -> float:
        """Return the share of other patterns that keep the bound at a rate."""
        return float(np.mean([self.attempt(rate, 1000 + each).p99_s * 1e3 <= bound_ms for each in range(patterns)]))


@pytest.mark.parametrize(("readers", "contention"), [(1, 0.0), (2, 0.0), (2, 0.3)])
def test_the_rate_found_holds_on_other_patterns(readers: int, contention: float) -> None:
    for seed in range(3):
        queue = Queue(readers, seed, contention=contention)
        found = queue.search()
        assert queue.holds(found.rate) >= 0.9
        # It is not simply low either.
        assert queue.holds(found.rate * 1.3) < 0.75
        assert found.low <= found.rate <= found.high
        assert found.holding > 0.8


def test_searches_of_one_server_agree() -> None:
    queue = Queue(2, 5)
    rates = []
    for more in range(0, 3000, 1000):

        def attempt(rate: float, number: int, more: int = more) -> Served:
            return queue.attempt(rate, number + more)

        rates.append(queue.search(attempt=attempt).rate)
    assert max(rates) / min(rates) < 1.1, "searches lie within 10 %"


def test_the_last_patterns_at_the_rate_are_fresh_and_kept_the_bound() -> None:
    queue = Queue(2, 1)
    found = queue.search()
    assert len(found.numbers) == PATTERNS
    steps = [found.steps[number] for number in found.numbers]
    assert all(step.kept and step.rate == found.rate and step.queries == QUERIES for step in steps)
    assert len({step.realised for step in found.steps}) == len(found.steps) == len(queue.said) == len(queue.rates)
    assert all(step.kept == (step.p99_ms <= 1000) for step in found.steps)


def test_a_tighter_bound_gives_a_lower_rate() -> None:
    rates = [Queue(2, 3).search(bound).rate for bound in (600.0, 800.0, 1200.0)]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]


def test_a_rate_that_a_pattern_breaks_gives_way_to_a_lower_one() -> None:
    queue = Queue(1, 2)
    usual = queue.search().rate

    def unlucky(rate: float, number: int) -> Served:
        return queue.attempt(rate * (1 if number else 3), number)

    found = queue.search(attempt=unlucky)
    assert not found.steps[0].kept
    assert found.rate <= usual / GAIN * 1.02
    assert 0 not in found.numbers


def test_a_bound_below_the_fastest_image_is_a_mistake_at_once() -> None:
    queue = Queue(2, 0)
    with pytest.raises(ConfigError, match=r"scenario\.bound_ms=20: even the fastest image takes \d+ ms"):
        queue.search(20.0)
    assert queue.rates == []


def test_a_bound_that_some_images_never_keep_is_a_mistake_that_shows_soon() -> None:
    queue = Queue(2, 0)
    with pytest.raises(ConfigError, match=r"scenario\.bound_ms=250: at .* images/s p99 is \d+ ms already"):
        queue.search(250.0)
    assert len(queue.rates) < 3


def test_where_everything_keeps_the_bound_the_throughput_is_the_rate() -> None:
    queue = Queue(2, 4)
    found = queue.search(1e6)
    assert found.rate == pytest.approx(QUERIES / queue.flood().latency_s.max(), rel=0.01)
    assert len(found.steps) == PATTERNS
