"""Our way of calling a network and ``benchmark_app``, timed in turns, each time in a fresh process; as a table."""

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from ocrbench.config.schema import Cell
from ocrbench.engines.native import settings_of
from ocrbench.measure.locks import alone
from ocrbench.measure.processes import Worker
from ocrbench.metrics.intervals import Interval, median_ratio
from ocrbench.progress import Listener
from ocrbench.scenarios import setup_of
from ocrbench.studies.parity.benchmark_app import run_application
from ocrbench.studies.parity.targets import Target, Turn
from ocrbench.worker.protocol import Time

# Calls by which the number of calls of a round is chosen; a network's second call may still be slow.
TRIAL_CALLS = 5
LEAST_CALLS = 5
DECIMALS = {
    "ours_ms": 3,
    "benchmark_app_ms": 2,
    "ratio": 3,
    "ratio_low": 3,
    "ratio_high": 3,
    "fastest_ratio": 3,
    "around_ms": 2,
}


@dataclass(frozen=True, kw_only=True)
class Parity:
    """One network, timed by both.

    Attributes:
        ours_ms: The median over rounds of the rounds' medians.
        application_ms: Likewise, of ``benchmark_app``.
        ratio: Ours ÷ ``benchmark_app``: the median over rounds of the medians' ratio.
        fastest_ratio: Likewise for the fastest call of all; other processes disturb it least.
        around_ms: What our way of calling adds to an inference: handing over the input, starting, waiting, and reading
            the outputs. ``benchmark_app`` does not count its own; in the times of runs ours is counted.
        rounds: How many times each had its turn.
        calls: How many each made in a turn.
    """

    target: Target
    ours_ms: float
    application_ms: float
    ratio: Interval
    fastest_ratio: float
    around_ms: float
    rounds: int
    calls: int


def measure_parity(cell: Cell, target: Target, seconds: float, rounds: int, listener: Listener) -> Parity:
    """Let both take turns, in random order within each round.

    Both make the same number of calls in a round, after one that does not count.

    Args:
        cell: Says how the network runs.
        target: Which network, and its shape.
        seconds: How long a turn is to take about.
        rounds: At least two.
        listener: Hears of progress.

    Raises:
        OcrBenchError: A process fails.
    """
    with alone(cell, listener, f"timing the {target.role} {getattr(cell, target.role).name} beside benchmark_app"):
        return _measure_alone(cell, target, seconds, rounds, listener)


def _measure_alone(cell: Cell, target: Target, seconds: float, rounds: int, listener: Listener) -> Parity:
    trial = _ours(cell, target, listener, TRIAL_CALLS).median_ms
    calls = max(LEAST_CALLS, round(seconds * 1e3 / trial))
    settings = settings_of(cell, target.role, setup_of(cell.scenario).properties)
    sides: list[Callable[[], Turn]] = [
        partial(_ours, cell, target, listener, calls),
        partial(run_application, target, settings, calls, cell.timeout_seconds),
    ]
    order, times = random.Random(0), np.empty((rounds, 2, 3))
    for number in range(rounds):
        for side in order.sample(range(2), 2):
            times[number, side] = sides[side]()
        listener.advance(f"{target.role} {'×'.join(map(str, target.shape))}", number + 1, rounds)
    medians, fastest = times[:, :, 0], times[:, :, 1].min(axis=0)
    ours_ms, application_ms = np.median(medians, axis=0).tolist()
    return Parity(
        target=target,
        ours_ms=ours_ms,
        application_ms=application_ms,
        ratio=median_ratio(np.log(medians[:, 0] / medians[:, 1])),
        fastest_ratio=float(fastest[0] / fastest[1]),
        around_ms=float(np.median(times[:, 0, 2])),
        rounds=rounds,
        calls=calls,
    )


def _ours(cell: Cell, target: Target, listener: Listener, calls: int) -> Turn:
    artifacts = {"network": target.artifact}
    request = Time(cell=cell, role=target.role, artifacts=artifacts, shape=target.shape, calls=calls)
    with Worker() as worker:
        times = worker.ask(request, listener, cell.timeout_seconds)
    inside = [each for _, each in times]
    around = [whole - each for whole, each in times]
    return Turn(
        median_ms=statistics.median(inside), fastest_ms=min(inside), around_ms=max(0.0, statistics.median(around))
    )


def to_frame(found: Sequence[Parity]) -> pd.DataFrame:
    """List what was timed, a row each."""
    return pd.DataFrame(
        {
            "stage": each.target.role,
            "model": each.target.stage.name,
            "precision": each.target.stage.precision,
            "device": each.target.stage.device,
            "shape": "×".join(map(str, each.target.shape)),
            "ours_ms": each.ours_ms,
            "benchmark_app_ms": each.application_ms,
            "ratio": each.ratio.estimate,
            "ratio_low": each.ratio.low,
            "ratio_high": each.ratio.high,
            "fastest_ratio": each.fastest_ratio,
            "around_ms": each.around_ms,
            "rounds": each.rounds,
            "calls": each.calls,
        }
        for each in found
    )


def to_table(frame: pd.DataFrame) -> Table:
    """Draw the rows of ``to_frame``."""
    table = Table()
    headings = ("stage", "precision", "shape", "ours ms", "benchmark_app ms", "ratio", "95 % interval", "fastest")
    for name in (*headings, "around ms", "rounds × calls"):
        table.add_column(name, overflow="fold")
    for row in frame.to_dict("records"):
        shown = {name: f"{row[name]:.{decimals}f}" for name, decimals in DECIMALS.items()}
        table.add_row(
            *(Text(str(row[name])) for name in ("stage", "precision", "shape")),
            *(shown[name] for name in ("ours_ms", "benchmark_app_ms", "ratio")),
            "–" if math.isnan(row["ratio_low"]) else f"{shown['ratio_low']} – {shown['ratio_high']}",
            shown["fastest_ratio"],
            shown["around_ms"],
            f"{row['rounds']} × {row['calls']}",
        )
    return table
