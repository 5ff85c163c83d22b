"""Scenario ``latency``: one image at a time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns

from ocrbench.data.images import read_image
from ocrbench.engines.interface import Reader
from ocrbench.errors import DatasetError
from ocrbench.scenarios.interface import Block, Feed, Kind, Measurement, UnseenSetup


def latency(readers: Sequence[Reader], feed: Feed, setup: UnseenSetup) -> Block:
    """Measure one image at a time: read, then run; the next image starts when the last one is done.

    Args:
        readers: Readers, of which the first is used.
        feed: (sample id, image file) pairs.
        setup: Setup, which is not used.
    """
    start = perf_counter_ns()
    measurements = tuple(_measure(readers[0], sample_id, path) for sample_id, path in feed)
    return Block(measurements=measurements, wall_ns=perf_counter_ns() - start)


def _measure(reader: Reader, sample_id: str, path: Path) -> Measurement:
    start = perf_counter_ns()
    try:
        image = read_image(path)
    except DatasetError as error:
        return Measurement(sample_id=sample_id, skipped=str(error))
    end = perf_counter_ns()
    reader.note("read", start, end, sample_id)
    result = reader.read(image)
    return Measurement.of(sample_id, result, replace(result.times, read_ns=end - start))


KIND = Kind(run=latency, setup=UnseenSetup, paired=True)
