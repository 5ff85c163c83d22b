"""Drive the processes that measure: start, ask, watch over, give up."""

import contextlib
import functools
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, Self

from ocrbench import errors
from ocrbench.config import Cell
from ocrbench.environment.usage import Usage
from ocrbench.errors import OcrBenchError, WorkerError
from ocrbench.records import (
    Artifact,
    Prediction,
    Region,
    Sample,
    StageTimes,
    artifacts_from_plain,
    artifacts_to_plain,
)

log = logging.getLogger(__name__)

CLOSE_SECONDS = 10
ATTEST_IMAGES = 4

Artifacts = Mapping[str, Mapping[str, Artifact]]


class Listener(Protocol):
    """Is told how a cell is getting on."""

    def say(self, text: str) -> None:
        """Hear of a step."""

    def advance(self, phase: str, done: float, total: float) -> None:
        """Hear how far a phase is; ``done`` never exceeds ``total``."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One image, timed once.

    Attributes:
        warmup: Whether this was before measuring began.
        first_seen: Whether a network met an input shape for the first time.
    """

    sample_id: str
    warmup: bool
    first_seen: bool
    regions: int
    times: StageTimes


@dataclass(kw_only=True)
class Measured:
    """All that the worker reported of one cell; grows while it runs.

    Attributes:
        wall_ns: Of the measured blocks together.
        images: How many images were measured in that time.
        usage: Of the CPU in that time.
        compile_ms: Per stage.
        execution: Per stage and network, see ``runtime.Execution``.
        skipped: Sample id → reason.
    """

    timings: list[Timing] = field(default_factory=list)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    compile_ms: dict[str, float] = field(default_factory=dict)
    execution: dict[str, dict[str, Any]] = field(default_factory=dict)
    wall_ns: int = 0
    images: int = 0
    usage: Usage = field(default_factory=Usage)
    peak_memory_bytes: int = 0


