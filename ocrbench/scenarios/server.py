"""Scenario ``server``: images arrive at random, as from many independent users, and wait if necessary."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
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
from ocrbench.errors import DatasetError
from ocrbench.records import Column, Image, Score, filled
from ocrbench.scenarios.interface import LATENCY, Attempt, Block, Feed, Kind, ManySetup, Measurement, Measuring
from ocrbench.scenarios.rate_search import Served, search_rate
from ocrbench.scenarios.throughput import share

RATE = "server_rate_ips"
# Points in time at which the length of the queue is recorded: after these shares of the arrivals.
MOMENTS = (0.25, 0.5, 0.75, 1.0)
# A queue that was shorter at each moment before, and is longer than this per reader at the end, only grows.
LONG_QUEUE = 3


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

    def in_pass(self, number: int) -> Mapping[str, object]:
        """Let each block of images arrive in a pattern of its own."""
        return {"seed": self.seed + number}

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
    done: dict[int, int] = {}
    start = perf_counter_ns()

    def work(reader: Reader, index: int) -> None:
        # A free reader takes the next image and waits for its arrival.
        sample_id = feed[index][0]
        sleep(max(0, start + due[index] - perf_counter_ns()) / 1e9)
        result = reader.read(images[sample_id])
        done[index] = perf_counter_ns() - start
        latency_ns = done[index] - due[index]
        measurements[index] = Measurement.of(sample_id, result, replace(result.times, latency_ns=latency_ns))

    share([partial(work, reader) for reader in readers], queries)
    wall_ns = perf_counter_ns() - start
    facts = {"readers": len(readers), **_facts([due[index] for index in queries], [done[index] for index in queries])}
    for index, (sample_id, _) in enumerate(feed):
        if sample_id in skipped:
            measurements[index] = Measurement(sample_id=sample_id, skipped=skipped[sample_id])
    in_order = tuple(measurements[index] for index in range(len(feed)))
    return Block(measurements=in_order, wall_ns=wall_ns, facts=facts)


def _facts(due_ns: Sequence[int], done_ns: Sequence[int]) -> dict[str, Any]:
    """Return the realised rate, and how many images were waiting or being read as time went by."""
    if not due_ns or not due_ns[-1]:
        return {}
    ended = np.sort(done_ns)
    arrived = [max(1, round(len(due_ns) * moment)) for moment in MOMENTS]
    queue = [count - int(np.searchsorted(ended, due_ns[count - 1], side="right")) for count in arrived]
    return {"realised_ips": len(due_ns) / (due_ns[-1] / 1e9), "queue": queue}


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

    In a search, the patterns that confirmed the rate are what was measured. The images that arrive are drawn once from
    all, as many as a block holds, and come in another order in each pattern.
    """
    if not setup.search:
        measuring.passes()
        return
    drawn = [(each.id, each.image_path) for each in choose(measuring.readable(), setup.block_images, setup.seed)]
    if not drawn:
        return
    queries = drawn * -(-setup.block_queries // len(drawn))
    flood = measuring.attempt(queries, {"rate": None})
    if not flood.latencies_ns:
        return
    tried: list[Attempt] = []

    def attempt(rate: float, number: int) -> Served:
        seed = setup.seed + number
        tried.append(measuring.attempt(random.Random(seed).sample(queries, len(queries)), {"rate": rate, "seed": seed}))
        return _served(tried[-1], arrivals_ns(len(tried[-1].latencies_ns), rate, seed))

    found = search_rate(
        attempt,
        _served(flood, [0] * len(flood.latencies_ns)),
        flood.facts["readers"],
        setup.bound_ms,
        measuring.say,
    )
    facts = {
        "searched_images": len(drawn),
        "rate": found.rate,
        "holding_share": found.holding,
        "rate_steps": [asdict(step) for step in found.steps],
        "intervals": {RATE: [found.low, found.high]},
    }
    measuring.keep([tried[number] for number in found.numbers], facts)


def _served(attempt: Attempt, due_ns: Sequence[int]) -> Served:
    return Served(
        due_s=np.array(due_ns) / 1e9,
        service_s=np.array(attempt.services_ns) / 1e9,
        latency_s=np.array(attempt.latencies_ns) / 1e9,
    )


def scores(setup: ServerSetup, latencies_ns: Sequence[int], facts: Mapping[str, Any]) -> list[Score]:
    """Return the rate of arrivals and the share of the images that were answered within the bound.

    >>> [score.value for score in scores(ServerSetup(rate=4.0, bound_ms=2.0), [1_000_000, 3_000_000], {})]
    [4.0, 0.5]
    """
    rate = facts.get("rate", setup.rate)
    if rate is None:
        return []
    within = sum(each <= setup.bound_ms * 1e6 for each in latencies_ns)
    values = {RATE: (rate, "images/s"), "server_within_bound": (within / len(latencies_ns), "ratio")}
    if "realised_ips" in facts:
        values["server_realised_ips"] = (facts["realised_ips"], "images/s")
    return [
        Score(stage="end_to_end", metric=name, value=value, unit=unit, higher_is_better=True, n=len(latencies_ns))
        for name, (value, unit) in values.items()
    ]


def decisive(options: Options) -> str:
    """Decide by the rate if it was searched for; else the user asked for it, and the latency decides."""
    return RATE if options.get("search") else LATENCY


def doubts(facts: Mapping[str, Any]) -> list[str]:
    """Say if the queue only grew: its latencies depend on how long it was measured.

    >>> doubts({"readers": 2, "queue": [4, 9, 15, 20]})
    ['overloaded: the queue only grew, to 20 images']
    >>> doubts({"readers": 2, "queue": [4, 2, 5, 3]}), doubts({})
    ([], [])
    """
    queue = facts.get("queue", [])
    if not queue or queue != sorted(set(queue)) or queue[-1] <= LONG_QUEUE * facts["readers"]:
        return []
    return [f"overloaded: the queue only grew, to {queue[-1]} images"]


def _column(name: str, heading: str, unit: str, decimals: int, meaning: str) -> Column:
    return Column(
        name=name,
        heading=heading,
        group="speed",
        unit=unit,
        decimals=decimals,
        higher_is_better=True,
        meaning=meaning,
        matters=filled,
    )


COLUMNS = (
    _column(
        RATE,
        "Rate of the server",
        "images/s",
        2,
        "mean number of images that arrive per second; with `scenario.search=true` the highest rate found at which the "
        "99th percentile is within the bound in every pattern of arrivals that was tried",
    ),
    _column(
        "server_realised_ips",
        "Realised rate",
        "images/s",
        2,
        "number of images that arrived per second in the last pattern, which differs from the mean by chance",
    ),
    _column(
        "server_within_bound",
        "Share within the bound",
        "ratio",
        3,
        "share of the images that were answered within `scenario.bound_ms`",
    ),
)
KIND = Kind(
    run=server, setup=ServerSetup, decisive=decisive, columns=COLUMNS, scores=scores, measure=measure, doubts=doubts
)
