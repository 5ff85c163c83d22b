"""The stages of the pipelines over time, in the Trace Event Format that Perfetto and chrome://tracing open.

See Google, "Trace Event Format" (2016): complete events (``X``) with microseconds, and metadata events (``M``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocrbench.records import Span

PROCESS = 1
INFER = "_infer"


def chrome_trace(title: str, spans: Mapping[int, Sequence[Span]]) -> dict[str, Any]:
    """Draw each pipeline as a track of its own; time begins with the first stage of all.

    Args:
        title: Of the whole.
        spans: Per pipeline, see ``Pipeline.trace``.
    """
    origin = min((span.start_ns for each in spans.values() for span in each), default=0)
    events = [_named("process_name", 0, title)]
    for pipeline, noted in sorted(spans.items()):
        thread = pipeline + 1
        events.append(_named("thread_name", thread, f"pipeline {thread}"))
        events += [_event(span, thread, origin) for span in _with_ends(noted)]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _with_ends(spans: Sequence[Span]) -> Iterator[Span]:
    """Add to each stage what comes before its networks' first call (``_pre``) and after their last (``_post``)."""
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