class Worker:
    """A worker process, as a context manager."""

    def __init__(self, interpreter: str = sys.executable, variables: Mapping[str, str] | None = None) -> None:
        """Prepare to start a worker.

        Args:
            interpreter: A Python that can import ocrbench, for example that of another virtual environment.
            variables: Environment variables for this worker only.
        """
        self._interpreter = interpreter
        self._variables = variables or {}
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._lines: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Self:
        """Start the process."""
        self._process = subprocess.Popen(
            [self._interpreter, "-m", "ocrbench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            encoding="utf-8",
            env={**_environment(self._interpreter), **self._variables},
            # Ctrl-C is the parent's to handle: it ends its workers itself.
            start_new_session=True,
        )
        threading.Thread(target=self._collect, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the process; by force where it does not go, or where something went wrong."""
        if kind is not None:
            self._process.kill()
        try:
            self._write({"command": "close"})
            self._process.wait(CLOSE_SECONDS)
        except (WorkerError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._stderr.seek(0)
        log.debug("worker %s said:\n%s", self._process.pid, self._stderr.read())
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                # A worker that died leaves requests in the pipe, which closing tries to write once more.
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def ask(self, command: str, listener: Listener, seconds: float, **request: object) -> Any:  # noqa: ANN401
        """Send a request and wait for its answer.

        Args:
            command: See ``ocrbench.worker``.
            listener: Hears the worker's progress.
            seconds: How long the worker may take.
            **request: The rest of the request.

        Raises:
            OcrBenchError: What the worker reports, as the class it reports.
            WorkerError: It died or took too long.
        """
        self._write({"command": command, **request})
        deadline = monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - monotonic()))
            except queue.Empty:
                self._process.kill()
                message = f"The worker did not answer '{command}' within {seconds:g} s and was stopped"
                raise WorkerError(message) from None
            if line is None:
                raise WorkerError(self._obituary(command))
            answer = json.loads(line)
            if answer["event"] == "answer":
                return answer["content"]
            if answer["event"] == "error":
                raise _error(answer)
            listener.say(answer["text"])

    def _write(self, request: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise WorkerError(self._obituary(str(request["command"]))) from error

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _obituary(self, command: str) -> str:
        try:
            code = self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            return f"The worker closed its output during '{command}'"
        if code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            return f"The worker was killed by {name} during '{command}'{hint}"
        self._stderr.seek(0)
        lines = self._stderr.read().strip().splitlines() or ["no message"]
        return f"The worker ended with status {code} during '{command}': {lines[-1]}"


def prepare(
    cell: Cell,
    listener: Listener,
    roles: Sequence[str] = ("detector", "recognizer"),
    start: Callable[[], Worker] = Worker,
) -> tuple[Artifacts, dict[str, Any]]:
    """Convert a cell's models in a process of their own.

    Args:
        cell: What to convert.
        listener: Hears of progress.
        roles: Which of its two models.
        start: Makes the worker.

    Returns:
        The artifacts by stage and network, and the environment that will measure them.

    Raises:
        OcrBenchError: The conversion fails.
    """
    with start() as worker:
        environment = worker.ask("describe", listener, cell.prepare_timeout_seconds)
        made = worker.ask("convert", listener, cell.prepare_timeout_seconds, cell=asdict(cell), roles=roles)
    return {role: artifacts_from_plain(given) for role, given in made.items()}, environment


def measure(cell: Cell, artifacts: Artifacts, samples: Sequence[Sample], listener: Listener) -> Measured:
    """Measure a cell: warm-up passes, then passes until both the time and one full pass are done.

    The predictions are those of the first pass.

    Raises:
        OcrBenchError: The worker reports it.
        WorkerError: The worker died or hung.
    """
    measured = Measured()
    given = {role: artifacts_to_plain(networks) for role, networks in artifacts.items()}
    with Worker() as worker:
        listener.say("compiling")
        limit = cell.prepare_timeout_seconds
        measured.compile_ms = worker.ask("load", listener, limit, cell=asdict(cell), artifacts=given)
        for number in range(cell.scenario.warmup_passes):
            for done, block in _blocks(cell, samples, measured):
                _run(worker, cell, block, measured, listener, warmup=True)
                listener.advance(f"warm-up {number + 1}", done, len(samples))
        _measure_passes(worker, cell, samples, measured, listener)
        if cell.attest != "off":
            listener.say("looking up which precision ran")
            measured.execution = worker.ask(
                "attest", listener, cell.timeout_seconds, samples=_typical(samples, measured)
            )
    return measured


def to_region(given: Mapping[str, Any]) -> Region:
    """Build a region from the worker's JSON."""
    polygon = tuple((float(x), float(y)) for x, y in given["polygon"])
    return Region(polygon=polygon, text=given["text"], confidence=given["confidence"])


def _measure_passes(
    worker: Worker, cell: Cell, samples: Sequence[Sample], measured: Measured, listener: Listener
) -> None:
    limit = cell.scenario.min_seconds
    start, passes = monotonic(), 0
    while passes == 0 or (monotonic() - start < limit and measured.images):
        for done, block in _blocks(cell, samples, measured):
            if passes and monotonic() - start >= limit:
                return
            _run(worker, cell, block, measured, listener, warmup=False)
            share = done / len(samples) if passes == 0 else 1.0
            listener.advance("measure", min(share, (monotonic() - start) / limit) if limit else share, 1.0)
        passes += 1


def _blocks(cell: Cell, samples: Sequence[Sample], measured: Measured) -> list[tuple[int, list[list[str]]]]:
    """Cut the samples into blocks, leaving out those already skipped; each comes with the count done after it."""
    size = cell.scenario.block_images
    blocks = []
    for start in range(0, len(samples), size):
        chosen = [
            [sample.id, str(sample.image_path)]
            for sample in samples[start : start + size]
            if sample.id not in measured.skipped
        ]
        if chosen:
            blocks.append((min(start + size, len(samples)), chosen))
    return blocks


def _run(
    worker: Worker,
    cell: Cell,
    block: list[list[str]],
    measured: Measured,
    listener: Listener,
    *,
    warmup: bool,
) -> None:
    answer = worker.ask("run", listener, cell.timeout_seconds, samples=block)
    measured.peak_memory_bytes = answer["peak_memory_bytes"]
    timed = [each for each in answer["measurements"] if not each["skipped"]]
    if not warmup:
        measured.wall_ns += answer["wall_ns"]
        # A worker of an earlier ocrbench does not tell.
        measured.usage += Usage(**answer.get("usage", {}))
        measured.images += len(timed)
    for each in answer["measurements"]:
        if each["skipped"]:
            measured.skipped[each["sample_id"]] = each["skipped"]
    for each in timed:
        sample_id = each["sample_id"]
        times = StageTimes(**each["times"])
        measured.timings.append(
            Timing(
                sample_id=sample_id,
                warmup=warmup,
                first_seen=each["first_seen"],
                regions=len(each["regions"]),
                times=times,
            )
        )
        if sample_id not in measured.predictions:
            regions = tuple(to_region(given) for given in each["regions"])
            measured.predictions[sample_id] = Prediction(sample_id=sample_id, regions=regions)


def _typical(samples: Sequence[Sample], measured: Measured) -> list[list[str]]:
    """Choose the images with the most text, on which both stages have work."""
    usable = [sample for sample in samples if sample.id in measured.predictions]
    usable.sort(key=lambda sample: -len(measured.predictions[sample.id].regions))
    return [[sample.id, str(sample.image_path)] for sample in usable[:ATTEST_IMAGES]]


def _error(answer: Mapping[str, str]) -> OcrBenchError:
    kind = getattr(errors, answer["kind"], WorkerError)
    error: OcrBenchError = kind(answer["message"])
    return error


def _environment(interpreter: str) -> dict[str, str]:
    """Let the child import ocrbench: the very package that this process runs, unless the child has one of its own."""
    variables = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    if interpreter != sys.executable and _has_ocrbench(interpreter):
        variables.pop("PYTHONPATH", None)
        # Nor may a checkout that happens to be the current folder come before it.
        return {**variables, "PYTHONSAFEPATH": "1"}
    package = str(Path(__file__).resolve().parent.parent)
    path = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**variables, "PYTHONPATH": os.pathsep.join(path)}


@functools.cache
def _has_ocrbench(interpreter: str) -> bool:
    """Ask from a folder that holds no package, so that the current one does not count."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        command = [interpreter, "-c", "import ocrbench"]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False).returncode == 0
