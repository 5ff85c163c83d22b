"""Layers of a compiled network: their times and executed types."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from ocrbench.records import Network

COMPUTE_LAYERS = ("Convolution", "FullyConnected", "MatMul", "Gemm", "LSTM", "GRU", "RNN", "Attention", "MHA")
EXECUTED_TYPES = {"f32": "f32", "f16": "f16", "bf16": "bf16", "i8": "i8", "u8": "i8", "int8": "i8"}
# Names of oneDNN's kernels for bf16 on x86-64: these exist only with the instructions …
NATIVE_BF16 = re.compile(r"brg|amx")
# … and these also work without them.
GENERIC_BF16 = re.compile(r"^(jit_(avx|gemm|uni|sse)|gemm|ref)")
Shape = tuple[int, ...]
# Prefix of HETERO before the names of a device's layers.
SUBGRAPH = re.compile(r"^subgraph\d+: ")


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """A layer of a compiled network.

    Attributes:
        exec_type: Name that the plugin gives the implementation, such as ``brgconv_avx512_bf16``.
        microseconds: Time over all calls.
        originals: Operations of the model that were fused into it; empty if the plugin does not report them.
    """

    name: str
    kind: str
    exec_type: str
    microseconds: int
    originals: tuple[str, ...] = ()


def fastest(known: Iterable[LayerTime], others: Iterable[LayerTime]) -> list[LayerTime]:
    """Keep the shorter time of each layer of two passes, per type, because disturbances only add time.

    Args:
        known: Layers of earlier passes; empty for none.
        others: Layers of a pass over the same inputs.
    """
    best = {(each.name, each.kind, each.exec_type): each for each in known}
    for each in others:
        key = (each.name, each.kind, each.exec_type)
        best[key] = min(best.get(key, each), each, key=lambda layer: layer.microseconds)
    return list(best.values())


def execution_type(exec_type: str) -> str:
    """Parse the precision from a plugin's name for an implementation.

    >>> execution_type("brgconv_avx512_amx_bf16"), execution_type("jit_avx512_U8"), execution_type("undef")
    ('bf16', 'i8', 'other')
    """
    return EXECUTED_TYPES.get(exec_type.rpartition("_")[2].lower(), "other")


def computes(layer_type: str) -> bool:
    """Return whether layers of this type do the arithmetic that quantisation speeds up.

    >>> computes("GroupConvolution"), computes("Transpose")
    (True, False)
    """
    return any(word in layer_type for word in COMPUTE_LAYERS)


def shares(layers: Sequence[LayerTime]) -> dict[str, float]:
    """Return the share of the time per executed type, largest first."""
    times: Counter[str] = Counter()
    for each, kind in zip(layers, executed_types(layers), strict=True):
        times[kind] += each.microseconds
    total = sum(times.values()) or 1
    return {kind: round(time / total, 4) for kind, time in times.most_common() if time}


def executed_types(layers: Sequence[LayerTime]) -> list[str]:
    """Return the type that each layer of a network executed."""
    executed = [execution_type(each.exec_type) for each in layers]
    if any(kind == "i8" and computes(each.kind) for kind, each in zip(executed, layers, strict=True)):
        return executed
    # Without 8-bit arithmetic in the network, 8-bit layers only handle the uint8 image.
    return ["other" if kind == "i8" else kind for kind in executed]


def emulated(layers: Iterable[LayerTime]) -> tuple[str, ...]:
    """Return the executed types for which the processor has no instructions.

    OpenVINO 2026.4 runs bf16 on any x86-64 processor with AVX-512. Without AVX512_BF16 or AMX, oneDNN widens each value
    to f32 and rounds the results. It decides this once per process. Its kernels for the instructions (``brgconv_…``,
    ``brgemm_…``, ``…_amx_…``) are tried first, so a network whose bf16 arithmetic uses none of them has none. The
    others (``jit_avx512_bf16``, ``jit_gemm_bf16``) serve both cases, and prove nothing.

    >>> emulated([LayerTime(name="a", kind="Convolution", exec_type="jit_avx512_bf16", microseconds=1)])
    ('bf16',)
    """
    kernels = {each.exec_type for each in layers if computes(each.kind)}
    narrow = [kernel for kernel in kernels if execution_type(kernel) == "bf16"]
    if any(NATIVE_BF16.search(kernel) for kernel in narrow):
        return ()
    return ("bf16",) if any(GENERIC_BF16.match(kernel) for kernel in narrow) else ()


class Watch(Protocol):
    """A function that lets a network, given as compiled model and request, add up the times of its layers."""

    def __call__(self, shape: Shape, compiled: Any, request: Any, call: Network) -> Network:  # noqa: ANN401 - no stubs
        """Return the callable to use instead."""


class ProfiledTwin:
    """A network compiled with profiling, possibly once per shape, which adds up the time of each layer."""

    def __init__(self, build: Callable[[Watch], Network]) -> None:
        """Start without times.

        Args:
            build: Function that makes the network around a watcher.
        """
        self._originals: dict[str, tuple[str, ...]] = {}
        # Of each network: the number of inferences, and each layer's newest time and its sum when it was last read.
        self._inferences: Counter[Shape] = Counter()
        self._times: Counter[tuple[Shape, str]] = Counter()
        self._read: Counter[tuple[Shape, str]] = Counter()
        self._averaged: dict[Shape, bool] = {}
        self._layers: dict[tuple[Shape, str], tuple[str, str]] = {}
        self._call = build(self._watched)

    def __call__(self, *tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Infer, and add each layer's time."""
        return self._call(*tensors)

    def _watched(self, shape: Shape, compiled: Any, request: Any, call: Network) -> Network:  # noqa: ANN401 - no stubs
        self._originals |= _originals(compiled)
        averaged = self._averaged[shape] = _is_averaged(compiled)

        def infer(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            outputs = call(*tensors)
            self._inferences[shape] += 1
            for layer in request.profiling_info:
                key = (shape, layer.node_name)
                microseconds = int(layer.real_time.total_seconds() * 1e6)
                self._times[key] = microseconds if averaged else self._times[key] + microseconds
                self._layers[key] = (layer.node_type, layer.exec_type)
            return outputs

        return infer

    def layers(self, types: Mapping[tuple[Shape, str], str] | None = None) -> list[LayerTime]:
        """List the layers with their times since the last call, in the order of execution.

        A layer that the networks of some shapes execute differently is listed once per type.

        Args:
            types: Shape and layer's name → exec type, where a better source than this network knows it.
        """
        times: Counter[tuple[str, str, str]] = Counter()
        for key, (kind, exec_type) in self._layers.items():
            shape, name = key
            whole = self._times[key] * (self._inferences[shape] if self._averaged[shape] else 1)
            # A mean is rounded to microseconds.
            times[name, kind, (types or {}).get(key, exec_type)] += max(0, whole - self._read[key])
            self._read[key] = whole
        return [
            LayerTime(
                name=name,
                kind=kind,
                exec_type=exec_type,
                microseconds=microseconds,
                originals=self._originals.get(SUBGRAPH.sub("", name), ()),
            )
            for (name, kind, exec_type), microseconds in times.items()
        ]


def _is_averaged(compiled: Any) -> bool:  # noqa: ANN401 - OpenVINO has no stubs
    """Return whether the times of a network's layers are means over all its inferences."""
    try:
        devices = compiled.get_property("EXECUTION_DEVICES")
    except RuntimeError:
        return False
    return all("CPU" in device for device in ([devices] if isinstance(devices, str) else devices))


def _originals(compiled: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - OpenVINO has no stubs
    """Return the operations of the model that each layer was made of."""
    try:
        nodes = compiled.get_runtime_model().get_ops()
    except RuntimeError:
        # Some plugins have no such graph.
        return {}
    found = {}
    for node in nodes:
        information = node.get_rt_info()
        if "originalLayersNames" in information:
            names = str(information["originalLayersNames"].value)
            found[node.get_friendly_name()] = tuple(name for name in names.split(",") if name)
    return found
