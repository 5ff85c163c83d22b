"""Files of ``profile=true`` in a run: the time of each layer and layer type, and a timeline of the stages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ocrbench.profiling.layers import LayerTime, executed_types
from ocrbench.records import Span

LAYERS, TRACE = "layers.csv", "trace.json"
# Process number in the timeline.
PROCESS = 1
INFER = "_infer"
COLUMNS = ("stage", "network", "layer", "type", "executed", "exec_type", "ms", "operations")


def profile_files(
    title: str, execution: Mapping[str, Mapping[str, Any]], spans: Mapping[int, Sequence[Span]]
) -> dict[str, str]:
    """Return the files of a profile, by name.

    Args:
        title: Title of the timeline.
        execution: Execution per stage and network, see ``runtime.Execution``, with the layers.
        spans: Spans per pipeline.
    """
    return {
        LAYERS: layer_frame(execution).to_csv(index=False),
        TRACE: json.dumps(chrome_trace(title, spans), separators=(",", ":")),
    }


def layer_frame(execution: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """List every layer in the order of execution, with its milliseconds per image.

    Args:
        execution: Execution per stage and network, see ``runtime.Execution``.
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
    # A layer without time was fused into another one, or never runs.
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


def chrome_trace(title: str, spans: Mapping[int, Sequence[Span]]) -> dict[str, Any]:
    """Draw each pipeline as a track; time begins with the first stage of all.

    The Trace Event Format (Google, 2016), which Perfetto and chrome://tracing open, has complete events (``X``) with
    microseconds, and metadata events (``M``).

    Args:
        title: Title of the timeline.
        spans: Spans per pipeline, see ``Pipeline.trace``.
    """
    origin = min((span.start_ns for each in spans.values() for span in each), default=0)
    events = [_named("process_name", 0, title)]
    for pipeline, noted in sorted(spans.items()):
        thread = pipeline + 1
        events.append(_named("thread_name", thread, f"pipeline {thread}"))
        events += [_event(span, thread, origin) for span in _with_ends(noted)]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _with_ends(spans: Sequence[Span]) -> Iterator[Span]:
    """Add the parts of each stage before its networks' first call (``_pre``) and after their last (``_post``)."""
    calls: list[Span] = []
    for span in spans:
        yield span
        if span.stage.endswith(INFER):
            calls.append(span)
        elif calls and calls[0].stage == span.stage + INFER:
            yield Span(f"{span.stage}_pre", span.start_ns, calls[0].start_ns)
            yield Span(f"{span.stage}_post", calls[-1].end_ns, span.end_ns)
            calls = []


def _named(kind: str, thread: int, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": PROCESS, "tid": thread, "args": {"name": name}}


def _event(span: Span, thread: int, origin: int) -> dict[str, Any]:
    event = {
        "name": span.stage,
        "cat": span.stage.partition("_")[0],
        "ph": "X",
        "ts": (span.start_ns - origin) / 1000,
        "dur": (span.end_ns - span.start_ns) / 1000,
        "pid": PROCESS,
        "tid": thread,
    }
    return {**event, "args": {"image": span.sample_id}} if span.sample_id else event
