"""Arrivals that do not wait for answers."""

import heapq
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from doubles import Clock
from ocrbench.errors import ConfigError
from ocrbench.scenarios import server
from ocrbench.scenarios.interface import Block, Feed
from ocrbench.scenarios.server import CONFIRMATIONS, ServerSetup, arrivals_ns, search_rate

MakeFeed = Callable[[int], Feed]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.rule(monkeypatch, server)
    return made


def taking(seconds: float, clock: Clock) -> Callable[[Sequence[str]], None]:
    """Do what takes some time for each image."""
    return lambda texts: clock.sleep(seconds * len(texts))


def latencies_ns(block: Block) -> list[int]:
    return [each.times.latency_ns for each in block.measurements if each.times is not None]


def test_arrivals_are_a_poisson_process() -> None:
    rate = 40.0
    due = np.array(arrivals_ns(20_000, rate, seed=1)) / 1e9
    gaps = np.diff(due)
    assert gaps.min() >= 0
    assert stats.kstest(gaps, "expon", args=(0, 1 / rate)).pvalue > 0.01
    # The numbers of arrivals per second have variance = mean, and do not depend on each other.
    counts = np.bincount(due.astype(int))[:-1]
    assert counts.mean() == pytest.approx(rate, rel=0.03)
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.2)
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 0.03


def test_the_seed_decides_the_pattern() -> None:
    assert arrivals_ns(50, 2.0, 3) == arrivals_ns(50, 2.0, 3)
    assert arrivals_ns(50, 2.0, 3) != arrivals_ns(50, 2.0, 4)


def test_latencies_hold_the_waiting(widths: type, feed: MakeFeed, clock: Clock) -> None:
    # All at once, one after the other: the n-th image waits for those before it.
    block = server.server([widths(taking(0.01, clock))], feed(6), ServerSetup(bound_ms=1))
    assert latencies_ns(block) == [10_000_000 * number for number in range(1, 7)]
    assert block.wall_ns == 60_000_000


def test_nothing_is_begun_before_it_arrives(widths: type, feed: MakeFeed, clock: Clock) -> None:
    due = arrivals_ns(10, 100.0, 0)
    block = server.server([widths()], feed(10), ServerSetup(bound_ms=1, rate=100.0))
    assert latencies_ns(block) == [0] * 10
    assert block.wall_ns == due[-1]
    # Two threads add up their sleeping, so it may be later, never earlier.
    block = server.server([widths(), widths()], feed(10), ServerSetup(bound_ms=1, rate=100.0))
    assert min(latencies_ns(block)) >= 0
    assert block.wall_ns >= due[-1]


def test_each_image_waits_for_those_before_it(widths: type, feed: MakeFeed, clock: Clock) -> None:
    """Lindley's recursion: it is begun when it has arrived and the one before it is done."""
    service_ns, rate = 4_000_000, 150.0
    block = server.server([widths(taking(0.004, clock))], feed(5) * 40, ServerSetup(bound_ms=1, rate=rate, seed=5))
    done, expected = 0, []
    for due in arrivals_ns(200, rate, 5):
        done = max(due, done) + service_ns
        expected.append(done - due)
    assert latencies_ns(block) == expected


def test_a_queue_is_as_long_as_theory_says(widths: type, feed: MakeFeed, clock: Clock) -> None:
    """M/D/1 (Pollaczek-Khinchine): the mean waiting is service × load / (2 × (1 - load))."""
    service, load = 0.004, 0.6
    setup = ServerSetup(bound_ms=1, rate=load / service, seed=5)
    block = server.server([widths(taking(service, clock))], feed(5) * 2000, setup)
    expected = service * (1 + load / (2 * (1 - load)))
    assert np.mean(latencies_ns(block)) / 1e9 == pytest.approx(expected, rel=0.05)


def test_images_repeat_and_bad_ones_are_not_waited_for(widths: type, feed: MakeFeed) -> None:
    images = [*feed(3)]
    images[1][1].write_bytes(b"no image")
    block = server.server([widths()], images * 2, ServerSetup(bound_ms=1))
    assert [each.sample_id for each in block.measurements] == ["20", "21", "22"] * 2
    assert [bool(each.skipped) for each in block.measurements] == [False, True, False] * 2
    assert [each.regions[0].text for each in block.measurements if not each.skipped] == ["20", "22"] * 2


def test_a_failure_ends_the_block(widths: type, feed: MakeFeed) -> None:
    with pytest.raises(RuntimeError, match="cannot read 21"):
        server.server([widths(fails_at="21"), widths(fails_at="21")], feed(30), ServerSetup(bound_ms=1))


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
