"""The parts of a report: the runs for the builders, the sections, and the plain data of the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ocrbench.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command line.

    Attributes:
        gallery: Greatest number of images in the gallery.
        link_images: Whether to link images as files instead of embedding them.
    """

    gallery: int = 24
    link_images: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """The input of the builders.

    Attributes:
        runs: Runs, oldest first, including failed ones.
        against: Baseline runs; mostly none.
        created: Time, ISO 8601, UTC.
        command: Command that made the report.
        sampled: Sentence about the sample of images, if only a sample was inspected; else empty.
    """

    title: str
    runs: Sequence[Run]
    against: Sequence[Run] = ()
    options: Options = field(default_factory=Options)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    command: str = ""
    sampled: str = ""

    @property
    def finished(self) -> list[Run]:
        """The runs that have data."""
        return [run for run in self.runs if run.ok]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        id: Anchor, and name of the partial and the script.
        build: Function that returns plain data; None leaves the section out.
        script: Whether there is a ``static/<id>.js``.
        needs_runs: Whether it is left out if no run finished.
    """

    id: str
    title: str
    build: Callable[[Report], Mapping[str, Any] | None]
    script: bool = False
    needs_runs: bool = True


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """The page's data, plain enough for JSON.

    Attributes:
        columns: Columns of the wide table: name, kind, unit, decimals, whether more is better.
        runs: Id, label and row of each run.
        sections: Id → result of its builder.
    """

    title: str
    created: str
    version: str
    command: str
    sampled: str
    columns: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    sections: Mapping[str, Mapping[str, Any]]
