"""What a report is made of: the runs as builders get them, the sections, and the plain data of the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ocrbench.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the reader of the command line asked for.

    Attributes:
        gallery: How many images the gallery holds at most.
        link_images: Link images as files instead of embedding them.
    """

    gallery: int = 24
    link_images: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """What builders build from.

    Attributes:
        runs: Oldest first; failed ones too.
        against: The runs that ``runs`` are held against; mostly none.
        created: ISO 8601, UTC.
        command: That made the report.
        sampled: Says in a sentence that single images were looked at in a sample only; else empty.
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
        id: The anchor, and the name of the partial and of the script.
        build: Makes plain data; None leaves the section out.
        script: Whether there is a ``static/<id>.js``.
        needs_runs: Whether it is left out where no run finished.
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
        columns: Of the wide table: name, kind, unit, decimals, whether more is better.
        runs: Id, label and row of each run.
        sections: Id → what its builder returned.
    """

    title: str
    created: str
    version: str
    command: str
    sampled: str
    columns: Sequence[Mapping[str, Any]]
    runs: Sequence[Mapping[str, Any]]
    sections: Mapping[str, Mapping[str, Any]]
