"""A comparison as a table and as JSON, and its verdict in a sentence."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ocrbench.compare.verdict import Change, Checked, Comparison, describe, outcome_of
from ocrbench.config.schema import Gate, Limit

COLUMNS = ("metric", "A", "B", "change", "low", "high", "verdict", "n", "unit")
# Of the JSON.
SCHEMA = 1
SENTENCES = {
    "improved": "B is better",
    "regressed": "B is worse",
    "trade-off": "B is better in one and worse in the other",
    "equivalent": "A and B are equivalent",
    "undecided": "There is no verdict",
}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A comparison and its gate's outcome.

    Attributes:
        checked: Outcomes, one per limit of the gate.
    """

    comparison: Comparison
    gate: Gate
    checked: Sequence[Checked]


def limit_name(limit: Limit) -> str:
    """Name a limit as in the YAML; the name is the same in every comparison.

    >>> limit_name(Limit(metric="latency_p99_ms", at_most=120))
    'latency_p99_ms at_most=120'
    """
    bounds = {"max_worse": limit.max_worse, "at_most": limit.at_most, "at_least": limit.at_least}
    return " ".join([limit.metric, *(f"{name}={value:g}" for name, value in bounds.items() if value is not None)])


def to_frame(comparison: Comparison) -> pd.DataFrame:
    """Return one row per metric: both values, the change with its interval, the verdict.

    ``low`` and ``high`` bound the ratio B ÷ A for times and memory, the difference B - A for accuracy.
    """
    return pd.DataFrame([_row(change) for change in comparison.changes], columns=list(COLUMNS))


def sentence(comparison: Comparison) -> str:
    """State the verdict with its reasons."""
    if comparison.failed:
        return f"{SENTENCES[comparison.verdict]} ({comparison.verdict}): {comparison.failed}"
    found = [comparison.change(metric) for metric in comparison.decisive]
    reasons = [_reason(each) for each in found if each is not None]
    return f"{SENTENCES[comparison.verdict]} ({comparison.verdict}): {'; '.join(reasons)}"


def _reason(change: Change) -> str:
    said = " ".join(part for part in (change.metric, describe(change), change.verdict) if part)
    return f"{said} ({change.lacking})" if change.lacking else said


def _row(change: Change) -> tuple[object, ...]:
    interval = change.interval
    low, high = (interval.low, interval.high) if interval else (None, None)
    shown = describe(change)
    return (change.metric, change.before, change.after, shown, low, high, change.verdict, change.n, change.unit)


def to_json(judged: Sequence[Judged]) -> bytes:
    """Write all comparisons; a number that is not finite becomes null."""
    content = {"schema": SCHEMA, "comparisons": [_comparison(each) for each in judged]}
    return (json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _comparison(judged: Judged) -> dict[str, Any]:
    comparison = judged.comparison
    return {
        "before": comparison.before,
        "after": comparison.after,
        "verdict": comparison.verdict,
        "failed": comparison.failed,
        "decisive": list(comparison.decisive),
        "gate": _gate(judged),
        "changes": [change_to_plain(each) for each in comparison.changes],
        "warnings": list(comparison.warnings),
        "flipped": [
            dict(zip(("sample_id", "expected", "before", "after"), row, strict=True)) for row in comparison.flipped
        ],
    }


def _gate(judged: Judged) -> dict[str, Any] | None:
    if not judged.checked:
        return None
    limits = [
        {
            "metric": each.limit.metric,
            "max_worse": each.limit.max_worse,
            "at_most": each.limit.at_most,
            "at_least": each.limit.at_least,
            "outcome": each.outcome,
            "reason": each.reason,
        }
        for each in judged.checked
    ]
    return {"name": judged.gate.name, "outcome": outcome_of(judged.checked), "limits": limits}


def change_to_plain(change: Change) -> dict[str, Any]:
    """Convert a change to JSON values; a number that is not finite becomes None."""
    interval = change.interval
    numbers = {
        "before": change.before,
        "after": change.after,
        "estimate": interval.estimate if interval else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "margin": change.margin,
    }
    return {
        "metric": change.metric,
        "unit": change.unit,
        "higher_is_better": change.higher_is_better,
        "relative": change.relative,
        **{name: value if value is not None and math.isfinite(value) else None for name, value in numbers.items()},
        "n": change.n,
        "direction": change.direction,
    }
