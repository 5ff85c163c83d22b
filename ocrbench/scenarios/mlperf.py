"""Scenario ``mlperf``: MLPerf's LoadGen decides when which image comes, how long the test is, and whether it is valid.

See MLCommons, "MLPerf Inference Rules" and ``mlcommons-loadgen`` (extra ``mlperf``). ocrbench provides the "system
under test", which is the readers, and the "query sample library", which is the decoded images.
"""

import array
import importlib
import importlib.util
import json
import queue
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from threading import Thread
from time import perf_counter_ns, sleep
from typing import Any, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import STRICT, Options
from ocrbench.data.images import read_image
from ocrbench.engines.interface import Reader
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.records import Column, Image, Score, Value, filled
from ocrbench.scenarios.interface import Block, Feed, Kind, ManySetup, Measurement, Setup, with_spare
from ocrbench.scenarios.throughput import ThroughputSetup, share, throughput

LOGS = ("mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json")
# Prefix of lines in LoadGen's detailed log; JSON follows.
MARK = ":::MLLOG "
# LoadGen's names of latencies, and which of them have a column.
LATENCIES = re.compile(r"result_(?:(?P<percentile>[0-9.]+)_percentile|mean)(?:_per_query)?_latency_ns")
STATISTICS = {"mean": "mean", "50.00": "p50", "90.00": "p90", "99.00": "p99"}
# Time for queries that can no longer be answered, so that LoadGen does not send ever more of them.
FAILED_SECONDS = 0.01
# Greatest number of decoded images in memory.
LOADED_IMAGES = 64
# Number of images that arrive together in MultiStream, by MLPerf's rules.
SAMPLES_PER_QUERY = 8
# Number of images over which Offline's rate is measured. If the expected rate is too high, Offline sends for longer
# than the shortest duration; if it is too low, the result is invalid.
PROBED_IMAGES = 32
SPARE_RATE = 1.25


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MlperfSetup(ManySetup):
    """The keys of ``conf/scenario/mlperf*.yaml``; the names of ``traffic`` and ``goal`` are LoadGen's.

    Attributes:
        goal: Mode of the test; ``None`` warms up: every image once, without LoadGen.
        rate: Images per second: the rate of Server, or the expected rate of Offline, which determines its number of
            images; None measures it beforehand.
        bound_ms: Bound of the latency's 99th percentile, for Server.
        min_duration_seconds: Least duration of a test.
        min_queries: Least number of queries.
    """

    # LoadGen gets all images at once.
    block_images: ClassVar[int] = sys.maxsize

    traffic: Literal["SingleStream", "MultiStream", "Offline", "Server"]
    goal: Literal["PerformanceOnly", "AccuracyOnly"] | None
    rate: float | None = Field(gt=0, allow_inf_nan=False)
    bound_ms: float = Field(gt=0, allow_inf_nan=False)
    min_duration_seconds: float = Field(ge=0, allow_inf_nan=False)
    min_queries: int = Field(ge=1)

    def in_flight(self, optimum: int) -> int:
        """Return the chosen number, or one that keeps the device busy; one if LoadGen waits for each answer."""
        return self.requests or (with_spare(optimum) if self.traffic == "Offline" else optimum)

    @property
    def properties(self) -> Options:
        """Return those of one image at a time, or of many."""
        return Setup().properties if self.traffic == "SingleStream" else super().properties

    @property
    def warming_up(self) -> Mapping[str, object]:
        """Leave LoadGen out."""
        return {"goal": None}

    def least_seconds(self, images: int) -> float:
        """Return the least time for which LoadGen sends."""
        sending = self.min_queries / self.rate if self.traffic == "Server" and self.rate else 0.0
        return max(self.min_duration_seconds, sending) if self.goal == "PerformanceOnly" else 0.0

    def check(self) -> None:
        """Check that LoadGen is installed.

        Raises:
            ConfigError: LoadGen is missing, or Server has no rate.
        """
        if self.traffic == "Server" and self.rate is None:
            message = "scenario.rate=null: scenario.traffic=Server needs a rate, in images per second"
            raise ConfigError(message)
        if importlib.util.find_spec("mlperf_loadgen") is None:
            message = "scenario=mlperf needs LoadGen: pip install 'ocrbench[mlperf]'"
            raise ConfigError(message)


