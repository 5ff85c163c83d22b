"""Our way of calling a network and ``benchmark_app``, timed in turns, each time in a fresh process; as a table."""

import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from ocrbench.config.schema import Cell
from ocrbench.engines.native import settings_of
from ocrbench.errors import WorkerError
from ocrbench.measure.locks import alone
from ocrbench.measure.processes import Worker
from ocrbench.metrics.intervals import Interval, median_ratio
from ocrbench.progress import Listener
from ocrbench.runtime.network import Settings
from ocrbench.scenarios import setup_of
from ocrbench.studies.parity.targets import Target, Turn
from ocrbench.worker.protocol import Time

# Without the package for telemetry, as in ocrbench's own processes.
START = "import sys; sys.modules['openvino_telemetry'] = None; from openvino.tools.benchmark.main import main; main()"
REPORT = "benchmark_report.json"
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


def run_application(target: Target, settings: Settings, calls: int, seconds: float) -> Turn:
    """Let ``benchmark_app`` time a network, one call after the other, with an input that stays where it is.

    Args:
        target: Which network, and its shape.
        settings: All of its properties are handed over.
        calls: After a first one that does not count.
        seconds: How long it may take.

    Returns:
        As it reports it: to a hundredth of a millisecond.

    Raises:
        WorkerError: It fails or takes too long.
    """
    one_by_one = ("-api", "sync", "-niter", str(calls))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", START, *arguments(target, settings, one_by_one, Path(folder))]
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            message = f"benchmark_app did not end within {seconds:g} s and was stopped"
            raise WorkerError(message) from None
        report = Path(folder) / REPORT
        results = json.loads(report.read_text())["execution_results"] if report.is_file() else {}
        if done.returncode != 0 or "latency (ms)" not in results:
            said = _last_line(done.stdout + done.stderr) or f"status {done.returncode}"
            message = f"benchmark_app failed for the {target.role}: {said}"
            raise WorkerError(message)
        return Turn(median_ms=float(results["latency (ms)"]), fastest_ms=float(results["min latency"]))


def _last_line(transcript: str) -> str:
    """Return the last line of its error, before the traceback."""
    error = transcript.rpartition("[ ERROR ]")[2].partition("Traceback")[0]
    return next((line.strip() for line in reversed(error.splitlines()) if line.strip()), "")


def arguments(target: Target, settings: Settings, calls: Sequence[str], folder: Path) -> list[str]:
    """Write the options, and the file of properties that they name.

    The properties go through that file because the options for some of them exclude each other.

    Args:
        target: What is called.
        settings: How it is compiled.
        calls: The options that say how, and how often or how long.
        folder: Where the properties are written, and where the application leaves its report.
    """
    # What AUTO:GPU,CPU is given is a property of AUTO.
    device = settings.device.partition(":")[0]
    properties = folder / "properties.json"
    properties.write_text(json.dumps({device: settings.all_properties}))
    shape = f"[{','.join(map(str, target.shape))}]"
    # A network of its own for this shape, or one that takes it among others, as ours.
    fixing = "-shape" if settings.shapes else "-data_shape"
    return [
        *("-m", str(target.path), "-d", settings.device, "-load_config", str(properties), "-hint", "none"),
        *(*calls, "-inference_only", "true", "-ip", target.entry.kind),
        *((fixing, shape) if None in target.entry.shape else ()),
        *(("-layout", "[NHWC]") if target.graph.mean else ()),
        *("-report_type", "no_counters", "-report_folder", str(folder), "-json_stats", "true"),
    ]


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
