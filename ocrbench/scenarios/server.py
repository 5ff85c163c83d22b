"""Scenario ``server``: images arrive at random, as from many independent users, and wait if necessary."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter_ns, sleep
from typing import ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT
from ocrbench.data.images import read_image
from ocrbench.engines.interface import Reader
from ocrbench.errors import DatasetError
from ocrbench.records import Image
from ocrbench.scenarios.interface import Block, Feed, Kind, ManySetup, Measurement
from ocrbench.scenarios.sharing import share


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ServerSetup(ManySetup):
    """The keys of ``conf/scenario/server.yaml``.

    Attributes:
        rate: Mean number of images per second; None lets all arrive at once.
        seed: Seed of the arrivals.
        bound_ms: Bound of the latency's 99th percentile.
        search: Whether to search for the highest rate that keeps the bound, also when it is tried again.
        tolerance: Share to which the search narrows the rate, and by which the result is below the highest rate that
            kept the bound.
    """

    # The images are decoded beforehand and kept in memory.
    block_images: ClassVar[int] = 64
    # Of 500 latencies, 5 are above the 99th percentile.
    block_queries: ClassVar[int] = 500

    rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0)
    bound_ms: float = Field(gt=0, allow_inf_nan=False)
    search: bool = False
    tolerance: float = Field(default=0.05, gt=0, le=1)

    @property
    def warming_up(self) -> Mapping[str, object]:
        """Let all images arrive at once, because warm-up gains nothing from waiting."""
        return {"rate": None}

    def least_seconds(self, images: int) -> float:
        """Return the arrival time of the last image."""
        return arrivals_ns(images, self.rate, self.seed)[-1] / 1e9 if images else 0.0


def server(readers: Sequence[Reader], feed: Feed, setup: ServerSetup) -> Block:
    """Let images arrive by a fixed schedule, whether or not earlier ones are done.

    Every different image is decoded before the first one arrives, so the feed must not have many. A latency runs from
    the scheduled arrival to the regions with text: it includes waiting for a reader, and any delay of this process.

    Args:
        readers: Readers, one per image in flight; other images wait, first come, first served.
        feed: (sample id, image file) pairs, possibly repeated, in the order of their arrival.
        setup: Setup with the rate.
    """
    images, skipped = _decode(feed)
    queries = [index for index, (sample_id, _) in enumerate(feed) if sample_id in images]
    due = dict(zip(queries, arrivals_ns(len(queries), setup.rate, setup.seed), strict=True))
    measurements: dict[int, Measurement] = {}
    start = perf_counter_ns()

    def work(reader: Reader, index: int) -> None:
        # A free reader takes the next image and waits for its arrival.
        sample_id = feed[index][0]
        sleep(max(0, start + due[index] - perf_counter_ns()) / 1e9)
        result = reader.read(images[sample_id])
        latency_ns = perf_counter_ns() - start - due[index]
        times = replace(result.times, latency_ns=latency_ns)
        measurements[index] = Measurement(
            sample_id=sample_id, regions=result.regions, times=times, first_seen=result.first_seen
        )

    share([partial(work, reader) for reader in readers], queries)
    wall_ns = perf_counter_ns() - start
    for index, (sample_id, _) in enumerate(feed):
        if sample_id in skipped:
            measurements[index] = Measurement(sample_id=sample_id, skipped=skipped[sample_id])
    return Block(measurements=tuple(measurements[index] for index in range(len(feed))), wall_ns=wall_ns)


def arrivals_ns(count: int, rate: float | None, seed: int) -> list[int]:
    """Draw the arrivals of a Poisson process: the times between them are exponential and independent.

    The same seed gives the same pattern at any rate, scaled in time.

    Args:
        count: Number of arrivals.
        rate: Arrivals per second; None for all at once.
        seed: Seed of the pattern.

    >>> arrivals_ns(2, None, 0), arrivals_ns(2, 10.0, 0), arrivals_ns(2, 20.0, 0)
    ([0, 0], [67993190, 169952901], [33996595, 84976450])
    """
    if rate is None:
        return [0] * count
    gaps = np.random.Generator(np.random.PCG64(seed)).standard_exponential(count)
    return [round(due / rate * 1e9) for due in np.cumsum(gaps).tolist()]


def _decode(feed: Feed) -> tuple[dict[str, Image], dict[str, str]]:
    images: dict[str, Image] = {}
    skipped: dict[str, str] = {}
    for sample_id, path in dict(feed).items():
        try:
            images[sample_id] = read_image(path)
        except DatasetError as error:
            skipped[sample_id] = str(error)
    return images, skipped


KIND = Kind(setup=ServerSetup, run=server)
