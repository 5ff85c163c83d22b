"""What ``profile=true`` leaves in a run's folder: the time of each layer, and a timeline of the stages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ocrbench.profile.layers import layer_frame, summarised
from ocrbench.profile.timeline import chrome_trace
from ocrbench.records import Span

__all__ = ["LAYERS", "TRACE", "chrome_trace", "layer_frame", "profile_files", "summarised"]

LAYERS, TRACE = "layers.csv", "trace.json"


def profile_files(
    title: str, execution: Mapping[str, Mapping[str, Any]], spans: Mapping[int, Sequence[Span]]
) -> dict[str, str]:
    """Write the files of a profile, by name.

    Args:
        title: Of the timeline.
        execution: Per stage and network, see ``runtime.Execution``, with the layers.
        spans: Per pipeline.
    """
    return {
        LAYERS: layer_frame(execution).to_csv(index=False),
        TRACE: json.dumps(chrome_trace(title, spans), separators=(",", ":")),
    }
