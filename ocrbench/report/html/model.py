"""A report: its runs, found below folders, its sections, and the plain data of the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ocrbench.config.stage import ROLES
from ocrbench.report.html.groups import labels, shortened
from ocrbench.runs.run import Run
from ocrbench.runs.store import find_runs

# Number of images that are inspected one by one, over all runs, which limits the time of a report.
MAX_IMAGES = 6_000
SEED = 0


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


def load_report(
    folders: Sequence[str],
    against: Sequence[str] = (),
    *,
    title: str = "",
    options: Options | None = None,
    command: str = "",
) -> Report:
    """Find runs below folders, including failed ones.

    Args:
        folders: Runs, or any folders above runs.
        against: The same for the baseline runs.
        title: Title of the page; empty for a description of what was measured.
        options: Options of the command line.
        command: Command that makes the report.

    Raises:
        ConfigError: A folder does not exist, or has no run.
    """
    stored = find_runs(folders, failed=True)
    baseline = find_runs(against, failed=True) if against else []
    runs = labelled([*stored, *baseline])
    sampled = [run for run in runs if run.sample_ids is not None]
    return Report(
        title=title or _title(stored),
        runs=runs[: len(stored)],
        against=runs[len(stored) :],
        options=options or Options(),
        command=command,
        sampled=_sampled(sampled),
    )


def labelled(runs: Sequence[Run]) -> list[Run]:
    """Give runs their labels, and choose the images to look at."""
    chosen = _chosen_images(runs)
    return [
        replace(run, label=label, sample_ids=chosen.get(run.dataset_sha256))
        for run, label in zip(runs, labels(runs), strict=True)
    ]


def _chosen_images(runs: Sequence[Run]) -> Mapping[str, frozenset[str]]:
    """Sample the images of datasets that are too large: fingerprint → sample ids, the same for all its runs."""
    finished = [run for run in runs if run.ok]
    limit = MAX_IMAGES // max(1, len(finished))
    datasets = {run.dataset_sha256: run for run in finished}
    chosen = {}
    for fingerprint, run in datasets.items():
        if run.scores.get("images", 0.0) > limit:
            ids = sorted(set(run.timings["sample_id"]))
            drawn = np.random.default_rng(SEED).choice(ids, min(limit, len(ids)), replace=False)
            chosen[fingerprint] = frozenset(drawn.tolist())
    return chosen


def _sampled(runs: Sequence[Run]) -> str:
    if not runs:
        return ""
    images = max(len(run.sample_ids or ()) for run in runs)
    return (
        f"There are many images, so what is shown image by image, and the intervals of accuracy, come from {images} of "
        "each dataset, drawn at random and the same for every run. The tables count all of them."
    )


def _title(runs: Sequence[Run]) -> str:
    datasets = dict.fromkeys(shortened(str(run.config["dataset"]["name"])) for run in runs)
    models = dict.fromkeys(shortened(str(run.config[role]["name"])) for run in runs for role in ROLES)
    named = " and ".join(", ".join(list(names)[:3]) + (" …" if len(names) > 3 else "") for names in (models, datasets))
    return f"OCR benchmark: {named}"
