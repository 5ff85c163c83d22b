"""How images are fed to the pipeline. Nothing here logs or reports: these are the timed regions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter_ns

from ocrbench.data.images import read_image
from ocrbench.errors import DatasetError
from ocrbench.pipeline import Pipeline
from ocrbench.records import Region, StageTimes

Feed = Sequence[tuple[str, Path]]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One image, measured once.

    Attributes:
        skipped: Why the image was left out; then there are no times.
        first_seen: Whether a network met an input shape for the first time.
    """

    sample_id: str
    regions: tuple[Region, ...] = ()
    times: StageTimes | None = None
    first_seen: bool = False
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some images, measured in one go.

    Attributes:
        wall_ns: From the first image's reading to the last one's text.
    """

    measurements: tuple[Measurement, ...]
    wall_ns: int


def latency(pipeline: Pipeline, feed: Feed) -> Block:
    """Measure one image at a time: read, then run; the next begins when the last has ended.

    Args:
        pipeline: The compiled pipeline.
        feed: (sample id, image file) pairs.
    """
    start = perf_counter_ns()
    measurements = tuple(_measure(pipeline, sample_id, path) for sample_id, path in feed)
    return Block(measurements=measurements, wall_ns=perf_counter_ns() - start)


SCENARIOS: dict[str, Callable[[Pipeline, Feed], Block]] = {
    "latency": latency,
}


def _measure(pipeline: Pipeline, sample_id: str, path: Path) -> Measurement:
    start = perf_counter_ns()
    try:
        image = read_image(path)
    except DatasetError as error:
        return Measurement(sample_id=sample_id, skipped=str(error))
    read_ns = perf_counter_ns() - start
    result = pipeline.run(image)
    return Measurement(
        sample_id=sample_id,
        regions=result.regions,
        times=replace(result.times, read_ns=read_ns),
        first_seen=result.first_seen,
    )
