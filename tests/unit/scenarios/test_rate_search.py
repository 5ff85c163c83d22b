"""The search for the highest rate, by a queue whose answers are known."""

import heapq
from collections.abc import Callable

import numpy as np
import pytest

from ocrbench.errors import ConfigError
from ocrbench.scenarios.rate_search import CONFIRMATIONS, search_rate
from ocrbench.scenarios.server import arrivals_ns

SERVICE_MS, WORKERS = 50.0, 2
CEILING = WORKERS / SERVICE_MS * 1000


def queue(rate: float, count: int = 2000) -> list[int]:
    """Simulate first come, first served: each arrival gets the worker that is free first."""
    free = [0.0] * WORKERS
    latencies = []
    for due in arrivals_ns(count, rate, seed=0):
        end = max(due, heapq.heappop(free)) + SERVICE_MS * 1e6
        heapq.heappush(free, end)
        latencies.append(round(end - due))
    return latencies


def p99_ms(rate: float) -> float:
    return float(np.percentile(queue(rate), 99)) / 1e6


@pytest.mark.parametrize("bound_ms", [70.0, 100.0, 200.0])
def test_the_rate_found_keeps_the_bound_and_a_higher_one_does_not(bound_ms: float) -> None:
    steps = list(search_rate(queue, CEILING, bound_ms, tolerance=0.05))
    found = steps[-1].rate
    highest = max(step.rate for step in steps if step.kept)
    assert p99_ms(highest) <= bound_ms < p99_ms(highest * 1.05)
    assert found == pytest.approx(highest / 1.05)
    assert p99_ms(found) < bound_ms < p99_ms(found * 1.3)
    assert len(steps) < 14
    assert {step.queries for step in steps} == {2000}
    for step in steps:
        assert step.kept == (step.p99_ms <= bound_ms)
        assert step.p99_ms == pytest.approx(p99_ms(step.rate))


def test_a_tighter_bound_gives_a_lower_rate() -> None:
    rates = [list(search_rate(queue, CEILING, bound, tolerance=0.02))[-1].rate for bound in (60.0, 80.0, 120.0, 200.0)]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1] < CEILING


def test_a_finer_tolerance_comes_closer() -> None:
    def gap(tolerance: float) -> float:
        steps = list(search_rate(queue, CEILING, 100.0, tolerance))
        kept = max(step.rate for step in steps if step.kept)
        return min(step.rate for step in steps if not step.kept) / kept

    assert gap(0.01) <= 1.01 < gap(0.5) <= 1.5


def test_where_the_ceiling_keeps_the_bound_the_search_ends() -> None:
    steps = list(search_rate(queue, CEILING, bound_ms=1e6, tolerance=0.05))
    assert [step.kept for step in steps] == [True] * (1 + CONFIRMATIONS)
    assert [step.rate for step in steps] == pytest.approx([CEILING] + [CEILING / 1.05] * CONFIRMATIONS)


def test_a_bound_below_the_fastest_image_is_a_mistake_at_once() -> None:
    steps = search_rate(queue, CEILING, bound_ms=SERVICE_MS - 1, tolerance=0.05)
    assert not next(steps).kept
    with pytest.raises(ConfigError, match=r"scenario\.bound_ms=49: even the fastest image takes 50 ms"):
        next(steps)


def test_a_bound_that_some_images_never_keep_is_a_mistake() -> None:
    def uneven(rate: float) -> list[int]:
        return [latency * (3 if number % 20 == 0 else 1) for number, latency in enumerate(queue(rate))]

    steps = search_rate(uneven, CEILING, bound_ms=2 * SERVICE_MS, tolerance=0.05)
    with pytest.raises(ConfigError, match=r"scenario\.bound_ms=100: at .* images/s p99 is 150 ms already"):
        list(steps)


@pytest.mark.parametrize("unlucky", [1, 2])
def test_a_rate_that_is_not_confirmed_gives_way_to_a_lower_one(unlucky: int) -> None:
    """Also where it is the second confirmation that fails."""
    (lucky,) = {step.rate for step in list(search_rate(queue, CEILING, 100.0, 0.05))[-CONFIRMATIONS:]}
    times = 0

    def moody(rate: float) -> list[int]:
        nonlocal times
        times += rate == lucky
        return [1000 * each for each in queue(rate)] if rate == lucky and times >= unlucky else queue(rate)

    steps = list(search_rate(moody, CEILING, 100.0, 0.05))
    *_, failed, first, second = steps
    assert (failed.rate, failed.kept) == (lucky, False)
    assert first.rate == second.rate == pytest.approx(lucky / 1.05**2)
    assert first.kept
    assert second.kept


def test_a_bound_that_is_only_ever_kept_by_luck_is_a_mistake_that_shows_soon() -> None:
    tries = 0

    def lucky_once(rate: float) -> list[int]:
        nonlocal tries
        tries += 1
        return queue(rate) if tries <= 2 else [1000 * each for each in queue(rate)]

    with pytest.raises(ConfigError, match=r"scenario\.bound_ms=100: at .* images/s p99 is .* ms already"):
        list(search_rate(lucky_once, CEILING, 100.0, 0.05))
    assert tries < 20


def test_only_the_rate_found_is_tried_twice() -> None:
    rates: list[float] = []

    def counted(run: Callable[[float], list[int]]) -> Callable[[float], list[int]]:
        return lambda rate: rates.append(rate) or run(rate)

    steps = list(search_rate(counted(queue), CEILING, 100.0, 0.05))
    assert rates.count(steps[-1].rate) == CONFIRMATIONS
    assert len(rates) == len(set(rates)) + CONFIRMATIONS - 1
