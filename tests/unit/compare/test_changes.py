"""From paired measurements to changes."""

import numpy as np
import pytest

from ocrbench.compare.changes import tail_change, time_change
from ocrbench.compare.verdict import check_value
from ocrbench.config.schema import Limit
from ocrbench.metrics.intervals import Interval


def test_a_time_keeps_the_measurements_that_it_rests_on() -> None:
    before, after = np.array([10e6, 20e6, 30e6]), np.array([11e6, 22e6, 33e6])
    ratio = Interval(estimate=1.1, low=1.0, high=1.2)
    change = time_change("latency_p50_ms", before, after, ratio, 0.03)
    assert (change.before, change.after) == (20.0, 22.0)
    assert change.values == ((10.0, 20.0, 30.0), (11.0, 22.0, 33.0))
    assert (change.interval, change.n, change.lacking) == (ratio, 3, "")


def test_of_means_the_means_are_shown() -> None:
    change = time_change("latency_mean_ms", np.array([1e6, 1e6, 10e6]), np.array([2e6, 2e6, 2e6]), None, 0.03)
    assert (change.before, change.after) == (4.0, 2.0)


def test_few_times_have_no_tail() -> None:
    assert tail_change(np.arange(99) * 1e6, np.arange(101) * 1e6, 0.03) is None


def test_what_an_interval_lacks_is_said() -> None:
    change = time_change("latency_p50_ms", np.array([1e6]), np.array([2e6]), None, 0.03)
    assert (change.verdict, change.lacking) == ("", "a verdict needs 3 processes")


def test_the_tail_is_there_for_absolute_limits_only() -> None:
    change = tail_change(np.arange(101) * 1e6, np.arange(101) * 2e6, 0.03)
    assert change is not None
    assert (change.metric, change.before, change.after) == ("latency_p99_ms", 99.0, 198.0)
    assert change.interval is None
    assert change.verdict == ""


@pytest.mark.parametrize(
    ("value", "outcome"), [(1.0, "pass"), (2.0, "pass"), (2.1, "fail"), (0.9, "fail"), (float("nan"), "fail")]
)
def test_bounds_are_inclusive_and_what_was_not_measured_fails(value: float, outcome: str) -> None:
    assert check_value(Limit(metric="latency_p99_ms", at_least=1, at_most=2), value).outcome == outcome
