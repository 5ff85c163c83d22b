"""Scenario ``server``: images arrive at random, as from many independent users, and wait if necessary."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from dataclasses import dataclass as plain_dataclass
from functools import partial
from time import perf_counter_ns, sleep
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT, Options
from ocrbench.data import choose
from ocrbench.data.images import read_image
from ocrbench.engines.interface import Reader
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.records import Column, Image, Score, filled
from ocrbench.scenarios.interface import LATENCY, Attempt, Block, Feed, Kind, ManySetup, Measurement, Measuring
from ocrbench.scenarios.throughput import share

# A pipeline that cannot even serve this part of its own throughput in time never will.
LEAST_SHARE = 1 / 16
# So often the rate found must keep the bound.
CONFIRMATIONS = 2


@plain_dataclass(frozen=True, kw_only=True)
class Step:
    """One rate that was tried.

    Attributes:
        rate: Arrivals per second, on average.
        p99_ms: The 99th percentile of the latencies.
        fastest_ms: The shortest of the latencies.
        queries: How many latencies there are.
        kept: Whether it is within the bound.
    """

    rate: float
    p99_ms: float
    fastest_ms: float
    queries: int
    kept: bool

    @property
    def sentence(self) -> str:
        """Say it to people."""
        verdict = "within" if self.kept else "above"
        return f"{self.rate:.2f} images/s: p99 {self.p99_ms:.0f} ms of {self.queries}, {verdict} the bound"


def search_rate(
    attempt: Callable[[float], Sequence[int]], ceiling: float, bound_ms: float, tolerance: float
) -> Iterator[Step]:
    """Halve the interval between a rate that keeps the bound and one that does not, then confirm a rate below both.

    The highest of many rates that kept the bound once may have been lucky, and at the very limit a rate keeps it at
    times only. So the rate found is lower by the tolerance than the highest that kept the bound, and must keep it
    repeatedly. One that does not gives way to a lower one, each time by twice as much, which must be confirmed as well.

    Args:
        attempt: Lets images arrive at a rate and returns their latencies in nanoseconds.
        ceiling: The highest rate to try: what the pipeline does when it never has to wait for an image.
        bound_ms: What the 99th percentile must not exceed.
        tolerance: How close the two rates are in the end: the failing one is at most ``1 + tolerance`` times the other.
            Also how far below them the rate found is.

    Yields:
        Each step when it is done; the last one is that of the rate found.

    Raises:
        ConfigError: Not even a small part of the ceiling keeps the bound, or not even the fastest image does.
    """

    def tried(rate: float) -> Step:
        step = _step(rate, attempt(rate), bound_ms)
        if not step.kept and rate < ceiling * LEAST_SHARE:
            message = f"scenario.bound_ms={bound_ms:g}: at {rate:.2g} images/s p99 is {step.p99_ms:.0f} ms already"
            raise ConfigError(message)
        return step

    low, high = 0.0, ceiling
    step = tried(ceiling)
    yield step
    if step.kept:
        low = ceiling
    elif step.fastest_ms > bound_ms:
        # One of them had not to wait, so fewer arrivals would not help.
        message = f"scenario.bound_ms={bound_ms:g}: even the fastest image takes {step.fastest_ms:.0f} ms"
        raise ConfigError(message)
    while high > low * (1 + tolerance):
        step = tried((low + high) / 2)
        yield step
        low, high = (step.rate, high) if step.kept else (low, step.rate)
    yield from _confirm(tried, low, 1 + tolerance)


def _confirm(tried: Callable[[float], Step], highest: float, lowering: float) -> Iterator[Step]:
    """Lower a rate until it keeps the bound ``CONFIRMATIONS`` times."""
    confirmed, rate = 0, highest / lowering
    while confirmed < CONFIRMATIONS:
        step = tried(rate)
        yield step
        if step.kept:
            confirmed += 1
        else:
            confirmed, lowering = 0, lowering**2
            rate /= lowering


def _step(rate: float, latencies_ns: Sequence[int], bound_ms: float) -> Step:
    latencies_ms = np.asarray(latencies_ns) / 1e6
    p99_ms = float(np.percentile(latencies_ms, 99))
    fastest_ms = float(latencies_ms.min())
    return Step(rate=rate, p99_ms=p99_ms, fastest_ms=fastest_ms, queries=len(latencies_ms), kept=p99_ms <= bound_ms)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ServerSetup(ManySetup):
    """The keys of ``conf/scenario/server.yaml``.

    Attributes:
        rate: Mean number of images per second; None lets all arrive at once.
        seed: Seed of the arrivals.
        bound_ms: Bound of the latency's 99th percentile.
        search: Whether to search for the highest rate that keeps the bound, also when it is tried again.
    """

    # The images are decoded beforehand and kept in memory.
    block_images: ClassVar[int] = 64
    # Of 500 latencies, 5 are above the 99th percentile.
    block_queries: ClassVar[int] = 500
    # How close the search comes, and how far the rate found is below the highest that kept the bound.
    tolerance: ClassVar[float] = 0.05

    rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0)
    bound_ms: float = Field(gt=0, allow_inf_nan=False)
    search: bool = False

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


def measure(setup: ServerSetup, measuring: Measuring) -> None:
    """Measure in passes, or search for the highest rate that keeps the bound.

    In a search, what was measured when the rate found was last confirmed is what counts. The images that arrive are
    drawn once from all, as many as a block holds.
    """
    if not setup.search:
        measuring.passes()
        return
    drawn = [(each.id, each.image_path) for each in choose(measuring.readable(), setup.block_images, setup.seed)]
    if not drawn:
        return
    queries = drawn * -(-setup.block_queries // len(drawn))
    tried: dict[float | None, Attempt] = {}

    def attempt(rate: float | None) -> Sequence[int]:
        if rate is not None:
            seconds = replace(setup, rate=rate).least_seconds(len(queries))
            measuring.say(f"{rate:.2f} images/s: {len(queries)} arrive within {seconds:.0f} s")
        tried[rate] = measuring.attempt(queries, {"rate": rate})
        return tried[rate].latencies_ns

    if not attempt(None):
        return
    ceiling = tried[None].images / (tried[None].wall_ns / 1e9)
    steps = []
    for step in search_rate(attempt, ceiling, setup.bound_ms, setup.tolerance):
        steps.append(step)
        measuring.say(step.sentence)
    found = {"searched_images": len(drawn), "rate_steps": [asdict(step) for step in steps]}
    measuring.keep(tried[steps[-1].rate], found)


def scores(setup: ServerSetup, latencies_ns: Sequence[int], facts: Mapping[str, Any]) -> list[Score]:
    """Return the rate of arrivals and the share of the images that were answered within the bound.

    >>> [score.value for score in scores(ServerSetup(rate=4.0, bound_ms=2.0), [1_000_000, 3_000_000], {})]
    [4.0, 0.5]
    """
    steps = facts.get("rate_steps")
    rate = steps[-1]["rate"] if steps else setup.rate
    if rate is None:
        return []
    within = sum(each <= setup.bound_ms * 1e6 for each in latencies_ns)
    values = {"server_rate_ips": (rate, "images/s"), "server_within_bound": (within / len(latencies_ns), "ratio")}
    return [
        Score(stage="end_to_end", metric=name, value=value, unit=unit, higher_is_better=True, n=len(latencies_ns))
        for name, (value, unit) in values.items()
    ]


def decisive(options: Options) -> str:
    """Decide by the rate if it was searched for; else the user asked for it, and the latency decides."""
    return "server_rate_ips" if options.get("search") else LATENCY


COLUMNS = (
    Column(
        name="server_rate_ips",
        heading="Rate of the server",
        group="speed",
        unit="images/s",
        decimals=2,
        higher_is_better=True,
        meaning="number of images that arrived per second; with `scenario.search=true` the highest rate found whose "
        "99th percentile is within the bound, less a margin",
        matters=filled,
    ),
    Column(
        name="server_within_bound",
        heading="Share within the bound",
        group="speed",
        unit="ratio",
        decimals=3,
        higher_is_better=True,
        meaning="share of the images that were answered within `scenario.bound_ms`",
        matters=filled,
    ),
)
KIND = Kind(run=server, setup=ServerSetup, decisive=decisive, columns=COLUMNS, scores=scores, measure=measure)
