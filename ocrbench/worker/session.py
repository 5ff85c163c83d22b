"""What one worker holds between requests, and how it answers them."""

import os
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter_ns
from typing import Any

from ocrbench import environment
from ocrbench.config.schema import Cell
from ocrbench.data.images import read_image
from ocrbench.engines.interface import Engine, Job
from ocrbench.engines.native import NativeEngine, settings_of, time_network
from ocrbench.environment.noise import usage_so_far
from ocrbench.errors import WorkerError
from ocrbench.records import Artifacts
from ocrbench.scenarios import SCENARIOS, setup_of
from ocrbench.scenarios.interface import Setup
from ocrbench.worker.protocol import Attest, Convert, Load, Ran, Run, Time

# Number of times that the images are replayed to time each layer.
PROFILE_PASSES = 3


class Session:
    """A worker's engine, and the cell that it has loaded."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._engine: Engine = NativeEngine()
        self._loaded: tuple[Cell, Setup] | None = None

    def convert(self, request: Convert) -> Artifacts:
        """Convert the models of a cell, or find them in the cache."""
        # Takes long to import, and is asked for networks only that the parent did not find in the cache.
        from ocrbench.convert.converter import convert_detector, convert_recognizer

        convert = {"detector": convert_detector, "recognizer": convert_recognizer}
        return {role: convert[role](request.cell, self._tell, like_int8=request.like_int8) for role in request.roles}

    def load(self, request: Load) -> dict[str, float]:
        """Load a cell, with a reader for each image that is to be in flight."""
        if request.cores is not None:
            # Before OpenVINO looks at how many there are. Threads that are started later inherit it.
            os.sched_setaffinity(0, request.cores)
        cell, setup = request.cell, setup_of(request.cell.scenario)
        job = Job(cell=cell, artifacts=request.artifacts, properties=setup.properties, in_flight=setup.in_flight)
        compile_ms = self._engine.load(job)
        self._loaded = cell, setup
        return compile_ms

    def run(self, request: Run) -> Ran:
        """Measure one block of images."""
        cell, known = self._known()
        readers = self._engine.readers
        setup = replace(known, **request.changes)
        for reader in readers if cell.profile else ():
            reader.trace()
        before = usage_so_far()
        shared = {"claims": request.claims} if request.claims else {}
        block = SCENARIOS[cell.scenario.name].run(readers, request.samples, setup, **shared)
        ended_ns = perf_counter_ns()
        used = usage_so_far() - before
        return Ran(
            **vars(block),
            ended_ns=ended_ns,
            usage=used,
            peak_memory_bytes=environment.peak_memory_bytes(),
            pss_bytes=environment.pss_bytes(),
            compile_ms=self._engine.compile_ms(),
            spans=[reader.trace() for reader in readers] if cell.profile else [],
        )

    def attest(self, request: Attest) -> dict[str, dict[str, Any]]:
        """Report which types the networks execute on some images."""
        cell, _ = self._known()
        images = [read_image(path) for _, path in request.samples]
        return self._engine.execution(images, PROFILE_PASSES if cell.profile else 0)

    def time(self, request: Time) -> list[tuple[float, float]]:
        """Time one network alone."""
        cell, role = request.cell, request.role
        settings = settings_of(cell, role, setup_of(cell.scenario).properties)
        return time_network(
            cell.stages[role], role, request.artifacts["network"], settings, request.shape, request.calls
        )

    def close(self) -> None:
        """Let the engine release what it holds."""
        self._engine.close()

    def _known(self) -> tuple[Cell, Setup]:
        if self._loaded is None:
            message = "The worker was asked to measure before it had loaded a cell"
            raise WorkerError(message)
        return self._loaded
