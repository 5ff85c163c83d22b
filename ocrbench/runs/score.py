"""Scores by any rule from stored readings: measured once, scored as often as needed.

The tallies of every image and their scores lie beside what was read, in a file per rule. It names the file of outcomes
that it belongs to, so it can never be taken for the scores of other readings.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ocrbench.config.schema import Scoring
from ocrbench.files import write_atomically
from ocrbench.metrics.intervals import HALF_WIDTH, scores_of
from ocrbench.metrics.scoring import METRICS, Tallies, to_scores, total
from ocrbench.records import Score, Tally
from ocrbench.runs.run import Run, digest, to_json

log = logging.getLogger(__name__)

SCHEMA = 1
# How the error of a failed run begins whose readings are whole, and only wait for a score.
UNSCORED = "not scored: "


def score_run(run: Run, scoring: Scoring) -> Run:
    """Return a run as it is by a rule, from what it read; nothing is measured.

    Scores that are not there yet, or lack a metric, are computed and kept beside the run.

    Args:
        run: A stored run; a failed one stays as it is, unless only its scoring failed.
        scoring: The rule.

    Raises:
        OcrBenchError: What the run read is damaged.
    """
    if not run.ok and not run.error.startswith(UNSCORED):
        return run
    under = replace(run, config={**run.config, "scoring": asdict(scoring)})
    kept = _read(under)
    if kept is None or METRICS.keys() - _metrics_of(kept):
        keep_scores(under, under.tallies)
        return _with(under, under.tallies)
    return _with(under, _tallies_of(kept))


def with_new_scores(run: Run) -> Run:
    """Add scores that were computed, by the run's own rule, after it was stored: those of new scorers."""
    if not (run.ok or run.error.startswith(UNSCORED)) or not METRICS.keys() - run.scores.keys():
        return run
    kept = _read(run)
    return run if kept is None else _with(run, _tallies_of(kept))


def keep_scores(run: Run, tallies: Mapping[str, Tallies]) -> None:
    """Write the tallies of every image, and their scores, beside a stored run.

    Args:
        run: The run, under the rule in question.
        tallies: Sample id → counts of every metric.
    """
    content = {
        "schema": SCHEMA,
        "outcomes": run.files["outcomes"],
        "scoring": run.config["scoring"],
        "scores": [vars(score) for score in to_scores(total(tallies.values()))],
        "metrics": list(METRICS),
        "tallies": {
            sample_id: [[counts[name].numerator, counts[name].denominator] for name in METRICS]
            for sample_id, counts in tallies.items()
        },
    }
    try:
        write_atomically(_path(run), to_json(content))
    except OSError as error:
        log.warning("%s: the scores are not kept: %s", run.run_id, error.strerror)


def _path(run: Run) -> Path:
    assert run.folder is not None
    return run.folder / f"scores-{digest(to_json([run.files['outcomes'], run.config.get('scoring')]))}.json"


def _read(run: Run) -> dict[str, Any] | None:
    """Read the scores by the run's rule; None where there are none that can be used."""
    path = _path(run)
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        fits = content["schema"] == SCHEMA and content["outcomes"] == run.files["outcomes"]
        _tallies_of(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s is not readable (%s); the run is scored again", path, error)
        return None
    return content if fits else None


def _metrics_of(content: Mapping[str, Any]) -> set[str]:
    return set(content["metrics"])


def _tallies_of(content: Mapping[str, Any]) -> dict[str, dict[str, Tally]]:
    return {
        sample_id: {
            name: Tally(numerator=counted, denominator=counted_against)
            for name, (counted, counted_against) in zip(content["metrics"], counts, strict=True)
            if name in METRICS
        }
        for sample_id, counts in content["tallies"].items()
    }


def _with(run: Run, tallies: Mapping[str, Tallies]) -> Run:
    """Put scores in the place of those that the run has of the same metrics."""
    named = {*METRICS, *(f"{name}{HALF_WIDTH}" for name in METRICS)}
    place = next((at for at, score in enumerate(run.score_list) if score.metric in named), len(run.score_list))
    others: list[Score] = [score for score in run.score_list if score.metric not in named]
    scores = scores_of(list(tallies.values()))
    return replace(run, status="ok", error="", score_list=(*others[:place], *scores, *others[place:]))
