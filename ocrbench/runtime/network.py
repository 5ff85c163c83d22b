"""Compiled networks, and the precision that they really executed."""

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

from ocrbench.errors import DeviceError, last_line
from ocrbench.graphs.folding import fold
from ocrbench.graphs.simplify_gates import simplify_gates
from ocrbench.precisions import PRECISIONS, Precision
from ocrbench.profiling.layers import LayerTime, ProfiledTwin, Shape, Watch, emulated, fastest, shares
from ocrbench.records import Artifact, Graph, Network
from ocrbench.runtime.calling import caller
from ocrbench.runtime.devices import runs_on_cpu

# Key of the network that takes all shapes.
ANY: Shape = ()
# Properties that OpenVINO lowers to what there is, without a word.
COUNTS = ("NUM_STREAMS", "INFERENCE_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a network.

    Attributes:
        properties: OpenVINO properties, which override those of the precision; None leaves one to OpenVINO.
        shapes: Number of input shapes, those met first, that get their own network.
        cache_dir: Folder for compiled networks; None keeps none.
        simplify_gates: Whether gates of channels are rewritten where nothing but the CPU runs, see
            ``graphs.simplify_gates``. Other devices want constant weights, so the file on disk is the same for all.
    """

    device: str
    precision: Precision
    properties: Mapping[str, Any]
    shapes: int = 0
    cache_dir: Path | None = None
    simplify_gates: bool = False

    @property
    def all_properties(self) -> dict[str, Any]:
        """Return all properties for OpenVINO."""
        properties: dict[str, Any] = {}
        if hint := PRECISIONS[self.precision].hint:
            properties["INFERENCE_PRECISION_HINT"] = hint
        if hint == "f32" and "NPU" not in self.device:
            # OpenVINO would quantise the inputs of layers with 8-bit weights at run time, whatever the hint, and report
            # them as f32.
            properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = "0"
        given = {**properties, **self.properties}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The request to OpenVINO and its execution.

    Attributes:
        hint: ``INFERENCE_PRECISION_HINT`` as set; empty for none.
        reported: Precision that the compiled network reports; empty if it reports none.
        execution_devices: ``EXECUTION_DEVICES``.
        received: Number of streams and threads in use, which may be fewer than requested; empty where no device tells.
        executed: Type → share of the time, largest first.
        rewrites: Names of the rewrites of the graph that only some devices get.
        shapes: Number of input shapes with their own network. Compile times are added up, and ``from_cache`` is true
            only if it is true of all.
        emulated: Executed types for which the processor has no instructions.
        layers: Time of each layer for all inputs; empty unless requested.
    """

    precision: Precision
    device: str
    hint: str
    reported: str
    execution_devices: tuple[str, ...]
    compile_ms: float
    from_cache: bool
    properties: Mapping[str, str]
    received: Mapping[str, str]
    executed: Mapping[str, float]
    rewrites: Sequence[str] = ()
    shapes: int = 0
    emulated: Sequence[str] = ()
    layers: Sequence[LayerTime] = ()


class CompiledNetwork:
    """A network that OpenVINO has compiled for a device, and possibly again for single input shapes.

    A network that takes all shapes prepares its layers again whenever the shape changes, and is slower even if it does
    not. A network that is compiled for a single shape never prepares its layers again.
    """

    def __init__(self, artifact: Artifact, graph: Graph, settings: Settings) -> None:
        """Read the artifact, fold the graph in and compile.

        Raises:
            DeviceError: OpenVINO rejects the device or a property.
        """
        self._artifact, self._graph, self._settings = artifact, graph, settings
        self._lock = Lock()
        self._compiled: dict[Shape, Any] = {}
        self._rewrites: tuple[str, ...] = ()
        self.compile_ms = 0.0
        self._add(ANY)
        self._model = self._compiled[ANY]
        one_input = len(self._model.inputs) == 1 and self._model.input(0).get_partial_shape().is_dynamic
        self._most = 1 + settings.shapes if one_input else 1
        self._requests: list[tuple[Shape, Any]] = []

    def network(self) -> Network:
        """Make a callable with its own inference requests."""

        def make(shape: Shape) -> Network:
            request = self._compiled[shape].create_infer_request()
            self._requests.append((shape, request))
            return caller(request, self._graph)

        return self._callable(make)

    def latency_ms(self) -> float:
        """Return the duration of the newest callable's last inference, by OpenVINO's own clock."""
        _, request = self._requests[-1]
        return float(request.latency)

    def random_input(self, shape: Sequence[int]) -> NDArray[Any]:
        """Make a tensor of the first input's type: noise in the range of a byte."""
        kind = self._model.input(0).get_element_type().to_dtype()
        return np.random.default_rng(0).integers(0, 256, size=tuple(shape)).astype(kind)

    def optimum(self) -> int:
        """Return the number of requests that keeps the device busy: ``OPTIMAL_NUMBER_OF_INFER_REQUESTS``."""
        return int(_property(self._model, "OPTIMAL_NUMBER_OF_INFER_REQUESTS") or 1)

    def execution(self, replay: Callable[[Network], None] | None = None, passes: int = 0) -> Execution:
        """Report how this network ran.

        Times of layers need a property that would slow down the measured network. So the same network is compiled a
        second time with profiling and fed by ``replay``. The type of a layer comes from the measured network, only its
        time from the profiled one.

        Args:
            replay: Function that feeds a network typical inputs; None leaves ``executed`` empty.
            passes: Number of repetitions to time each layer; 0 leaves ``layers`` empty.
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
            received=_received(self._model),
            executed={},
            rewrites=self._rewrites,
            shapes=len(self._compiled) - 1,
        )
        if replay is None:
            return report
        profile = self.profile()
        replay(profile)
        types = self._measured_types()
        layers = profile.layers(types)
        report = replace(report, executed=shares(layers), emulated=emulated(layers))
        # The first pass, which gives the report of every run, warmed up.
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
        """Pass each input to the network for its shape, or for all."""
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
        """Return the network for this shape, and compile it if necessary."""
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
        """Return the type that each layer of each network executed."""
        types: dict[tuple[Shape, str], str] = {}
        for shape, request in self._requests:
            if not request.latency:
                # It never inferred, so the types of its layers are unknown.
                continue
            try:
                types |= {(shape, layer.node_name): layer.exec_type for layer in request.profiling_info}
            except RuntimeError:
                # Some plugins report nothing about a network that was compiled without profiling.
                return {}
        return types

    def _compile(self, shape: Shape, extra: Mapping[str, Any]) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
        core = ov.Core()
        properties = {**self._settings.all_properties, **extra}
        if self._settings.cache_dir is not None:
            properties["CACHE_DIR"] = str(self._cache_dir(shape, properties))
        try:
            model = core.read_model(self._artifact.path)
            if self._settings.simplify_gates and runs_on_cpu(self._settings.device) and simplify_gates(model):
                self._rewrites = (simplify_gates.__name__,)
            model = fold(model, self._graph)
            if shape:
                model.reshape(list(shape))
            return core.compile_model(model, self._settings.device, properties)
        except RuntimeError as error:
            message = f"{self._settings.device} refuses {self._artifact.path.name}: {last_line(error)}"
            raise DeviceError(message) from error

    def _cache_dir(self, shape: Shape, properties: Mapping[str, Any]) -> Path:
        """Choose a folder for this combination of precision, device, properties, network, shape and OpenVINO version.

        OpenVINO's own cache key lacks the precision hint: a common folder would serve a network cached for bf16 when
        f32 is requested, and the device would choose which of the two it executes.
        """
        assert self._settings.cache_dir is not None
        key = {
            "artifact": self._artifact.sha256,
            "graph": asdict(self._graph),
            "shape": shape,
            "precision": self._settings.precision,
            "device": self._settings.device,
            "simplify_gates": self._settings.simplify_gates,
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


def _received(compiled: Any) -> dict[str, str]:  # noqa: ANN401 - OpenVINO has no stubs
    found = {name: _property(compiled, name) for name in COUNTS}
    try:
        # AUTO, HETERO and MULTI know what their devices use.
        devices = compiled.get_property("DEVICE_PROPERTIES")
    except RuntimeError:
        devices = {}
    for name in COUNTS:
        values = [str(properties[name]) for properties in devices.values() if name in properties]
        found[name] = found[name] or "+".join(values)
    return {name: value for name, value in found.items() if value}


def _property(compiled: Any, name: str) -> str:  # noqa: ANN401 - OpenVINO has no stubs
    try:
        value = compiled.get_property(name)
    except RuntimeError:
        return ""
    return value.get_type_name() if isinstance(value, ov.Type) else str(value)
