"""What a report is made of: the runs as builders get them, the sections, and the plain data of the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pandas as pd

from ocrbench.compare.stored import StoredRun
from ocrbench.config import Scoring, validate
from ocrbench.metrics.losses import Fate, fates
from ocrbench.metrics.matching import Matching, match
from ocrbench.metrics.paired import Interval
from ocrbench.metrics.scoring import Tallies, tallies
from ocrbench.records import RunRecord
from ocrbench.report.html.intervals import accuracy_intervals, latency_interval
from ocrbench.store import Outcome
from ocrbench.table import steady

Value = str | float | None


@dataclass(frozen=True, kw_only=True)
class ReportRun:
    """A run, finished or failed; its files are read when they are asked for, and kept.

    Attributes:
        label: Short and unique in the report: what tells the run from the others.
        row: The run's row in the wide table: column → value, None where the table is empty.
        sample_ids: The images that ``outcomes`` and ``matchings`` are limited to; None for all.
    """

    stored: StoredRun
    label: str
    row: Mapping[str, Value]
    sample_ids: frozenset[str] | None = None

    @property
    def record(self) -> RunRecord:
        """The run's record."""
        return self.stored.record

    @property
    def id(self) -> str:
        """The run's id."""
        return self.record.run_id

    @property
    def ok(self) -> bool:
        """Whether the run finished; if not, it has no data."""
        return self.record.status == "ok"

    @property
    def scoring(self) -> Scoring:
        """The rules by which the run was scored."""
        return validate(Scoring, self.record.config["scoring"])

    @cached_property
    def steady(self) -> pd.DataFrame:
        """The measured times behind the run's latencies: one row per image and repetition."""
        return steady(self.stored.store.timings(self.id))

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """Predictions and ground truth, image by image, in the dataset's order."""
        found = self.stored.store.outcomes(self.id, self.sample_ids)
        return sorted(found, key=lambda outcome: outcome.sample_id)

    @cached_property
    def matchings(self) -> list[Matching]:
        """The regions of ``outcomes``, paired."""
        threshold = self.scoring.iou_threshold
        return [match(outcome.predicted, outcome.expected, threshold) for outcome in self.outcomes]

    @cached_property
    def tallies(self) -> Mapping[str, Tallies]:
        """Sample id → the counts of every metric."""
        return {each.sample_id: tallies(each.predicted, each.expected, self.scoring) for each in self.outcomes}

    @cached_property
    def fates(self) -> list[list[Fate]]:
        """What became of each word, image by image as in ``outcomes``."""
        scoring = self.scoring
        return [fates(matching, scoring) for matching in self.matchings]

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """Column → 95 % interval of its value, images drawn anew: the median latency and the accuracy."""
        accuracy = accuracy_intervals(list(self.tallies.values()), self.row)
        latency = latency_interval(self.steady, self.row)
        return accuracy if latency is None else {"latency_p50_ms": latency, **accuracy}


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
    runs: Sequence[ReportRun]
    against: Sequence[ReportRun] = ()
    options: Options = field(default_factory=Options)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    command: str = ""
    sampled: str = ""

    @property
    def finished(self) -> list[ReportRun]:
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
