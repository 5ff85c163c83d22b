"""Compiled networks, and which precision they really executed."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from time import perf_counter_ns
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from ocrbench.config.stage import Precision
from ocrbench.errors import DeviceError, last_line
from ocrbench.graphs.folding import fold
from ocrbench.profiling.layers import LayerTime, emulated, fastest, shares
from ocrbench.profiling.twin import ProfiledTwin, Shape, Watch
from ocrbench.records import Artifact, Graph, Network
from ocrbench.runtime.calling import caller

# Stands for the network that takes all shapes.
ANY: Shape = ()

PRECISION_HINTS: dict[Precision, str] = {"FP32": "f32", "FP16": "f16", "BF16": "bf16"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a network is to run.

    Attributes:
        properties: OpenVINO properties; they win over what the precision and the hint set.
        shapes: Number of input shapes, those met first, that get a network of their own.
        cache_dir: Folder under which compiled networks are kept; None keeps none.
    """

    device: str
    precision: Precision
    performance_hint: str = "NONE"
    properties: Mapping[str, Any]
    shapes: int = 0
    cache_dir: Path | None = None

    @property
    def all_properties(self) -> dict[str, Any]:
        """Return all that OpenVINO is given."""
        properties: dict[str, Any] = {}
        if self.performance_hint != "NONE":
            properties["PERFORMANCE_HINT"] = self.performance_hint
        if self.precision in PRECISION_HINTS:
            properties["INFERENCE_PRECISION_HINT"] = PRECISION_HINTS[self.precision]
        return {**properties, **self.properties}


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What was asked of OpenVINO and what it made of it.

    Attributes:
        hint: The ``INFERENCE_PRECISION_HINT`` that was set; empty for none.
        reported: The property that the compiled network reports; empty where it reports none.
        execution_devices: ``EXECUTION_DEVICES``.
        executed: Type → share of the time, largest first.
        shapes: How many input shapes had a network of their own. Times of compiling are added up, and ``from_cache`` is
            true of all.
        emulated: The executed types for which the processor has no instructions.
        layers: Each layer's time for all inputs; empty unless it was asked for.
    """

    precision: Precision
    device: str
    hint: str
    reported: str
    execution_devices: tuple[str, ...]
    compile_ms: float
    from_cache: bool
    properties: Mapping[str, str]
    executed: Mapping[str, float]
    shapes: int = 0
    emulated: Sequence[str] = ()
    layers: Sequence[LayerTime] = ()


class CompiledNetwork:
    """A network that OpenVINO has compiled for a device, perhaps once more for some input shapes each.

    A network that takes all shapes prepares its layers anew whenever the shape is another one than before, and is
    slower even if not. One that is compiled for a single shape never does.
    """

    def __init__(self, artifact: Artifact, graph: Graph, settings: Settings) -> None:
        """Read the artifact, fold the graph in and compile.

        Raises:
            DeviceError: The device or a property is refused.
        """
        self._artifact, self._graph, self._settings = artifact, graph, settings
        self._lock = Lock()
        self._compiled: dict[Shape, Any] = {}
        self.compile_ms = 0.0
        self._add(ANY)
        self._model = self._compiled[ANY]
        one_input = len(self._model.inputs) == 1 and self._model.input(0).get_partial_shape().is_dynamic
        self._most = 1 + settings.shapes if one_input else 1
        self._requests: list[tuple[Shape, Any]] = []

    def network(self) -> Network:
        """Make a callable with inference requests of its own."""

        def make(shape: Shape) -> Network:
            request = self._compiled[shape].create_infer_request()
            self._requests.append((shape, request))
            return caller(request, self._graph)

        return self._callable(make)

    def latency_ms(self) -> float:
        """Return how long the last inference of the newest callable took, by OpenVINO's own clock."""
        _, request = self._requests[-1]
        return float(request.latency)

    def random_input(self, shape: Sequence[int]) -> NDArray[Any]:
        """Make a tensor of the first input's type: noise in the range of a byte."""
        kind = self._model.input(0).get_element_type().to_dtype()
        return np.random.default_rng(0).integers(0, 256, size=tuple(shape)).astype(kind)

    def optimum(self) -> int:
        """Return how many requests at once keep the device busy: ``OPTIMAL_NUMBER_OF_INFER_REQUESTS``."""
        return int(_property(self._model, "OPTIMAL_NUMBER_OF_INFER_REQUESTS") or 1)

    def execution(self, replay: Callable[[Network], None] | None = None, passes: int = 0) -> Execution:
        """Report how this network ran.

        Per-layer times need a property that would slow the measured network down. So the same network is compiled a
        second time with profiling on and fed by ``replay``; a layer's type is taken from the measured network, only
        its time from the profiled one.

        Args:
            replay: Feeds a network typical inputs; None leaves ``executed`` empty.
            passes: How often it is repeated to time each layer; 0 leaves ``layers`` empty.
        """
        settings = self._settings
        report = Execution(
            precision=settings.precision,
            device=settings.device,
            hint=str(settings.all_properties.get("INFERENCE_PRECISION_HINT", "")),
            reported=_property(self._model, "INFERENCE_PRECISION_HINT"),
            execution_devices=tuple(self._execution_devices()),
            compile_ms=self.compile_ms,
            from_cache=all(_property(each, "LOADED_FROM_CACHE") == "True" for each in self._compiled.values()),
            properties={key: str(value) for key, value in settings.all_properties.items()},
            executed={},
            shapes=len(self._compiled) - 1,
        )
        if replay is None:
            return report
        profile = self.profile()
        replay(profile)
        types = self._measured_types()
        layers = profile.layers(types)
        report = replace(report, executed=shares(layers), emulated=emulated(layers))
        # The first pass, which decides what is reported of every run, warmed up.
        timed: list[LayerTime] = []
        for _ in range(passes):
            replay(profile)
            timed = fastest(timed, profile.layers(types))
        return replace(report, layers=timed)

    def profile(self) -> ProfiledTwin:
        """Compile the same network once more, with profiling."""

        def build(watch: Watch) -> Network:
            def make(shape: Shape) -> Network:
                compiled = self._compile(shape, {"PERF_COUNT": True})
                request = compiled.create_infer_request()
                return watch(shape, compiled, request, caller(request, self._graph))

            return self._callable(make)

        return ProfiledTwin(build)

    def _callable(self, make: Callable[[Shape], Network]) -> Network:
        """Hand each input to what is made for its shape, or for all."""
        made = {ANY: make(ANY)}
        if self._most == 1:
            return made[ANY]

        def infer(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            shape = self._key(tensors[0].shape)
            if shape not in made:
                made[shape] = make(shape)
            return made[shape](*tensors)

        return infer

    def _key(self, shape: Shape) -> Shape:
        """Say which network takes this shape, and compile it if it is to have one."""
        if shape not in self._compiled:
            with self._lock:
                if shape not in self._compiled and len(self._compiled) < self._most:
                    self._add(shape)
        return shape if shape in self._compiled else ANY

    def _add(self, shape: Shape) -> None:
        start = perf_counter_ns()
        self._compiled[shape] = self._compile(shape, {})
        self.compile_ms += (perf_counter_ns() - start) / 1e6

    def _measured_types(self) -> dict[tuple[Shape, str], str]:
        """Ask which type each layer of each network executed."""
        types: dict[tuple[Shape, str], str] = {}
        for shape, request in self._requests:
            if not request.latency:
                # It never inferred, so it knows of no layer what that would execute.
                continue
            try:
                types |= {(shape, layer.node_name): layer.exec_type for layer in request.profiling_info}
            except RuntimeError:
                # Some plugins tell nothing about a network that was compiled without profiling.
                return {}
        return types

    def _compile(self, shape: Shape, extra: Mapping[str, Any]) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
        core = ov.Core()
        properties = {**self._settings.all_properties, **extra}
        if self._settings.cache_dir is not None:
            properties["CACHE_DIR"] = str(self._cache_dir(shape, properties))
        try:
            model = fold(core.read_model(self._artifact.path), self._graph)
            if shape:
                model.reshape(list(shape))
            return core.compile_model(model, self._settings.device, properties)
        except RuntimeError as error:
            message = f"{self._settings.device} refuses {self._artifact.path.name}: {last_line(error)}"
            raise DeviceError(message) from error

    def _cache_dir(self, shape: Shape, properties: Mapping[str, Any]) -> Path:
        """Choose a folder that no other precision, device, property, network, shape or OpenVINO version shares.

        OpenVINO's own cache key does not cover the precision hint: one folder for all would serve what was cached for
        bf16 when f32 is asked for, and leave it to the device which of the two it then executes.
        """
        assert self._settings.cache_dir is not None
        key = {
            "artifact": self._artifact.sha256,
            "graph": asdict(self._graph),
            "shape": shape,
            "precision": self._settings.precision,
            "device": self._settings.device,
            "properties": {name: str(value) for name, value in sorted(properties.items())},
            "openvino": ov.get_version(),
        }
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self._settings.cache_dir / digest[:24]

    def _execution_devices(self) -> Sequence[str]:
        try:
            value = self._model.get_property("EXECUTION_DEVICES")
        except RuntimeError:
            return [self._settings.device]
        return [value] if isinstance(value, str) else [str(name) for name in value]


def _property(compiled: Any, name: str) -> str:  # noqa: ANN401 - OpenVINO has no stubs
    try:
        value = compiled.get_property(name)
    except RuntimeError:
        return ""
    return value.get_type_name() if isinstance(value, ov.Type) else str(value)