def mlperf(readers: Sequence[Reader], feed: Feed, setup: MlperfSetup) -> Block:
    """Let LoadGen drive the readers.

    Args:
        readers: Readers, one per image in flight.
        feed: (sample id, image file) pairs: LoadGen's sample library.
        setup: LoadGen's settings.

    Returns:
        One measurement per image that LoadGen sent, its results, and its log files.
    """
    if setup.goal is None:
        return throughput(readers, feed, ThroughputSetup())
    if setup.traffic == "Offline" and setup.rate is None:
        setup = replace(setup, rate=SPARE_RATE * _rate(readers, feed))
    loadgen = importlib.import_module("mlperf_loadgen")
    with tempfile.TemporaryDirectory() as folder:
        system = _System(loadgen, readers, feed)
        start = perf_counter_ns()
        system.run(_settings(loadgen, setup), _logging(loadgen, folder), min(LOADED_IMAGES, len(feed)))
        wall_ns = perf_counter_ns() - start
        logs = {name: (Path(folder) / name).read_text(encoding="utf-8") for name in LOGS}
    return Block(measurements=tuple(system.measurements), wall_ns=wall_ns, facts=results(logs[LOGS[1]]), files=logs)


def _rate(readers: Sequence[Reader], feed: Feed) -> float:
    """Measure the number of images read per second."""
    block = throughput(readers, list(islice(cycle(feed), PROBED_IMAGES)), ThroughputSetup())
    read = sum(not each.skipped for each in block.measurements)
    return max(read, 1) * 1e9 / block.wall_ns


def results(detail: str) -> dict[str, Any]:
    r"""Parse the results in LoadGen's detailed log.

    >>> results(':::MLLOG {"key": "result_validity", "value": "VALID"}\n:::MLLOG {"key": "seed", "value": 1}\n')
    {'result_validity': 'VALID'}
    """
    entries = [json.loads(line.removeprefix(MARK)) for line in detail.splitlines() if line.startswith(MARK)]
    return {
        each["key"]: each["value"]
        for each in entries
        if each["key"].startswith(("result_", "early_stopping_")) or each["key"] in ("num_errors", "loadgen_version")
    }


class _System:
    """The system under test: threads that answer LoadGen's queries, and a library of decoded images."""

    def __init__(self, loadgen: Any, readers: Sequence[Reader], feed: Feed) -> None:  # noqa: ANN401 - no stubs
        self._loadgen, self._readers, self._feed = loadgen, readers, feed
        self._images: dict[int, Image] = {}
        self._failures: list[Exception] = []
        # LoadGen sends numbers only, so the queue is small.
        self._queries: queue.SimpleQueue[tuple[Any, int] | None] = queue.SimpleQueue()
        self.measurements: list[Measurement] = []

    def run(self, settings: object, logging: object, loaded: int) -> None:
        """Run a whole test.

        Raises:
            Exception: The first exception of a reader.
        """
        loadgen = self._loadgen
        workers: list[Callable[[tuple[Any, int] | None], None]] = [
            partial(self._answer, each) for each in self._readers
        ]
        threads = Thread(target=share, args=(workers, iter(self._queries.get, None)), name="answers")
        system = loadgen.ConstructSUT(self._issue, lambda: None)
        library = loadgen.ConstructQSL(len(self._feed), loaded, self._load, self._unload)
        threads.start()
        try:
            loadgen.StartTestWithLogSettings(system, library, settings, logging, "")
        finally:
            self._queries.put(None)
            threads.join()
            loadgen.DestroyQSL(library)
            loadgen.DestroySUT(system)
        if self._failures:
            raise self._failures[0]

    def _issue(self, samples: Sequence[Any]) -> None:
        now = perf_counter_ns()
        for sample in samples:
            self._queries.put((sample, now))

    def _answer(self, reader: Reader, query: tuple[Any, int] | None) -> None:
        """Answer one query. LoadGen waits for every answer, so it gets one even after an error."""
        assert query is not None
        sample, issued = query
        said = b""
        try:
            if self._failures:
                sleep(FAILED_SECONDS)
            elif sample.index in self._images:
                said = self._read(reader, sample.index, issued)
        except Exception as error:  # noqa: BLE001 - raised when LoadGen has ended
            self._failures.append(error)
        buffer = array.array("B", said)
        address, length = buffer.buffer_info()
        self._loadgen.QuerySamplesComplete([self._loadgen.QuerySampleResponse(sample.id, address, length)])

    def _read(self, reader: Reader, index: int, issued: int) -> bytes:
        result = reader.read(self._images[index])
        times = replace(result.times, latency_ns=perf_counter_ns() - issued)
        self.measurements.append(Measurement.of(self._feed[index][0], result, times))
        return json.dumps([asdict(region) for region in result.regions]).encode()

    def _load(self, indices: Sequence[int]) -> None:
        for index in indices:
            sample_id, path = self._feed[index]
            try:
                self._images[index] = read_image(path)
            except DatasetError as error:
                self.measurements.append(Measurement(sample_id=sample_id, skipped=str(error)))

    def _unload(self, indices: Sequence[int]) -> None:
        for index in indices:
            self._images.pop(index, None)


