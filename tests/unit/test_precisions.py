"""Whether the precision that ran is the one that was asked for."""

from typing import get_args

import pytest

from ocrbench.precisions import PRECISIONS, Precision, honoured


@pytest.mark.parametrize(
    ("precision", "executed", "fine"),
    [
        ("FP32", {"f32": 1.0}, True),
        ("FP32", {"f32": 0.9, "other": 0.1}, True),
        ("FP32", {"bf16": 0.9, "f32": 0.1}, False),
        ("FP32", {"f32": 0.99, "f16": 0.01}, False),
        ("FP32", {"f32": 0.9, "i8": 0.1}, False),
        ("FP16", {"f16": 1.0}, True),
        ("FP16", {"f16": 0.6, "f32": 0.4}, True),
        ("FP16", {"f32": 1.0}, False),
        ("FP16", {"bf16": 0.8, "f32": 0.2}, False),
        ("FP16", {"f16": 0.8, "bf16": 0.2}, False),
        ("BF16", {"bf16": 0.8, "f32": 0.1, "other": 0.1}, True),
        ("BF16", {"f16": 1.0}, False),
        ("BF16", {"f32": 1.0}, False),
        ("INT8", {"i8": 0.3, "bf16": 0.4, "f32": 0.3}, True),
        ("INT8", {"bf16": 0.8, "f32": 0.2}, False),
        ("AUTO", {"bf16": 1.0}, True),
        ("AUTO", {"f32": 1.0}, True),
        # Another ocrbench asked for it.
        ("INT4", {"i4": 1.0}, True),
        # Nothing was looked up, so nothing can be said against it.
        ("FP32", {}, True),
    ],
)
def test_honoured(precision: str, executed: dict[str, float], fine: bool) -> None:
    assert honoured(precision, executed) is fine


def test_every_precision_has_a_meaning() -> None:
    assert set(PRECISIONS) == set(get_args(Precision))
