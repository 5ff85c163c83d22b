"""Accuracy against speed and memory: one point per run; the page draws it for the axes that the reader chooses."""

from collections.abc import Mapping
from typing import Any

from ocrbench.report.html.groups import groups_of
from ocrbench.report.html.model import Report

COSTS = (
    ("latency_p50_ms", "Median latency"),
    ("latency_p99_ms", "99th percentile of the latency"),
    ("throughput_ips", "Throughput"),
    ("server_rate_ips", "Rate of the server"),
    ("peak_rss_mb", "Peak memory"),
    ("model_mb", "Size of the models"),
)
ACCURACIES = (
    ("e2e_hmean", "End-to-end hmean"),
    ("det_hmean", "Detection hmean"),
    ("rec_word_accuracy", "Word accuracy of matched regions"),
    ("rec_cer", "Character error rate of matched regions"),
)


def build(report: Report) -> Mapping[str, Any]:
    """List the groups of comparable runs, the axes that have values, and each run's intervals."""
    return {
        "groups": [group.plain() for group in groups_of(report.runs)],
        "x": _with_values(report, COSTS),
        "y": _with_values(report, ACCURACIES),
        "intervals": {
            index: {name: [interval.low, interval.high] for name, interval in run.intervals.items()}
            for index, run in enumerate(report.runs)
            if run.ok
        },
    }


def _with_values(report: Report, axes: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [
        {"column": name, "title": title}
        for name, title in axes
        if any(run.row[name] is not None for run in report.finished)
    ]