def _settings(loadgen: Any, setup: MlperfSetup) -> Any:  # noqa: ANN401 - no stubs
    settings = loadgen.TestSettings()
    settings.scenario = getattr(loadgen.TestScenario, setup.traffic)
    settings.mode = getattr(loadgen.TestMode, str(setup.goal))
    settings.min_duration_ms = round(setup.min_duration_seconds * 1000)
    settings.min_query_count = setup.min_queries
    if setup.rate is not None:
        settings.offline_expected_qps = settings.server_target_qps = setup.rate
    settings.server_target_latency_ns = round(setup.bound_ms * 1e6)
    settings.multi_stream_samples_per_query = SAMPLES_PER_QUERY
    return settings


def _logging(loadgen: Any, folder: str) -> Any:  # noqa: ANN401 - no stubs
    logging = loadgen.LogSettings()
    logging.log_output.outdir = folder
    logging.log_output.copy_summary_to_stdout = False
    logging.enable_trace = False
    return logging


def _verdict(run: Any) -> Value:  # noqa: ANN401 - a Run
    verdict = run.conditions.get("facts", {}).get("result_validity")
    return f"{run.config['scenario']['options']['traffic']} {verdict}" if verdict else ""


COLUMNS = (
    Column(
        name="loadgen",
        group="speed",
        meaning="LoadGen's traffic, and VALID or INVALID by its rules",
        matters=filled,
        value=_verdict,
    ),
)


def scores(setup: Setup | None, latencies_ns: Sequence[int], facts: Mapping[str, Any]) -> list[Score]:
    """Take LoadGen's own latencies, as a submission would: its percentiles are order statistics, without interpolation.

    In MultiStream they are of queries of 8 images; LoadGen reports none in Offline, and none in AccuracyOnly.

    >>> facts = {"result_90.00_percentile_latency_ns": 2_000_000}
    >>> [(each.metric, each.value) for each in scores(None, [2_100_000], facts)]
    [('latency_p90_ms', 2.0)]
    """
    found = {}
    for key, nanoseconds in facts.items():
        if named := LATENCIES.fullmatch(key):
            found[named["percentile"] or "mean"] = float(nanoseconds) / 1e6
    return [
        Score(
            stage="end_to_end",
            metric=f"latency_{statistic}_ms",
            value=value,
            unit="ms",
            higher_is_better=False,
            n=len(latencies_ns),
        )
        for name, value in found.items()
        if (statistic := STATISTICS.get(name))
    ]


KIND = Kind(run=mlperf, setup=MlperfSetup, columns=COLUMNS, scores=scores)
