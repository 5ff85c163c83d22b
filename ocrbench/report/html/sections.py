"""The sections of a report, in the order of the page."""

from collections.abc import Mapping
from typing import Any

from ocrbench import __version__
from ocrbench.report.html import (
    accuracy,
    comparison,
    environment,
    gallery,
    latency,
    pareto,
    precision,
    runs_table,
    summary,
)
from ocrbench.report.html.model import Report, ReportData, Section
from ocrbench.runs.table import rows

SECTIONS: tuple[Section, ...] = (
    Section(id="summary", title="Summary", build=summary.build, script=True, needs_runs=False),
    Section(id="pareto", title="Accuracy against speed", build=pareto.build, script=True),
    Section(id="runs", title="Runs", build=runs_table.build, script=True, needs_runs=False),
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
        columns=runs_table.columns(report.runs),
        runs=[
            {"id": run.id, "label": run.label, "row": row}
            for run, row in zip(report.runs, rows(report.runs), strict=True)
        ],
        sections={name: data for name, data in built.items() if data is not None},
    )
