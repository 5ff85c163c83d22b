"""Arrivals that do not wait for answers."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from ocrbench.scenarios import Feed
from ocrbench.scenarios.server import ServerSetup, arrivals_ns, server

MakeFeed = Callable[[int], Feed]


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


def test_latencies_hold_the_waiting(widths: type, feed: MakeFeed) -> None:
    # All at once, one after the other: the n-th image waits for those before it.
    block = server([widths(0.01)], feed(6), ServerSetup(bound_ms=1))
    latencies = [each.times.latency_ns for each in block.measurements if each.times is not None]
    assert [latency > 10_000_000 * number for number, latency in enumerate(latencies, start=1)] == [True] * 6
    assert latencies == sorted(latencies)
    assert block.wall_ns >= latencies[-1]


def test_nothing_is_begun_before_it_arrives(widths: type, feed: MakeFeed) -> None:
    block = server([widths(0.0), widths(0.0)], feed(10), ServerSetup(bound_ms=1, rate=100.0))
    last = arrivals_ns(10, 100.0, 0)[-1]
    assert block.wall_ns >= last
    latencies = [each.times.latency_ns for each in block.measurements if each.times is not None]
    assert all(latency >= 0 for latency in latencies)


def test_a_queue_is_as_long_as_theory_says(widths: type, feed: MakeFeed) -> None:
    """M/D/1 (Pollaczek-Khinchine): the mean waiting is service × load / (2 × (1 - load))."""
    service, load = 0.004, 0.6
    images = feed(5) * 120
    block = server([widths(service)], images, ServerSetup(bound_ms=1, rate=load / service, seed=5))
    latencies = np.array([each.times.latency_ns for each in block.measurements if each.times is not None]) / 1e9
    # What a service really takes: sleeping takes longer than asked for.
    real = float(np.min(latencies))
    real_load = real * load / service
    expected = real * (1 + real_load / (2 * (1 - real_load)))
    # On a busy machine it is longer, never much shorter.
    assert latencies.mean() > 0.5 * expected
    assert latencies.max() > 2 * real


def test_images_repeat_and_bad_ones_are_not_waited_for(widths: type, feed: MakeFeed) -> None:
    images = [*feed(3)]
    images[1][1].write_bytes(b"no image")
    block = server([widths(0.0)], images * 2, ServerSetup(bound_ms=1))
    assert [each.sample_id for each in block.measurements] == ["20", "21", "22"] * 2
    assert [bool(each.skipped) for each in block.measurements] == [False, True, False] * 2
    assert [each.regions[0].text for each in block.measurements if not each.skipped] == ["20", "22"] * 2


def test_a_failure_ends_the_block(widths: type, feed: MakeFeed) -> None:
    with pytest.raises(RuntimeError, match="cannot read 21"):
        server([widths(fails_at="21"), widths(fails_at="21")], feed(30), ServerSetup(bound_ms=1))
