"""The profiled twin of a measured network, which times its layers.

``profiling_info`` of the CPU plugin holds each layer's mean over all inferences since compilation, whatever their shape
and request (OpenVINO 2024.6 to 2026.4). Number of inferences × mean is their sum, so the difference of two such sums is
the time of the inferences between them. Other plugins report the last inference.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from ocrbench.profiling.layers import LayerTime
from ocrbench.records import Network

Shape = tuple[int, ...]
# Prefix of HETERO before the names of a device's layers.
SUBGRAPH = re.compile(r"^subgraph\d+: ")


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
