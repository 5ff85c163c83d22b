"""The meaning of a difference: per metric, for all metrics together, and for a gate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ocrbench.config.checking import closest
from ocrbench.config.schema import Gate, Limit
from ocrbench.errors import ConfigError
from ocrbench.metrics.intervals import Against, Interval, Spread, unseen_share
from ocrbench.runs.columns import BY_NAME, NUMBERS

Direction = Literal["better", "worse", "equivalent", "undecided", "none"]
Overall = Literal["improved", "regressed", "trade-off", "equivalent", "undecided"]
Outcome = Literal["pass", "fail", "undecided"]
# Accuracy is compared by difference; values of hmean closer than this are the same for a user.
ACCURACY_MARGIN = 0.005
OUTCOMES: Mapping[Against, Outcome] = {"within": "pass", "undecided": "undecided", "beyond": "fail"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """The difference of one metric between A and B.

    Attributes:
        metric: Column of the tables.
        before: Value of A.
        after: Value of B.
        interval: Interval of the ratio B ÷ A if ``relative``, else of the difference B - A; None without enough data,
            so that there is no verdict.
        margin: Change, relative or absolute, within which a difference does not matter.
        n: Number of paired measurements: images for accuracy and for times, else processes.
        values: Single measurements of A and B in ``unit``; empty for accuracy.
        spread: How much the difference varies with the choice of images; None unless it is one of accuracy.
        missing: What a verdict lacks where there is no interval.
    """

    metric: str
    before: float
    after: float
    interval: Interval | None
    margin: float
    n: int
    values: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    spread: Spread | None = None
    missing: str = ""

    @property
    def unit(self) -> str:
        """The unit of both values; empty for accuracy."""
        return BY_NAME[self.metric].unit if self.relative else ""

    @property
    def higher_is_better(self) -> bool:
        """Whether more is better."""
        return bool(BY_NAME[self.metric].higher_is_better)

    @property
    def relative(self) -> bool:
        """Whether the ratio counts (times, rates, memory) rather than the difference (accuracy)."""
        return BY_NAME[self.metric].group != "accuracy"

    @property
    def neutral(self) -> float:
        """The value of no change."""
        return 1.0 if self.relative else 0.0

    @property
    def direction(self) -> Direction:
        """Equivalent if the whole interval lies inside the margin; better or worse if it excludes no change."""
        if self.interval is None:
            return "none"
        low, high = self.interval.low - self.neutral, self.interval.high - self.neutral
        if -self.margin <= low and high <= self.margin:
            return "equivalent"
        if low > 0:
            return "better" if self.higher_is_better else "worse"
        if high < 0:
            return "worse" if self.higher_is_better else "better"
        return "undecided"

    @property
    def lacking(self) -> str:
        """Why there is no verdict, and what would bring one; empty if there is one."""
        if self.interval is None:
            return self.missing
        if self.direction != "undecided" or self.spread is None:
            return ""
        found = abs(self.interval.estimate)
        # Beyond the margin it has to exclude no change, within it has to stay there.
        images = self.spread.settling(found if found > self.margin else self.margin - found)
        unseen = f"{unseen_share(self.n):.1%}".replace("%", " %")
        return f"{unseen} of all images may be unlike these {self.n}; {images} would settle it"

    @property
    def verdict(self) -> str:
        """The direction in a word that fits the metric: faster and slower for times."""
        if self.unit in ("ms", "images/s") and self.direction in ("better", "worse"):
            return "faster" if self.direction == "better" else "slower"
        return "" if self.direction == "none" else self.direction


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All changes between two sides.

    Attributes:
        before: Description of A.
        after: Description of B.
        decisive: Metrics that decide the overall verdict: the speed, then the accuracy.
        warnings: Doubts that a reader must know.
        flipped: (sample id, expected text, A's text, B's text) of each word that only one side read right.
        interrupted: Whether the user interrupted it.
        failed: Reason why the cell of B failed; then there are no changes.
    """

    before: str
    after: str
    changes: tuple[Change, ...]
    decisive: tuple[str, ...] = ("latency_p50_ms", "e2e_hmean")
    warnings: tuple[str, ...] = ()
    flipped: tuple[tuple[str, str, str, str], ...] = field(default=())
    interrupted: bool = False
    failed: str = ""

    def change(self, metric: str) -> Change | None:
        """Find a metric's change."""
        return next((each for each in self.changes if each.metric == metric), None)

    @property
    def verdict(self) -> Overall:
        """The verdict on accuracy and speed together; without ground truth, on speed alone."""
        if self.failed:
            return "regressed"
        found = [each.direction for each in self.changes if each.metric in self.decisive]
        if "better" in found and "worse" in found:
            return "trade-off"
        # Few images leave the accuracy open, which must not hide that B is slower.
        if "worse" in found:
            return "regressed"
        if "undecided" in found:
            return "undecided"
        # A metric without a direction, as with one run per side, must not count as equal; nor may a speed that was not
        # measured.
        if "none" in found or self.change(self.decisive[0]) is None:
            return "undecided"
        return "improved" if "better" in found else "equivalent"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A limit of a gate, checked."""

    limit: Limit
    outcome: Outcome
    reason: str


def check_limits(gate: Gate) -> None:
    """Check that a gate's limits have known metrics.

    Raises:
        ConfigError: A metric is unknown; its limit would never be decided.
    """
    for limit in gate.limits:
        if limit.metric not in NUMBERS:
            message = f"gate={gate.name}: metric {limit.metric}: no such metric; {closest(limit.metric, NUMBERS)}"
            raise ConfigError(message)


def check_gate(gate: Gate, comparison: Comparison) -> list[Checked]:
    """Check a comparison against every limit of a gate."""
    return [_check(limit, comparison) for limit in gate.limits]


def outcome_of(checked: Iterable[Checked]) -> Outcome:
    """Return the overall outcome: fail if one fails, else undecided if one is."""
    found = {each.outcome for each in checked}
    if "fail" in found:
        return "fail"
    return "undecided" if "undecided" in found else "pass"


def describe(change: Change) -> str:
    """Write a change in one line.

    >>> describe(Change(metric="latency_p50_ms", before=10, after=11,
    ...                 interval=Interval(estimate=1.1, low=1.08, high=1.12), margin=0.03, n=40))
    '+10.0 % [+8.0, +12.0]'
    """
    if change.interval is None:
        return ""
    low, middle, high = (
        value - change.neutral for value in (change.interval.low, change.interval.estimate, change.interval.high)
    )
    if change.relative:
        return f"{middle:+.1%} [{low * 100:+.1f}, {high * 100:+.1f}]".replace("%", " %")
    return f"{middle:+.4f} [{low:+.4f}, {high:+.4f}]"


def _check(limit: Limit, comparison: Comparison) -> Checked:
    if comparison.failed:
        return Checked(limit=limit, outcome="fail", reason=comparison.failed)
    change = comparison.change(limit.metric)
    if change is None:
        return Checked(limit=limit, outcome="undecided", reason="was not measured on both sides")
    checked = []
    if limit.at_most is not None or limit.at_least is not None:
        checked.append(check_value(limit, change.after, change.unit))
    if limit.max_worse is not None:
        checked.append(_check_worsening(limit, limit.max_worse, change))
    reason = "; ".join(each.reason for each in checked)
    return Checked(limit=limit, outcome=outcome_of(checked), reason=reason)


def _check_worsening(limit: Limit, allowed: float, change: Change) -> Checked:
    if change.interval is None:
        return Checked(limit=limit, outcome="undecided", reason=change.missing or "there is no interval for a decision")
    outcome = OUTCOMES[_worsening(change).against(allowed)]
    lacking = f"; {change.lacking}" if outcome == "undecided" and change.lacking else ""
    reason = f"{describe(change)}, allowed {_allowed(change, allowed)}{lacking}"
    return Checked(limit=limit, outcome=outcome, reason=reason)


def check_value(limit: Limit, value: float, unit: str = "") -> Checked:
    """Check a number against the absolute bounds of a limit; NaN was not measured, and fails."""
    within = (limit.at_most is None or value <= limit.at_most) and (limit.at_least is None or value >= limit.at_least)
    bounds = [f"at most {limit.at_most:g}"] if limit.at_most is not None else []
    bounds += [f"at least {limit.at_least:g}"] if limit.at_least is not None else []
    shown = f"{value:.4g} {unit}".strip()
    return Checked(limit=limit, outcome="pass" if within else "fail", reason=f"{shown}, allowed {' and '.join(bounds)}")


def _worsening(change: Change) -> Interval:
    """Return how much worse B is: positive is worse, relative or absolute as the change."""
    assert change.interval is not None
    low, middle, high = (
        value - change.neutral for value in (change.interval.low, change.interval.estimate, change.interval.high)
    )
    found = Interval(estimate=middle, low=low, high=high)
    return found.negated() if change.higher_is_better else found


def _allowed(change: Change, allowed: float) -> str:
    sign = "-" if change.higher_is_better else "+"
    return f"{sign}{allowed * 100:g} %" if change.relative else f"{sign}{allowed:g}"


def undecided(changes: Sequence[Change], metrics: Sequence[str]) -> list[Change]:
    """Return the decisive changes on which there is no verdict yet."""
    return [each for each in changes if each.metric in metrics and each.direction == "undecided"]
