"""Comparison with other runs: verdicts, changes with intervals, and the words that only one side read right."""

from collections.abc import Mapping
from typing import Any

from ocrbench.compare.stored import compare_matched
from ocrbench.compare.verdict import Change, Comparison, describe
from ocrbench.config.schema import Gate, Scoring
from ocrbench.errors import ConfigError
from ocrbench.metrics.recognition import texts_equal
from ocrbench.report.comparison import sentence
from ocrbench.report.html.model import Report
from ocrbench.runs.columns import text
from ocrbench.runs.match import match_runs

# A comparison takes about a second, and a reader needs neither hundreds of them nor hundreds of words.
MAX_PAIRS, MAX_WORDS = 20, 200
EMPTY = "–"


def build(report: Report) -> Mapping[str, Any] | None:
    """Compare runs of the same configuration, A being those of ``--against``; None without them."""
    if not report.against:
        return None
    matched = match_runs(report.against, report.runs)
    found = []
    for each in matched[:MAX_PAIRS]:
        before = each.before[-1]
        named = {
            "before": before.label,
            "after": each.after[-1].label if each.after else EMPTY,
            "problem": each.missing,
        }
        try:
            shown = _plain(compare_matched(each, Gate(name="").margin), before.scoring) if each.after else {}
        except ConfigError as error:
            shown = {"problem": str(error)}
        found.append({**named, **shown})
    return {"comparisons": found, "left_out": max(0, len(matched) - MAX_PAIRS)}


def _plain(comparison: Comparison, scoring: Scoring) -> dict[str, Any]:
    lost, gained = _words(comparison, scoring)
    return {
        "verdict": comparison.verdict,
        "sentence": sentence(comparison),
        "warnings": list(comparison.warnings),
        "changes": [_change(change) for change in comparison.changes],
        "words": [
            {"title": "Lost: only A read them right", "count": len(lost), "shown": lost[:MAX_WORDS]},
            {"title": "Gained: only B read them right", "count": len(gained), "shown": gained[:MAX_WORDS]},
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "metric": change.metric,
        "unit": change.unit,
        "before": text(change.metric, change.before),
        "after": text(change.metric, change.after),
        "change": describe(change),
        "verdict": change.verdict,
        "direction": change.direction,
        "n": change.n,
    }


def _words(comparison: Comparison, scoring: Scoring) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    lost: list[dict[str, str]] = []
    gained: list[dict[str, str]] = []
    for sample_id, expected, before, after in comparison.flipped:
        word = {"image": sample_id, "expected": expected, "before": before, "after": after}
        (lost if texts_equal(before, expected, scoring) else gained).append(word)
    return lost, gained
