"""Measuring until there is a verdict."""

import numpy as np
import pytest
from scipy import stats

from ocrbench.compare.live import FIRST_LOOK, LOOK_LEVEL, look_after


def looks(number: int) -> list[int]:
    found = [FIRST_LOOK]
    while len(found) < number:
        found.append(look_after(found[-1]))
    return found


def false_alarms(level: float) -> float:
    """Return how often no difference at all is taken for one at any of nine looks, with independent processes."""
    at = looks(9)
    rounds = np.random.default_rng(0).normal(size=(10_000, at[-1]))
    wrong = [np.abs(stats.ttest_1samp(rounds[:, :number], 0, axis=1).pvalue) < 1 - level for number in at]
    return float(np.any(wrong, axis=0).mean())


def test_nine_looks_together_are_wrong_in_5_percent() -> None:
    assert false_alarms(0.95) > 0.15
    assert false_alarms(LOOK_LEVEL) == pytest.approx(0.05, abs=0.007)
