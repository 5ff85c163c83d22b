"""What a difference means."""

from dataclasses import replace

import pytest

from ocrbench.compare.verdict import Change, Comparison, check_gate, check_limits, outcome_of
from ocrbench.config.schema import Gate, Limit
from ocrbench.errors import ConfigError
from ocrbench.metrics.intervals import Interval


def time(low: float, high: float, metric: str = "latency_p50_ms", after: float = 110.0) -> Change:
    interval = Interval(estimate=(low + high) / 2, low=low, high=high)
    return Change(
        metric=metric,
        before=100.0,
        after=after,
        interval=interval,
        margin=0.03,
        n=9,
    )


def accuracy(low: float, high: float) -> Change:
    interval = Interval(estimate=(low + high) / 2, low=low, high=high)
    return Change(
        metric="e2e_hmean",
        before=0.5,
        after=0.5,
        interval=interval,
        margin=0.005,
        n=9,
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.01, 1.05, "slower"),
        (0.90, 0.97, "faster"),
        (0.98, 1.02, "equivalent"),
        (1.005, 1.02, "equivalent"),
        (0.99, 1.06, "undecided"),
        (0.90, 1.10, "undecided"),
    ],
)
def test_a_time_is_judged_by_its_whole_interval(low: float, high: float, verdict: str) -> None:
    assert time(low, high).verdict == verdict


@pytest.mark.parametrize(("quality", "verdict"), [((-0.001, 0.001), "undecided"), ((-0.03, -0.01), "regressed")])
def test_a_decisive_metric_without_an_interval_is_not_equivalent(quality: tuple[float, float], verdict: str) -> None:
    """One run per side tells nothing of its rate; what accuracy lost stays lost."""
    alone = replace(time(1.0, 1.0, "throughput_ips"), interval=None)
    comparison = Comparison(
        before="A", after="B", changes=(alone, accuracy(*quality)), decisive=("throughput_ips", "e2e_hmean")
    )
    assert alone.direction == "none"
    assert comparison.verdict == verdict


SAME, BETTER, WORSE, OPEN = (-0.001, 0.001), (0.01, 0.03), (-0.03, -0.01), (-0.03, 0.03)


@pytest.mark.parametrize(
    ("speed", "quality", "verdict"),
    [
        ((0.9, 0.92), SAME, "improved"),
        ((0.99, 1.01), BETTER, "improved"),
        ((1.08, 1.12), SAME, "regressed"),
        ((1.08, 1.12), WORSE, "regressed"),
        ((0.5, 0.6), WORSE, "trade-off"),
        ((1.08, 1.12), BETTER, "trade-off"),
        ((0.99, 1.01), SAME, "equivalent"),
        ((0.9, 1.1), SAME, "undecided"),
        ((0.5, 0.6), OPEN, "undecided"),
    ],
)
def test_speed_and_accuracy_make_one_verdict(
    speed: tuple[float, float], quality: tuple[float, float], verdict: str
) -> None:
    comparison = Comparison(before="A", after="B", changes=(time(*speed), accuracy(*quality)))

    assert comparison.verdict == verdict


def gate(**limits: object) -> Gate:
    return Gate(name="test", limits=(Limit(**limits),))  # type: ignore[arg-type]


class TestGate:
    @pytest.mark.parametrize(
        ("interval", "outcome"), [((1.04, 1.06), "fail"), ((1.00, 1.02), "pass"), ((1.02, 1.05), "undecided")]
    )
    def test_a_relative_limit(self, interval: tuple[float, float], outcome: str) -> None:
        comparison = Comparison(before="A", after="B", changes=(time(*interval),))

        checked = check_gate(gate(metric="latency_p50_ms", max_worse=0.03), comparison)

        assert outcome_of(checked) == outcome

    @pytest.mark.parametrize(
        ("interval", "outcome"), [((-0.02, -0.01), "fail"), ((-0.004, 0.1), "pass"), ((-0.01, 0.0), "undecided")]
    )
    def test_accuracy_may_fall_by_so_much(self, interval: tuple[float, float], outcome: str) -> None:
        comparison = Comparison(before="A", after="B", changes=(accuracy(*interval),))

        checked = check_gate(gate(metric="e2e_hmean", max_worse=0.005), comparison)

        assert outcome_of(checked) == outcome

    def test_an_absolute_limit_is_on_b_and_needs_no_interval(self) -> None:
        comparison = Comparison(before="A", after="B", changes=(time(0.9, 1.3, "latency_p99_ms", after=130.0),))

        assert outcome_of(check_gate(gate(metric="latency_p99_ms", at_most=120.0), comparison)) == "fail"
        assert outcome_of(check_gate(gate(metric="latency_p99_ms", at_most=140.0), comparison)) == "pass"

    def test_a_metric_that_was_not_measured_is_undecided(self) -> None:
        checked = check_gate(
            gate(metric="latency_p50_ms", max_worse=0.03), Comparison(before="A", after="B", changes=())
        )

        assert outcome_of(checked) == "undecided"

    def test_no_limits_pass(self) -> None:
        assert outcome_of([]) == "pass"


def test_a_limit_of_an_unknown_metric_is_a_mistake() -> None:
    check_limits(Gate(name="good", limits=(Limit(metric="server_rate_ips", max_worse=0.1),)))
    with pytest.raises(ConfigError, match="gate=typo: metric latency_p5_ms: no such metric; did you mean latency_p50"):
        check_limits(Gate(name="typo", limits=(Limit(metric="latency_p5_ms", max_worse=0.1),)))


@pytest.mark.parametrize(("after", "high", "outcome"), [(110, 1.02, "pass"), (110, 1.2, "fail"), (600, 1.02, "fail")])
def test_a_limit_with_two_bounds_checks_both(after: float, high: float, outcome: str) -> None:
    limit = Limit(metric="latency_p50_ms", max_worse=0.03, at_most=500)
    comparison = Comparison(before="A", after="B", changes=(time(high - 0.01, high, after=after),))
    (checked,) = check_gate(Gate(name="both", limits=(limit,)), comparison)
    assert checked.outcome == outcome
    assert "at most 500" in checked.reason
    assert "allowed +3 %" in checked.reason


def test_a_speed_that_was_not_measured_is_no_equal_one() -> None:
    assert Comparison(before="A", after="B", changes=(accuracy(*SAME),)).verdict == "undecided"
    assert Comparison(before="A", after="B", changes=(time(0.99, 1.01),)).verdict == "equivalent"
