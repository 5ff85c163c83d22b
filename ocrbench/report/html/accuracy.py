"""Scores, the kinds of lost words, and confused characters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ocrbench.metrics import losses
from ocrbench.metrics.losses import KINDS, SPURIOUS, Kind, Word, count, spurious
from ocrbench.metrics.scoring import METRICS
from ocrbench.report.html.model import Report
from ocrbench.runs.columns import text
from ocrbench.runs.run import Run

# Numbers of characters and pairs that a table can show.
CONFUSIONS, CHARACTERS = 30, 12
STAGES = {"detection": "Detection", "recognition": "Recognition of found words", "end_to_end": "End to end"}
NAMES: Mapping[str, str] = {
    "right": "read right",
    "unknown": "found",
    "misread": "misread",
    "displaced": "right text, wrong box",
    "cut": "cut badly",
    "missed": "not detected",
    "ill_fitting": "ill-fitting box",
    "false_alarm": "false alarm",
}
PLURALS: Mapping[str, str] = {"ill_fitting": "ill-fitting boxes", "false_alarm": "false alarms"}


def build(report: Report) -> Mapping[str, Any] | None:
    """Count words and characters of every run with ground truth; None if there is none."""
    scored = [(index, run) for index, run in enumerate(report.runs) if run.ok and run.row["det_recall"] is not None]
    if not scored:
        return None
    return {
        "stages": [
            {"title": title, "metrics": [name for name, metric in METRICS.items() if metric.stage == stage]}
            for stage, title in STAGES.items()
        ],
        "descriptions": {name: metric.meaning for name, metric in METRICS.items()},
        **kinds_of([run for _, run in scored]),
        "runs": [_of_run(index, run) for index, run in scored],
    }


def kinds_of(runs: Sequence[Run]) -> dict[str, list[dict[str, str]]]:
    """Name the kinds of words and of spurious predictions; unknown words only if there are any."""
    unknown = any(fate.kind == "unknown" for run in runs for fates in run.fates for fate in fates)
    return {
        "kinds": [_named(kind, what) for kind, what in KINDS.items() if kind != "unknown" or unknown],
        "spurious": [_named(kind, what) for kind, what in SPURIOUS.items()],
    }


def _named(kind: str, description: str) -> dict[str, str]:
    return {"kind": kind, "name": NAMES[kind], "plural": PLURALS.get(kind, NAMES[kind]), "description": description}


def words_of(run: Run) -> list[Word]:
    """List the expected words of the inspected images."""
    return [
        (outcome.sample_id, outcome.expected[fate.number], fate.kind)
        for outcome, fates in zip(run.outcomes, run.fates, strict=True)
        for fate in fates
    ]


def _of_run(index: int, run: Run) -> dict[str, Any]:
    words = words_of(run)
    pairs = [pair for matching in run.matchings for pair in matching.texts]
    found = losses.confusions(pairs, run.scoring)
    shown = losses.matrix(found, CHARACTERS)
    kinds = count(kind for _, _, kind in words)
    return {
        "run": index,
        "label": run.label,
        "scores": {name: _score(run, name) for name in METRICS},
        "words": len(words),
        "kinds": kinds,
        "bars": bars(kinds),
        "spurious": Counter(each.kind for matching in run.matchings for each in spurious(matching)),
        "groups": {
            "height": losses.by_height(words),
            "length": losses.by_length(words),
            "folder": losses.by_folder(words),
        },
        "characters": sum(number for (expected, _), number in found.items() if expected),
        "errors": sum(number for (expected, read), number in found.items() if expected != read),
        "confusions": [[*pair, number] for pair, number in losses.top(found, CONFUSIONS)],
        "matrix": vars(shown),
    }


def bars(kinds: Mapping[Kind, int]) -> list[dict[str, Any]]:
    """Place the shares of all words side by side, in percent of the width.

    >>> bars({"right": 3, "misread": 0, "missed": 1})
    [{'kind': 'right', 'left': 0.0, 'width': 75.0}, {'kind': 'missed', 'left': 75.0, 'width': 25.0}]
    """
    total, left, found = sum(kinds.values()), 0, []
    for kind, number in kinds.items():
        if number:
            shares = {"left": round(100 * left / total, 2), "width": round(100 * number / total, 2)}
            found.append({"kind": kind, **shares})
        left += number
    return found


def _score(run: Run, name: str) -> dict[str, str]:
    interval = run.intervals.get(name)
    bounds = f"[{text(name, interval.low)}, {text(name, interval.high)}]" if interval else ""
    return {"value": text(name, run.row[name]), "interval": bounds}
