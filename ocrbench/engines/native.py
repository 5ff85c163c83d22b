"""The engine ``native``: OpenVINO networks in a pipeline of ours, each stage with its own device and precision."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from ocrbench.config.schema import Cell
from ocrbench.config.stage import Options, Role, Stage
from ocrbench.engines.interface import Job
from ocrbench.engines.pipeline import Pipeline
from ocrbench.errors import DeviceError
from ocrbench.models import build_detector, build_recognizer, graphs_of
from ocrbench.records import Artifact, Graph, Image, Network, metadata_of
from ocrbench.runtime.devices import check_device
from ocrbench.runtime.network import CompiledNetwork, Settings


class NativeEngine:
    """Compiled networks, and one or more pipelines through them, each with inference requests of its own."""

    def __init__(self) -> None:
        self.readers: Sequence[Pipeline] = ()
        self._networks: dict[Role, dict[str, CompiledNetwork]] = {}

    def load(self, job: Job) -> dict[str, float]:
        """Compile both models and build the pipelines."""
        cell = job.cell
        for stage in cell.stages.values():
            check_device(stage.device)
        detector = build_detector(cell.detector, metadata_of(job.artifacts["detector"]))
        recognizer = build_recognizer(cell.recognizer, metadata_of(job.artifacts["recognizer"]))
        self._networks = {
            "detector": _compiled(job, "detector", detector.graphs()),
            "recognizer": _compiled(job, "recognizer", recognizer.graphs()),
        }
        cutting = cell.cutting(cell.granularity)
        optimum = max(each.optimum() for networks in self._networks.values() for each in networks.values())
        self.readers = [
            Pipeline(detector, self._callables("detector"), recognizer, self._callables("recognizer"), cutting)
            for _ in range(job.in_flight(optimum))
        ]
        for pipeline in self.readers[1:]:
            pipeline.share_shapes(self.readers[0])
        return self.compile_ms()

    def compile_ms(self) -> dict[str, float]:
        """Return the milliseconds by role; a network for a single shape is compiled when that is met."""
        return {
            role: sum(network.compile_ms for network in networks.values()) for role, networks in self._networks.items()
        }

    def execution(self, images: Sequence[Image], passes: int) -> dict[str, dict[str, Any]]:
        """Replay images through a profiled twin of each network in turn."""
        report: dict[str, dict[str, Any]] = {}
        for role, networks in self._networks.items():
            for name, network in networks.items():

                def replay(profiled: Network, role: Role = role, name: str = name) -> None:
                    twin = self._with_twin(role, name, profiled)
                    for image in images:
                        twin.read(image)

                execution = network.execution(replay if images else None, passes)
                report.setdefault(role, {})[name] = {**asdict(execution), "replayed": len(images)}
        return report

    def close(self) -> None:
        """Release the networks."""
        self.readers, self._networks = (), {}

    def _with_twin(self, role: Role, name: str, twin: Network) -> Pipeline:
        networks = {
            each: {key: twin if (each, key) == (role, name) else network.network() for key, network in known.items()}
            for each, known in self._networks.items()
        }
        like = self.readers[0]
        return Pipeline(like.detector, networks["detector"], like.recognizer, networks["recognizer"], like.cutting)

    def _callables(self, role: Role) -> dict[str, Network]:
        return {name: network.network() for name, network in self._networks[role].items()}


def settings_of(cell: Cell, role: Role, properties: Options) -> Settings:
    """Return how the networks of the detector or the recognizer are compiled.

    Args:
        cell: The configuration.
        role: Which of the two.
        properties: The scenario's; those of the stage win over them.
    """
    stage = cell.stages[role]
    return Settings(
        device=stage.device,
        precision=stage.precision,
        properties={**properties, **stage.properties},
        shapes=cell.folding.detector_networks if role == "detector" else cell.folding.recognizer_networks,
        cache_dir=Path(cell.cache_dir).expanduser() / "compiled" if cell.model_cache else None,
        # Recognizers get many images at once, and quantised weights have to be constants.
        simplify_gates=role == "detector" and stage.precision != "INT8" and cell.folding.rewrites == "all",
    )


def time_network(
    stage: Stage, role: Role, artifact: Artifact, settings: Settings, shape: Sequence[int], calls: int
) -> list[tuple[float, float]]:
    """Time the first network of a stage alone, as it is on disk, with one input that stays where it is.

    Returns:
        The milliseconds of each call, and those of them inside OpenVINO.

    Raises:
        DeviceError: The device is not available, or refuses the network or a property.
    """
    check_device(stage.device)
    graph = graphs_of(role, stage, artifact.metadata)["network"]
    compiled = CompiledNetwork(artifact, graph, replace(settings, simplify_gates=False))
    network = compiled.network()
    tensor = compiled.random_input(shape)
    network(tensor)
    times = []
    for _ in range(calls):
        start = perf_counter_ns()
        network(tensor)
        times.append(((perf_counter_ns() - start) / 1e6, compiled.latency_ms()))
    return times


def _compiled(job: Job, role: Role, graphs: Mapping[str, Graph]) -> dict[str, CompiledNetwork]:
    settings = settings_of(job.cell, role, job.properties)
    try:
        return {name: CompiledNetwork(job.artifacts[role][name], graph, settings) for name, graph in graphs.items()}
    except DeviceError as error:
        message = f"{role}: {error}"
        raise DeviceError(message) from error
