"""Folders of runs → a ``Report``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ocrbench.config.stage import ROLES
from ocrbench.report.html.labels import labels, shortened
from ocrbench.report.html.model import Options, Report
from ocrbench.runs.find import find_runs
from ocrbench.runs.run import Run

# Number of images that are inspected one by one, over all runs, which limits the time of a report.
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
