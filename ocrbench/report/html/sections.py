"""The sections of a report, in the order of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from ocrbench import __version__
from ocrbench.config.stage import ROLES
from ocrbench.report.html import (
    accuracy,
    comparison,
    environment,
    gallery,
    latency,
    precision,
    summary,
)
from ocrbench.report.html.groups import groups_of
from ocrbench.report.html.model import Report, ReportData, Section
from ocrbench.runs.columns import BY_NAME, COLUMNS
from ocrbench.runs.run import Run
from ocrbench.runs.table import rows, shown_columns, wide

COSTS = ("latency_p50_ms", "latency_p99_ms", "throughput_ips", "server_rate_ips", "peak_rss_mb", "model_mb")
ACCURACIES = ("e2e_hmean", "det_hmean", "rec_word_accuracy", "rec_cer")
# Columns with few values, which become filters.
FILTERS = ("status", *ROLES, "precision", "device", "scenario", "dataset", "host", "openvino")
# Units that follow a number.
UNITS = ("ms", "images/s", "MB")


def build_pareto(report: Report) -> Mapping[str, Any]:
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


def build_runs(report: Report) -> Mapping[str, Any]:
    """List the values of each column that distinguishes runs."""
    values = {name: sorted({str(run.row[name]) for run in report.runs if run.row[name]}) for name in FILTERS}
    return {"filters": {name: found for name, found in values.items() if len(found) > 1}}


def columns(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Describe each column: its kind, unit, decimals, whether more is better, and whether people see it at first."""
    shown = shown_columns(wide(runs))
    return [
        {
            "name": column.name,
            "number": column.number,
            "unit": column.unit if column.unit in UNITS else "",
            "decimals": column.decimals or 0,
            "higher_is_better": column.higher_is_better,
            "description": column.meaning,
            "shown": column.name in shown,
        }
        for column in COLUMNS
    ]


SECTIONS: tuple[Section, ...] = (
    Section(id="summary", title="Summary", build=summary.build, script=True, needs_runs=False),
    Section(id="pareto", title="Accuracy against speed", build=build_pareto, script=True),
    Section(id="runs", title="Runs", build=build_runs, script=True, needs_runs=False),
    Section(id="latency", title="Latency", build=latency.build, script=True),
    Section(id="precision", title="Precision", build=precision.build),
    Section(id="accuracy", title="Accuracy", build=accuracy.build, script=True),
    Section(id="gallery", title="Gallery", build=gallery.build, script=True),
    Section(id="comparison", title="Comparison", build=comparison.build),
    Section(id="environment", title="Environment", build=environment.build, needs_runs=False),
)


def report_data(report: Report) -> ReportData:
    """Let every section build its data."""
    wanted = [section for section in SECTIONS if report.finished or not section.needs_runs]
    built: dict[str, Mapping[str, Any] | None] = {section.id: section.build(report) for section in wanted}
    return ReportData(
        title=report.title,
        created=report.created,
        version=__version__,
        command=report.command,
        sampled=report.sampled,
        columns=columns(report.runs),
        runs=[
            {"id": run.id, "label": run.label, "row": row}
            for run, row in zip(report.runs, rows(report.runs), strict=True)
        ],
        sections={name: data for name, data in built.items() if data is not None},
    )
