"""Arrivals that do not wait for answers."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from doubles import Clock
from ocrbench.scenarios import server
from ocrbench.scenarios.interface import Block, Feed
from ocrbench.scenarios.server import ServerSetup, arrivals_ns

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


@pytest.mark.parametrize(("rate", "grows"), [(100.0, False), (2000.0, True)])
def test_a_queue_that_only_grew_is_told(rate: float, grows: bool, widths: type, feed: MakeFeed, clock: Clock) -> None:
    setup = ServerSetup(bound_ms=1, rate=rate)
    block = server.server([widths(taking(0.001, clock))], feed(20) * 10, setup)
    assert block.facts["readers"] == 1
    assert block.facts["realised_ips"] == pytest.approx(200 / (arrivals_ns(200, rate, 0)[-1] / 1e9))
    assert bool(server.doubts(block.facts)) is grows


def test_each_block_has_a_pattern_of_its_own() -> None:
    setup = ServerSetup(bound_ms=1, rate=5.0, seed=7)
    assert [setup.in_pass(number)["seed"] for number in range(3)] == [7, 8, 9]
