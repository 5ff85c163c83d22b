"""A comparison as a table, and its verdict in a sentence."""

import pandas as pd

from ocrbench.compare.verdict import Change, Comparison, describe

COLUMNS = ("metric", "A", "B", "change", "low", "high", "verdict", "n", "unit")
SENTENCES = {
    "improved": "B is better",
    "regressed": "B is worse",
    "trade-off": "B is better in one and worse in the other",
    "equivalent": "A and B are equivalent",
    "undecided": "There is no verdict yet: the interval is too wide",
}


def to_frame(comparison: Comparison) -> pd.DataFrame:
    """Return one row per metric: both values, the change with its interval, the verdict.

    ``low`` and ``high`` bound the ratio B ÷ A for times and memory, the difference B - A for accuracy.
    """
    return pd.DataFrame([_row(change) for change in comparison.changes], columns=list(COLUMNS))


def sentence(comparison: Comparison) -> str:
    """Say the verdict with what it rests on."""
    found = [comparison.change(metric) for metric in comparison.decisive]
    reasons = [f"{each.metric} {describe(each)} {each.verdict}".rstrip() for each in found if each is not None]
    return f"{SENTENCES[comparison.verdict]} ({comparison.verdict}): {'; '.join(reasons)}"


def _row(change: Change) -> tuple[object, ...]:
    interval = change.interval
    low, high = (interval.low, interval.high) if interval else (None, None)
    shown = describe(change)
    return (change.metric, change.before, change.after, shown, low, high, change.verdict, change.n, change.unit)
