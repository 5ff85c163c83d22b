"""A pytest plugin: measure a cell inside a test suite of one's own, with the fixture ``ocrbench_cell``.

pytest loads this module in every session of an environment that has ocrbench, so it imports nothing heavy until the
fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ocrbench.records import RunRecord

CellFactory = Callable[..., "MeasuredCell"]


@dataclass(frozen=True, kw_only=True)
class MeasuredCell:
    """A finished cell.

    Attributes:
        record: The run, as it is stored.
        row: Its row of the wide table: column → value.
        folder: Where the run lies.
        config_dir: The folder of further configuration that it was made with.
    """

    record: RunRecord
    row: Mapping[str, Any]
    folder: Path
    config_dir: str | None

    def assert_limits(self, **limits: Mapping[str, float]) -> None:
        """Hold columns against absolute bounds.

        Args:
            **limits: A number of the wide table → ``{"at_most": NUMBER}``, ``{"at_least": NUMBER}`` or both.

        Raises:
            AssertionError: A bound is broken; the message lists each that is.
            ConfigError: There is no such column or bound.
        """
        __tracebackhide__ = True
        from ocrbench.compare.verdict import check_value
        from ocrbench.config import Limit, closest, validate
        from ocrbench.errors import ConfigError
        from ocrbench.table import NUMBER_COLUMNS, SERVER_COLUMNS

        columns = (*NUMBER_COLUMNS, *SERVER_COLUMNS)
        checked = []
        for metric, bounds in limits.items():
            if metric not in columns:
                message = f"{metric}: no such column; {closest(metric, columns)}"
                raise ConfigError(message)
            if not bounds or set(bounds) - {"at_most", "at_least"}:
                message = f"{metric}={dict(bounds)}: expected at_most, at_least or both"
                raise ConfigError(message)
            limit = validate(Limit, {"metric": metric, **bounds}, metric)
            checked.append(check_value(limit, self.row[metric]))
        _report([f"{each.limit.metric} {each.reason}" for each in checked if each.outcome == "fail"])

    def assert_gate(self, name: str, *, baseline: str | Path) -> None:
        """Compare with an earlier run and hold the difference against a gate.

        A gate that cannot be decided skips the test: it has neither passed nor failed.

        Args:
            name: Of the gate: ``ci``, or a file ``gate/NAME.yaml`` in the cell's ``config_dir``.
            baseline: A run, or a folder of runs of which the one of the same cell is taken.

        Raises:
            AssertionError: A limit is broken; the message lists each that is.
            ConfigError: There is no such gate or baseline, or a limit is of a metric that there is not.
        """
        __tracebackhide__ = True
        from ocrbench.compare.matching import match_runs
        from ocrbench.compare.stored import StoredRun, find_runs
        from ocrbench.compare.verdict import check_gate, check_limits
        from ocrbench.config.composing import load
        from ocrbench.store import Store

        gate = load([f"gate={name}"], self.config_dir).gate
        check_limits(gate)
        own = StoredRun(record=self.record, store=Store(self.folder.parent.parent))
        matched = [each for each in match_runs(find_runs([str(baseline)]), [own]) if each.after]
        if not matched:
            _report([f"{baseline}: holds no run of this cell"])
        checked = check_gate(gate, matched[0].compare(gate.margin))
        lines = {
            outcome: [f"{each.limit.metric} {each.reason}" for each in checked if each.outcome == outcome]
            for outcome in ("fail", "undecided")
        }
        _report(lines["fail"])
        if lines["undecided"]:
            pytest.skip(f"gate {name} is undecided: {'; '.join(lines['undecided'])}")


@pytest.fixture
def ocrbench_cell(tmp_path: Path) -> CellFactory:
    """Return a function that runs a cell and fails the test if the cell fails.

    It takes the words of the command line, for example ``ocrbench_cell("precision=FP16", "dataset.limit=8")``. Runs go
    to the test's ``tmp_path`` unless ``reports_dir=`` is among the words. ``config_dir`` is a folder of further
    configuration.
    """

    def run(*words: str, config_dir: str | Path | None = None) -> MeasuredCell:
        __tracebackhide__ = True
        from ocrbench import table
        from ocrbench.cell import run_cell
        from ocrbench.config.composing import load
        from ocrbench.progress import LogListener

        folder = None if config_dir is None else str(config_dir)
        cell = load(words, folder)
        if not any(word.startswith("reports_dir=") for word in words):
            cell = replace(cell, reports_dir=str(tmp_path))
        finished = run_cell(cell, LogListener())
        if finished.record.status != "ok":
            pytest.fail(f"cell {finished.record.run_id} failed: {finished.record.error}", pytrace=False)
        frame = table.wide([finished.record])
        row = {name: frame.loc[0, name] for name in table.WIDE_COLUMNS}
        return MeasuredCell(record=finished.record, row=row, folder=finished.folder, config_dir=folder)

    return run


def _report(broken: list[str]) -> None:
    __tracebackhide__ = True
    if broken:
        raise AssertionError("; ".join(broken))
