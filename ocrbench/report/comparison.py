"""A comparison as a table, and its verdict in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ocrbench.compare.verdict import Change, Checked, Comparison, describe
from ocrbench.config import Gate, Limit

COLUMNS = ("metric", "A", "B", "change", "low", "high", "verdict", "n", "unit")
SENTENCES = {
    "improved": "B is better",
    "regressed": "B is worse",
    "trade-off": "B is better in one and worse in the other",
    "equivalent": "A and B are equivalent",
    "undecided": "There is no verdict yet: the interval is too wide",
}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A comparison with what its gate says.

    Attributes:
        checked: One per limit of the gate.
    """

    comparison: Comparison
    gate: Gate
    checked: Sequence[Checked]


def limit_name(limit: Limit) -> str:
    """Name a limit as the YAML has it; the name stays the same from one comparison to the next.

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
    """Say the verdict with what it rests on."""
    if comparison.failed:
        return f"{SENTENCES[comparison.verdict]} ({comparison.verdict}): {comparison.failed}"
    found = [comparison.change(metric) for metric in comparison.decisive]
    reasons = [f"{each.metric} {describe(each)} {each.verdict}".rstrip() for each in found if each is not None]
    return f"{SENTENCES[comparison.verdict]} ({comparison.verdict}): {'; '.join(reasons)}"


def _row(change: Change) -> tuple[object, ...]:
    interval = change.interval
    low, high = (interval.low, interval.high) if interval else (None, None)
    shown = describe(change)
    return (change.metric, change.before, change.after, shown, low, high, change.verdict, change.n, change.unit)
