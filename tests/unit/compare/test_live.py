"""Measuring until there is a verdict."""

import numpy as np
import pytest

from ocrbench.compare.live import LOOK_AGAIN, PILOT, WIDENING
from ocrbench.metrics.paired import Interval

LOOKS = [PILOT * LOOK_AGAIN**number for number in range(6)]


def false_alarms(widening: float) -> float:
    """Return how often no difference at all is taken for one at any look, with independent rounds of known spread."""
    rounds = np.random.default_rng(0).normal(size=(10_000, LOOKS[-1]))
    means = rounds.cumsum(axis=1)[:, np.array(LOOKS) - 1] / np.sqrt(LOOKS)
    return float((np.abs(means) > 1.96 * widening).any(axis=1).mean())


def test_six_looks_together_are_wrong_in_5_percent() -> None:
    assert false_alarms(1.0) > 0.15
    assert false_alarms(WIDENING) == pytest.approx(0.05, abs=0.005)


def test_the_interval_is_widened_on_the_scale_of_ratios() -> None:
    wide = Interval(estimate=1.0, low=0.5, high=2.0).widened(2)
    assert (wide.estimate, wide.low, wide.high) == (1.0, 0.25, 4.0)
