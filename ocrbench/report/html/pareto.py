"""Accuracy against speed and memory: one point per run, on axes that the reader chooses."""

from collections.abc import Mapping
from typing import Any

from ocrbench.report.html.groups import groups_of
from ocrbench.report.html.model import Report
from ocrbench.runs.columns import BY_NAME

COSTS = ("latency_p50_ms", "latency_p99_ms", "throughput_ips", "server_rate_ips", "peak_rss_mb", "model_mb")
ACCURACIES = ("e2e_hmean", "det_hmean", "rec_word_accuracy", "rec_cer")


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


def _with_values(report: Report, axes: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"column": name, "title": BY_NAME[name].heading}
        for name in axes
        if any(run.row[name] is not None for run in report.finished)
    ]
