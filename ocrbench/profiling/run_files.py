"""What ``profile=true`` leaves in a run: the time of each layer and layer type, and a timeline of the stages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ocrbench.profiling.layers import LayerTime, executed_types
from ocrbench.profiling.timeline import chrome_trace
from ocrbench.records import Span

LAYERS, TRACE = "layers.csv", "trace.json"
COLUMNS = ("stage", "network", "layer", "type", "executed", "exec_type", "ms", "operations")


def profile_files(
    title: str, execution: Mapping[str, Mapping[str, Any]], spans: Mapping[int, Sequence[Span]]
) -> dict[str, str]:
    """Write the files of a profile, by name.

    Args:
        title: Title of the timeline.
        execution: Per stage and network, see ``runtime.Execution``, with the layers.
        spans: Per pipeline.
    """
    return {
        LAYERS: layer_frame(execution).to_csv(index=False),
        TRACE: json.dumps(chrome_trace(title, spans), separators=(",", ":")),
    }


def layer_frame(execution: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """List every layer in the order of execution, with its milliseconds per image.

    Args:
        execution: Per stage and network, see ``runtime.Execution``.
    """
    rows = [
        {"stage": role, "network": name, **row}
        for role, networks in execution.items()
        for name, network in networks.items()
        for row in _rows(network)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summarised(execution: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Replace each network's ``layers`` by ``layer_types``: the types by executed precision, the longest first.

    A network without layers gets no types.
    """
    return {
        role: {name: _summarised(network) for name, network in networks.items()} for role, networks in execution.items()
    }


def _summarised(network: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in network.items() if key != "layers"}
    frame = pd.DataFrame(_rows(network))
    if frame.empty:
        return kept
    # What took no time was fused into another layer, or never runs.
    groups = frame[frame["ms"] > 0].groupby(["type", "executed"], as_index=False)
    types = groups.agg(layers=("layer", "count"), ms=("ms", "sum")).sort_values("ms", ascending=False)
    return {**kept, "layer_types": types.round({"ms": 4}).to_dict("records")}


def _rows(network: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    layers = [LayerTime(**given) for given in network.get("layers", ())]
    for layer, executed in zip(layers, executed_types(layers), strict=True):
        yield {
            "layer": layer.name,
            "type": layer.kind,
            "executed": executed,
            "exec_type": layer.exec_type,
            "ms": layer.microseconds / 1000 / network["replayed"],
            "operations": " ".join(layer.originals),
        }
