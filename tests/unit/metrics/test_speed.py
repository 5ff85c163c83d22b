"""Latency percentiles and throughput."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbench.metrics.speed import drift, duration_scores, throughput_scores


def values(durations_ns):
    return {s.metric: s.value for s in duration_scores(durations_ns, name="latency", stage="end_to_end")}


def test_percentiles_interpolate_between_order_statistics():
    # 0, 1, …, 199 ms, in another order.
    assert values([number * 1_000_000 for number in range(199, -1, -1)]) == {
        "latency_mean_ms": 99.5,
        "latency_p50_ms": 99.5,
        "latency_p90_ms": pytest.approx(179.1),
        "latency_p99_ms": pytest.approx(197.01),
    }


@pytest.mark.parametrize(("count", "known"), [(9, set()), (10, {"p90"}), (99, {"p90"}), (100, {"p90", "p99"})])
def test_a_percentile_needs_a_duration_beyond_it(count, known):
    assert {name.split("_")[1] for name in values([1] * count)} == {"mean", "p50", *known}


def test_one_measurement_is_every_statistic():
    assert set(values(np.array([7_000_000])).values()) == {7.0}


def test_scores_say_how_many_measurements_stand_behind_them():
    score = duration_scores([1, 2, 3], name="crop", stage="crop")[0]
    assert (score.metric, score.stage, score.unit, score.n) == ("crop_mean_ms", "crop", "ms", 3)
    assert not score.higher_is_better


@pytest.mark.parametrize("nothing", [[], np.array([], dtype=np.int64)])
def test_no_measurements_no_scores(nothing):
    assert duration_scores(nothing, name="latency", stage="end_to_end") == []


@pytest.mark.parametrize(("image_count", "wall_ns"), [(0, 0), (0, 10), (10, 0)])
def test_no_images_or_no_time_no_throughput(image_count, wall_ns):
    assert throughput_scores(image_count, wall_ns) == []


def test_throughput_is_images_over_wall_time():
    (score,) = throughput_scores(12, 4_000_000_000)
    assert (score.metric, score.value, score.n, score.higher_is_better) == ("throughput_ips", 3.0, 12, True)


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_percentiles_rise_and_ignore_the_order(durations_ns):
    latency = values(durations_ns)
    percentiles = [value for name, value in latency.items() if "_p" in name]
    assert percentiles == sorted(percentiles)
    assert values(sorted(durations_ns)) == pytest.approx(latency)


@pytest.mark.parametrize(
    ("repeats", "expected"),
    [
        ([], None),
        ([("a", 5), ("b", 7)], None),
        ([("a", 100), ("a", 120)], 1.2),
        # The passes between the first and the last do not count.
        ([("a", 100), ("a", 900), ("a", 50)], 0.5),
        # The median over images; one that was measured once has no part in it.
        ([("a", 10), ("b", 10), ("c", 10), ("d", 10), ("a", 11), ("b", 12), ("c", 90)], 1.2),
    ],
)
def test_drift_is_the_median_of_last_over_first(repeats, expected):
    assert drift(repeats) == (None if expected is None else pytest.approx(expected))
