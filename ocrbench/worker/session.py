"""What one worker holds between requests, and how it answers them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from ocrbench import environment
from ocrbench.config import Cell, Stage
from ocrbench.convert.converter import convert_detector, convert_recognizer
from ocrbench.data.images import read_image
from ocrbench.environment.usage import usage_so_far
from ocrbench.errors import DeviceError, WorkerError
from ocrbench.models import build_detector, build_recognizer
from ocrbench.pipeline import Pipeline
from ocrbench.records import Artifact, Artifacts, Graph, Network, metadata_of
from ocrbench.runtime import CompiledNetwork, Settings, check_device
from ocrbench.scenarios import SCENARIOS, Setup, setup_of
from ocrbench.worker.protocol import Attest, Convert, Describe, Load, Ran, Run, Time

# Number of times that the images are replayed to time each layer.
PROFILE_PASSES = 3


class Session:
    """What one worker holds between requests: compiled networks, and one or more pipelines through them."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._cell: Cell | None = None
        self._setup = Setup()
        self._pipelines: list[Pipeline] = []
        self._networks: dict[str, dict[str, CompiledNetwork]] = {}

    def describe(self, request: Describe) -> dict[str, Any]:
        """Return the versions, the host and the source of this process."""
        return environment.describe()

    def convert(self, request: Convert) -> Artifacts:
        """Convert the models of a cell, or find them in the cache."""
        convert = {"detector": convert_detector, "recognizer": convert_recognizer}
        return {role: convert[role](request.cell, self._tell, like_int8=request.like_int8) for role in request.roles}

    def load(self, request: Load) -> dict[str, float]:
        """Compile both models and build as many pipelines as images are to be in flight."""
        if request.cores is not None:
            # Before OpenVINO looks at how many there are. Threads that are started later inherit it.
            os.sched_setaffinity(0, request.cores)
        cell, artifacts = request.cell, request.artifacts
        self._cell = cell
        self._setup = setup_of(cell.scenario)
        check_device(cell.detector.device)
        check_device(cell.recognizer.device)
        detector = build_detector(cell.detector, metadata_of(artifacts["detector"]))
        recognizer = build_recognizer(cell.recognizer, metadata_of(artifacts["recognizer"]))
        self._networks = {
            "detector": _compile(cell, "detector", detector.graphs(), artifacts["detector"]),
            "recognizer": _compile(cell, "recognizer", recognizer.graphs(), artifacts["recognizer"]),
        }
        cutting = cell.cutting(cell.granularity)
        optimum = max(each.optimum() for networks in self._networks.values() for each in networks.values())
        self._pipelines = [
            Pipeline(detector, self._callables("detector"), recognizer, self._callables("recognizer"), cutting)
            for _ in range(self._setup.in_flight(optimum))
        ]
        for pipeline in self._pipelines[1:]:
            pipeline.share_shapes(self._pipelines[0])
        return self._compile_ms()

    def run(self, request: Run) -> Ran:
        """Measure one block of images."""
        cell, pipelines = self._loaded()
        setup = replace(self._setup, **request.changes)
        for pipeline in pipelines if cell.profile else ():
            pipeline.trace()
        before = usage_so_far()
        shared = {"claims": request.claims} if request.claims else {}
        block = SCENARIOS[cell.scenario.name].run(pipelines, request.samples, setup, **shared)
        ended_ns = perf_counter_ns()
        used = usage_so_far() - before
        return Ran(
            **vars(block),
            ended_ns=ended_ns,
            usage=used,
            peak_memory_bytes=environment.peak_memory_bytes(),
            compile_ms=self._compile_ms(),
            spans=[pipeline.trace() for pipeline in pipelines] if cell.profile else [],
        )

    def attest(self, request: Attest) -> dict[str, dict[str, Any]]:
        """Report which types the networks execute, by replaying images through a profiled twin."""
        cell, (pipeline, *_) = self._loaded()
        images = [read_image(path) for _, path in request.samples]
        report: dict[str, dict[str, Any]] = {}
        for role, networks in self._networks.items():
            for name, network in networks.items():

                def replay(profiled: Network, role: str = role, name: str = name) -> None:
                    twin = self._with_twin(pipeline, role, name, profiled)
                    for image in images:
                        twin.run(image)

                execution = network.execution(replay if images else None, PROFILE_PASSES if cell.profile else 0)
                report.setdefault(role, {})[name] = {**asdict(execution), "replayed": len(images)}
        return report

    def time(self, request: Time) -> list[tuple[float, float]]:
        """Time one network alone, with one input that stays where it is."""
        cell, role, artifacts = request.cell, request.role, request.artifacts
        stage: Stage = getattr(cell, role)
        check_device(stage.device)
        build = build_detector if role == "detector" else build_recognizer
        graph = build(stage, artifacts["network"].metadata).graphs()["network"]
        compiled = CompiledNetwork(artifacts["network"], graph, settings_of(cell, role))
        network = compiled.network()
        tensor = compiled.random_input(request.shape)
        network(tensor)
        times = []
        for _ in range(request.calls):
            start = perf_counter_ns()
            network(tensor)
            times.append(((perf_counter_ns() - start) / 1e6, compiled.latency_ms()))
        return times

    def _compile_ms(self) -> dict[str, float]:
        """Say how long compiling took so far: a network for a single shape is compiled when that is met."""
        return {
            role: sum(network.compile_ms for network in networks.values()) for role, networks in self._networks.items()
        }

    def _with_twin(self, pipeline: Pipeline, role: str, name: str, twin: Network) -> Pipeline:
        networks = {
            each: {key: twin if (each, key) == (role, name) else network.network() for key, network in known.items()}
            for each, known in self._networks.items()
        }
        return Pipeline(
            pipeline.detector, networks["detector"], pipeline.recognizer, networks["recognizer"], pipeline.cutting
        )

    def _callables(self, role: str) -> dict[str, Network]:
        return {name: network.network() for name, network in self._networks[role].items()}

    def _loaded(self) -> tuple[Cell, list[Pipeline]]:
        if self._cell is None or not self._pipelines:
            message = "The worker was asked to measure before it had loaded a pipeline"
            raise WorkerError(message)
        return self._cell, self._pipelines


def _compile(
    cell: Cell, role: str, graphs: Mapping[str, Graph], artifacts: Mapping[str, Artifact]
) -> dict[str, CompiledNetwork]:
    settings = settings_of(cell, role)
    try:
        return {name: CompiledNetwork(artifacts[name], graph, settings) for name, graph in graphs.items()}
    except DeviceError as error:
        message = f"{role}: {error}"
        raise DeviceError(message) from error


def settings_of(cell: Cell, role: str) -> Settings:
    """Say how the networks of the detector or the recognizer are compiled."""
    stage: Stage = getattr(cell, role)
    return Settings(
        device=stage.device,
        precision=stage.precision,
        performance_hint=cell.scenario.performance_hint,
        properties={**setup_of(cell.scenario).properties, **stage.properties},
        shapes=cell.folding.detector_networks if role == "detector" else cell.folding.recognizer_networks,
        cache_dir=Path(cell.cache_dir).expanduser() / "compiled" if cell.model_cache else None,
    )
