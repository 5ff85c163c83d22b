"""A run that is checked against limits in a test suite."""

import unittest
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from ocrbench.compare.stored import compare_matched
from ocrbench.compare.verdict import check_gate, check_limits, check_value
from ocrbench.config.checking import closest, validate
from ocrbench.config.composing import load
from ocrbench.config.schema import Limit
from ocrbench.errors import ConfigError
from ocrbench.runs.columns import NUMBERS
from ocrbench.runs.match import match_runs
from ocrbench.runs.run import Run
from ocrbench.runs.store import find_runs


@dataclass(frozen=True, kw_only=True)
class LimitedRun(Run):
    """A run with assertions.

    Attributes:
        config_dir: Folder of further configuration with which it was measured.
    """

    config_dir: str | None = None

    @classmethod
    def of(cls, run: Run, config_dir: str | None) -> Self:
        """Take over a run."""
        return cls(**{each.name: getattr(run, each.name) for each in fields(Run)}, config_dir=config_dir)

    def assert_limits(self, **limits: Mapping[str, float]) -> None:
        """Hold columns against absolute bounds.

        Args:
            **limits: A number of the wide table → ``{"at_most": NUMBER}``, ``{"at_least": NUMBER}`` or both.

        Raises:
            AssertionError: A bound is broken; the message lists each that is.
            ConfigError: There is no such column or bound.
        """
        __tracebackhide__ = True
        checked = []
        for metric, bounds in limits.items():
            if metric not in NUMBERS:
                message = f"{metric}: no such column; {closest(metric, NUMBERS)}"
                raise ConfigError(message)
            if not bounds or set(bounds) - {"at_most", "at_least"}:
                message = f"{metric}={dict(bounds)}: expected at_most, at_least or both"
                raise ConfigError(message)
            limit = validate(Limit, {"metric": metric, **bounds}, metric)
            checked.append(check_value(limit, self.scores.get(metric, float("nan"))))
        _report([f"{each.limit.metric} {each.reason}" for each in checked if each.outcome == "fail"])

    def assert_gate(self, name: str, *, baseline: str | Path) -> None:
        """Compare with an earlier run and hold the difference against a gate.

        A gate that cannot be decided skips the test: it has neither passed nor failed.

        Args:
            name: Name of the gate: ``ci``, or a file ``gate/NAME.yaml`` in the cell's ``config_dir``.
            baseline: A run, or a folder of runs of which the one of the same cell is taken.

        Raises:
            AssertionError: A limit is broken; the message lists each that is.
            ConfigError: There is no such gate or baseline, or a limit names an unknown metric.
            SkipTest: The gate is undecided.
        """
        __tracebackhide__ = True
        gate = load([f"gate={name}"], self.config_dir).gate
        check_limits(gate)
        matched = [each for each in match_runs(find_runs([str(baseline)]), [self]) if each.after]
        if not matched:
            _report([f"{baseline}: holds no run of this cell"])
        checked = check_gate(gate, compare_matched(matched[0], gate.margin))
        lines = {
            outcome: [f"{each.limit.metric} {each.reason}" for each in checked if each.outcome == outcome]
            for outcome in ("fail", "undecided")
        }
        _report(lines["fail"])
        if lines["undecided"]:
            message = f"gate {name} is undecided: {'; '.join(lines['undecided'])}"
            raise unittest.SkipTest(message)


def _report(broken: list[str]) -> None:
    __tracebackhide__ = True
    if broken:
        raise AssertionError("; ".join(broken))
