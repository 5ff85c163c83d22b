"""Comparisons as JSON, for programs: everything but the single measurements."""

import json
import math
from collections.abc import Sequence
from typing import Any

from ocrbench.compare.verdict import Change, outcome_of
from ocrbench.report.comparison import Judged

SCHEMA = 1


def to_json(judged: Sequence[Judged]) -> bytes:
    """Write all comparisons; what is not a finite number is null."""
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
    """Turn a change into what JSON can hold; what is not a finite number is None."""
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
