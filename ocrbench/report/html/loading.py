"""Folders of runs → a ``Report``."""

from collections.abc import Mapping, Sequence

import numpy as np

from ocrbench import table
from ocrbench.compare.stored import StoredRun, find_runs
from ocrbench.records import RunRecord
from ocrbench.report.html.labels import labels, shortened
from ocrbench.report.html.model import Options, Report, ReportRun, Value

# How many images are looked at one by one, over all runs: this bounds the time that a report takes.
MAX_IMAGES = 6_000
SEED = 0


def load_report(
    folders: Sequence[str],
    against: Sequence[str] = (),
    *,
    title: str = "",
    options: Options | None = None,
    command: str = "",
) -> Report:
    """Find runs below folders, failed ones too.

    Args:
        folders: Runs, or any folders above runs.
        against: Likewise, of the runs to hold these against.
        title: Of the page; empty for one that says what was measured.
        options: See there.
        command: That makes the report.

    Raises:
        ConfigError: A folder does not exist, or holds no run.
    """
    stored = find_runs(folders, failed=True)
    baseline = find_runs(against, failed=True) if against else []
    runs = report_runs([*stored, *baseline])
    sampled = [run for run in runs if run.sample_ids is not None]
    return Report(
        title=title or _title([run.record for run in stored]),
        runs=runs[: len(stored)],
        against=runs[len(stored) :],
        options=options or Options(),
        command=command,
        sampled=_sampled(sampled),
    )


def report_runs(stored: Sequence[StoredRun]) -> list[ReportRun]:
    """Give runs their labels and rows, and choose the images to look at."""
    records = [run.record for run in stored]
    rows = rows_of(records)
    chosen = _chosen_images(stored)
    return [
        ReportRun(stored=run, label=label, row=row, sample_ids=chosen.get(run.record.dataset_sha256))
        for run, label, row in zip(stored, labels(records), rows, strict=True)
    ]


def rows_of(records: Sequence[RunRecord]) -> list[dict[str, Value]]:
    """Return the wide table's rows, with None for what is empty."""
    rows = table.wide(records).to_dict("records")
    return [{str(name): None if value != value else value for name, value in row.items()} for row in rows]


def _chosen_images(stored: Sequence[StoredRun]) -> Mapping[str, frozenset[str]]:
    """Choose the images of datasets that are too large: fingerprint → sample ids, the same for all its runs."""
    finished = [run for run in stored if run.record.status == "ok"]
    limit = MAX_IMAGES // max(1, len(finished))
    datasets = {run.record.dataset_sha256: run for run in finished}
    chosen = {}
    for fingerprint, run in datasets.items():
        if _images(run.record) > limit:
            ids = sorted(set(run.store.timings(run.record.run_id)["sample_id"]))
            drawn = np.random.default_rng(SEED).choice(ids, min(limit, len(ids)), replace=False)
            chosen[fingerprint] = frozenset(drawn.tolist())
    return chosen


def _images(record: RunRecord) -> float:
    return next((score.value for score in record.scores if score.metric == "images"), 0.0)


def _sampled(runs: Sequence[ReportRun]) -> str:
    if not runs:
        return ""
    images = max(len(run.sample_ids or ()) for run in runs)
    return (
        f"There are many images, so what is shown image by image, and the intervals of accuracy, come from {images} of "
        "each dataset, drawn at random and the same for every run. The tables count all of them."
    )


def _title(records: Sequence[RunRecord]) -> str:
    datasets = dict.fromkeys(shortened(str(record.config["dataset"]["name"])) for record in records)
    models = dict.fromkeys(
        shortened(str(record.config[role]["name"])) for record in records for role in ("detector", "recognizer")
    )
    named = " and ".join(", ".join(list(names)[:3]) + (" …" if len(names) > 3 else "") for names in (models, datasets))
    return f"OCR benchmark: {named}"
