"""Values as text."""

import pytest

from ocrbench.runs.columns import text


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("det_hmean", 0.12345, "0.123"),
        ("rec_1_ned", 1.0, "1.000"),
        ("latency_p99_ms", 1234.56, "1234.6"),
        ("throughput_ips", 3.14159, "3.14"),
        ("peak_rss_mb", 99.96, "100.0"),
        ("words", 12.0, "12"),
        ("latency_p50_ms", float("nan"), "–"),
        ("error", "", "–"),
        ("host", None, "–"),
        ("dataset", "sample", "sample"),
    ],
)
def test_decimals_follow_the_unit(column: str, value: object, expected: str) -> None:
    assert text(column, value) == expected
