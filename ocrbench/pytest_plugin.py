"""A pytest plugin: measure a cell inside your own test suite, with the fixture ``ocrbench_cell``.

pytest loads this module in every session of an environment that has ocrbench, so it imports nothing heavy until the
fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ocrbench.compare.limited import LimitedRun

CellFactory = Callable[..., "LimitedRun"]


@pytest.fixture
def ocrbench_cell(tmp_path: Path) -> CellFactory:
    """Return a function that runs a cell and fails the test if the cell fails.

    It takes the words of the command line, for example ``ocrbench_cell("precision=FP16", "dataset.limit=8")``, and
    returns the run, with ``assert_limits`` and ``assert_gate``. Runs go to the test's ``tmp_path`` unless
    ``reports_dir=`` is among the words. ``config_dir`` is a folder of further configuration.
    """

    def run(*words: str, config_dir: str | Path | None = None) -> LimitedRun:
        __tracebackhide__ = True
        from ocrbench.compare.limited import LimitedRun
        from ocrbench.config.composing import load
        from ocrbench.measure.cell import run_cell
        from ocrbench.progress import LogListener

        folder = None if config_dir is None else str(config_dir)
        cell = load(words, folder)
        if not any(word.startswith("reports_dir=") for word in words):
            cell = replace(cell, reports_dir=str(tmp_path))
        finished = run_cell(cell, LogListener())
        if not finished.ok:
            pytest.fail(f"cell {finished.run_id} failed: {finished.error}", pytrace=False)
        return LimitedRun.of(finished, folder)

    return run
