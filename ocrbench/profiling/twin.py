"""The profiled twin of a measured network, which times its layers."""

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
        self._times: Counter[tuple[Shape, str]] = Counter()
        self._layers: dict[tuple[Shape, str], tuple[str, str]] = {}
        self._call = build(self._watched)

    def __call__(self, *tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Infer, and add each layer's time."""
        return self._call(*tensors)

    def _watched(self, shape: Shape, compiled: Any, request: Any, call: Network) -> Network:  # noqa: ANN401 - no stubs
        self._originals |= _originals(compiled)

        def infer(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            outputs = call(*tensors)
            for layer in request.profiling_info:
                key = (shape, layer.node_name)
                self._times[key] += int(layer.real_time.total_seconds() * 1e6)
                self._layers[key] = (layer.node_type, layer.exec_type)
            return outputs

        return infer

    def layers(self, types: Mapping[tuple[Shape, str], str] | None = None) -> list[LayerTime]:
        """List the layers with their times so far, in the order of execution, and reset them.

        A layer that the networks of some shapes execute differently is listed once per type.

        Args:
            types: Shape and layer's name → exec type, where a better source than this network knows it.
        """
        times: Counter[tuple[str, str, str]] = Counter()
        for key, (kind, exec_type) in self._layers.items():
            times[key[1], kind, (types or {}).get(key, exec_type)] += self._times[key]
        self._times.clear()
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
