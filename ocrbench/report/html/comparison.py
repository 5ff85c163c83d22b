"""Runs held against each other: the winner per goal, and the comparison with a baseline, word by word."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocrbench.compare.stored import compare_matched, latency_change
from ocrbench.compare.verdict import ACCURACY_MARGIN, Change, Comparison, describe
from ocrbench.config.schema import Gate, Scoring
from ocrbench.errors import ConfigError
from ocrbench.metrics.intervals import difference_interval
from ocrbench.metrics.recognition import texts_equal
from ocrbench.report.comparison import sentence
from ocrbench.report.html.groups import Group
from ocrbench.report.html.model import Report
from ocrbench.runs.columns import text
from ocrbench.runs.match import match_runs
from ocrbench.runs.run import Run

UNITS = {"latency_p50_ms": " ms", "throughput_ips": " images/s", "server_rate_ips": " images/s"}
NAMES = {
    "latency_p50_ms": "a median latency",
    "throughput_ips": "a throughput",
    "server_rate_ips": "a rate",
    "e2e_hmean": "an end-to-end hmean",
    "det_hmean": "a detection hmean",
}
# Default bound: this multiple of the fastest run's latency.
BOUND_FACTOR = 2
# A comparison takes about a second, and a reader needs neither hundreds of them nor hundreds of words.
MAX_PAIRS, MAX_WORDS = 20, 200
EMPTY = "–"


@dataclass(frozen=True, kw_only=True)
class Winner:
    """The best run for a goal.

    Attributes:
        goal: Goal, in two or three words.
        numbers: Results with intervals: the end of a sentence that begins with the run's label.
        margin: Sentence about its lead over the next run; empty if there is no other run, or no interval.
    """

    goal: str
    run: Run
    numbers: str
    margin: str = ""


def winners(group: Group) -> list[Winner]:
    """Name the fastest and the most accurate run, and the most accurate one within a latency bound."""
    found = [_fastest(group)] if _ranked(group, group.speed) else []
    if group.accuracy and _ranked(group, group.accuracy):
        found.append(_most_accurate(group))
        bound = default_bound(group)
        if bound is not None:
            found.append(within(group, bound))
    return found


def default_bound(group: Group) -> float | None:
    """Choose a latency bound in ms with two digits; None if speed is not latency."""
    ranked = _ranked(group, group.speed)
    if group.speed != "latency_p50_ms" or not ranked:
        return None
    return float(f"{BOUND_FACTOR * _value(ranked[0], group.speed):.2g}")


def within(group: Group, bound_ms: float) -> Winner:
    """Name the most accurate run whose median latency is within a bound; at least one run must be."""
    fast = [run for run in _ranked(group, group.accuracy, group.speed) if _value(run, group.speed) <= bound_ms]
    return Winner(goal=f"Most accurate within {bound_ms:g} ms", run=fast[0], numbers=numbers(group, fast[0]))


def numbers(group: Group, run: Run) -> str:
    """Write a run's accuracy and speed with their intervals."""
    names = [name for name in (group.accuracy, group.speed) if name and run.row[name] is not None]
    return f"has {' and '.join(_number(run, name) for name in names)}."


def _fastest(group: Group) -> Winner:
    ranked = _ranked(group, group.speed, group.accuracy)
    other = _next(ranked)
    margin = ""
    if other is not None and group.speed == "latency_p50_ms":
        change = latency_change(_repeats(ranked, other), _repeats(ranked, ranked[0]), Gate(name="").margin)
        margin = _margin(change, other, "latency")
    elif other is not None:
        margin = f"The next, {other.label}, has {_number(other, group.speed)}."
    return Winner(goal="Fastest", run=ranked[0], numbers=f"has {_number(ranked[0], group.speed)}.", margin=margin)


def _most_accurate(group: Group) -> Winner:
    ranked = _ranked(group, group.accuracy, group.speed)
    other = _next(ranked)
    change = None if other is None else _accuracy_change(other, ranked[0], group.accuracy)
    margin = "" if other is None else _margin(change, other, "accuracy")
    reached = f"has {_number(ranked[0], group.accuracy)}."
    return Winner(goal="Most accurate", run=ranked[0], numbers=reached, margin=margin)


def _margin(change: Change | None, other: Run, name: str) -> str:
    if change is None:
        return ""
    if change.interval is None:
        return f"Whether its {name} differs from that of the next, {other.label}, is open: {change.lacking}."
    undecided = f"may be chance ({change.lacking})" if change.lacking else "may be chance"
    said = {"equivalent": "no relevant difference", "undecided": undecided}.get(change.verdict, change.verdict)
    return f"Against the next, {other.label}, its {name} differs by {describe(change)}: {said}."


def _accuracy_change(before: Run, after: Run, name: str) -> Change | None:
    """Compare accuracy over the images that both runs read, but show the runs' own values."""
    first, second = before.tallies, after.tallies
    shared = sorted(set(first) & set(second))
    sides = [[tallies[sample_id] for sample_id in shared] for tallies in (first, second)]
    interval, spread = difference_interval(sides[0], sides[1], name) or (None, None)
    return Change(
        metric=name,
        before=_value(before, name),
        after=_value(after, name),
        interval=interval,
        margin=ACCURACY_MARGIN,
        n=len(shared),
        spread=spread,
    )


def _number(run: Run, name: str) -> str:
    interval = run.intervals.get(name)
    bounds = f" [{text(name, interval.low)}, {text(name, interval.high)}]" if interval else ""
    return f"{NAMES[name]} of {text(name, run.row[name])}{UNITS.get(name, '')}{bounds}"


def _ranked(group: Group, name: str, then: str = "") -> list[Run]:
    """Sort the runs that have a value, best first; break ties by a second column."""
    rankings = [(each, _sign(each)) for each in (name, then) if each]
    key: Callable[[Run], tuple[float, ...]] = lambda run: tuple(  # noqa: E731
        sign * _value(run, each) for each, sign in rankings
    )
    known = [run for run in group.runs if all(run.row[each] is not None for each, _ in rankings)]
    return sorted(known, key=key)


def _sign(name: str) -> int:
    return 1 if name == "latency_p50_ms" else -1


def _value(run: Run, name: str) -> float:
    value = run.row[name]
    assert isinstance(value, float)
    return value


def _next(ranked: Sequence[Run]) -> Run | None:
    """Find the best run of another cell."""
    return next((run for run in ranked if run.cell_id != ranked[0].cell_id), None)


def _repeats(runs: Sequence[Run], of: Run) -> list[Run]:
    return [run for run in runs if run.cell_id == of.cell_id]


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
