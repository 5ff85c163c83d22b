"""A worker that is slower by a known share, for tests of comparisons.

Python imports this when it starts with this folder in ``PYTHONPATH``. With ``SLOWDOWN=0.03`` in the environment each
image then takes 3 % longer. So one side of a comparison is slowed down by the words
``env.PYTHONPATH=tests/slowed:. env.SLOWDOWN=0.03``.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from time import perf_counter_ns

from ocrbench.engines.interface import Result
from ocrbench.engines.pipeline import Pipeline
from ocrbench.records import Image


def slow_down(share: float) -> None:
    """Let every pipeline of this process wait busily, for a share of the time that it took."""
    read_together = Pipeline.read_together

    def read_slowly(pipeline: Pipeline, images: Iterable[Image]) -> list[Result]:
        start = perf_counter_ns()
        results = read_together(pipeline, images)
        done = perf_counter_ns()
        until = done + (done - start) * share
        while (end := perf_counter_ns()) < until:
            pass
        return [
            replace(each, times=replace(each.times, latency_ns=each.times.latency_ns + end - done)) for each in results
        ]

    Pipeline.read_together = read_slowly  # type: ignore[method-assign]


if share := os.environ.get("SLOWDOWN"):
    slow_down(float(share))
