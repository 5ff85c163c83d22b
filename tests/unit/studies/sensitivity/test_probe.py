"""SQNR and cosine similarity against their definitions."""

import math

import numpy as np
import pytest

from ocrbench.studies.sensitivity.probe import Agreement

RANDOM = np.random.default_rng(11)


def agreement(*pairs: tuple[np.ndarray, np.ndarray]) -> Agreement:
    found = Agreement()
    for exact, other in pairs:
        found.add(exact, other)
    return found


def test_noise_of_a_known_level() -> None:
    exact = RANDOM.standard_normal((4, 8, 50)).astype(np.float32)
    noise = RANDOM.standard_normal(exact.shape).astype(np.float32)
    noise *= 0.01 * np.linalg.norm(exact) / np.linalg.norm(noise)
    assert agreement((exact, exact + noise)).sqnr_db == pytest.approx(40, abs=0.01)


def test_inputs_are_summed_before_they_are_divided() -> None:
    """As if they were one long output; their shapes may differ."""
    pairs = [(RANDOM.standard_normal((size, 3)), RANDOM.standard_normal((size, 3))) for size in (2, 7)]
    together = agreement((np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])))
    assert agreement(*pairs).sqnr_db == pytest.approx(together.sqnr_db)
    assert agreement(*pairs).cosine == pytest.approx(together.cosine)


def test_the_cosine_is_that_of_the_angle() -> None:
    assert agreement((np.array([1.0, 0.0]), np.array([1.0, 1.0]))).cosine == pytest.approx(math.cos(math.pi / 4))
    assert agreement((np.array([1.0, 2.0]), np.array([-3.0, -6.0]))).cosine == pytest.approx(-1)


def test_edges() -> None:
    something, nothing = np.array([1.0, -2.0]), np.zeros(2)
    assert agreement((something, something)).sqnr_db == math.inf
    assert agreement((something, something)).cosine == pytest.approx(1)
    assert (agreement((something, nothing)).sqnr_db, agreement((something, nothing)).cosine) == (0, 0)
    assert (agreement((nothing, something)).sqnr_db, agreement((nothing, something)).cosine) == (-math.inf, 0)
    assert (agreement((nothing, nothing)).sqnr_db, agreement((nothing, nothing)).cosine) == (math.inf, 1)


def test_outputs_are_left_as_they_are() -> None:
    exact, other = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    agreement((exact, other))
    assert (exact.tolist(), other.tolist()) == ([1, 2], [3, 5])
