"""The process that converts and measures: ``python -m ocrbench.worker``.

It reads one JSON request a line from standard input and answers with JSON lines on standard output:

=============  =========================================  =========================================================
command        request                                    answer
=============  =========================================  =========================================================
``describe``   –                                          versions, host, source
``convert``    cell, roles, like_int8                     artifacts
``load``       cell, artifacts, cores                     compile times
``run``        samples: [[id, path], …], changes, claims  measurements, taken, wall_ns, ended_ns, usage, …
``attest``     samples                                    execution per stage
``time``       cell, role, artifacts, shape, calls        each call of the role's first network: ms, ms inside OpenVINO
``fork``       –                                          process id
``leave``      –                                          –
``close``      –                                          –
=============  =========================================  =========================================================

After ``fork`` a copy of the process answers, until ``leave`` ends it: a fresh process without the time that starting an
interpreter takes. It must come before anything was loaded, since threads do not survive it.

Only processes that share images are given ``cores``, the ones that they may use, and ``claims``, a folder in which each
claims what it takes. With ``like_int8``, float networks are rewritten only as INT8 ones are.

A line ``{"event": "progress", "text": …}`` may come before the answer, and ``{"event": "warning", "text": …}`` for each
warning that ocrbench logs; ``{"event": "error", "kind": …, "message": …}`` comes instead of it. Libraries that print
cannot disturb the protocol: their standard output is standard error here.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any, TextIO

from ocrbench import environment, errors
from ocrbench.config import Cell, Stage, validate
from ocrbench.convert.converter import convert_detector, convert_recognizer
from ocrbench.data.images import read_image
from ocrbench.environment.usage import usage_so_far
from ocrbench.errors import DeviceError, OcrBenchError, WorkerError, last_line
from ocrbench.models import build_detector, build_recognizer
from ocrbench.pipeline import Pipeline, Result
from ocrbench.records import Artifact, Graph, Image, Network, artifacts_from_plain, artifacts_to_plain, metadata_of
from ocrbench.runtime import CompiledNetwork, Settings, check_device
from ocrbench.scenarios import SCENARIOS, Setup, setup_of

Request = Mapping[str, Any]
SLOWDOWN = "OCRBENCH_TEST_SLOWDOWN"
# How often the images are replayed to time each layer.
PROFILE_PASSES = 3


class Session:
    """What one worker holds between requests: compiled networks, and one or more pipelines through them."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._cell: Cell | None = None
        self._setup = Setup()
        self._pipelines: list[Pipeline] = []
        self._networks: dict[str, dict[str, CompiledNetwork]] = {}

    def describe(self, request: Request) -> Request:
        """Say what this process runs on."""
        return environment.describe()

    def convert(self, request: Request) -> Request:
        """Convert the models of a cell, or find them in the cache."""
        cell = validate(Cell, request["cell"])
        convert = {"detector": convert_detector, "recognizer": convert_recognizer}
        like_int8 = request.get("like_int8", False)
        return {
            role: artifacts_to_plain(convert[role](cell, self._tell, like_int8=like_int8)) for role in request["roles"]
        }

    def load(self, request: Request) -> Request:
        """Compile both models and build as many pipelines as images are to be in flight."""
        if "cores" in request:
            # Before OpenVINO looks at how many there are. Threads that are started later inherit it.
            os.sched_setaffinity(0, request["cores"])
        cell = self._cell = validate(Cell, request["cell"])
        self._setup = setup_of(cell.scenario)
        check_device(cell.detector.device)
        check_device(cell.recognizer.device)
        artifacts = {role: artifacts_from_plain(given) for role, given in request["artifacts"].items()}
        detector = build_detector(cell.detector, metadata_of(artifacts["detector"]))
        recognizer = build_recognizer(cell.recognizer, metadata_of(artifacts["recognizer"]))
        self._networks = {
            "detector": _compile(cell, "detector", detector.graphs(), artifacts["detector"]),
            "recognizer": _compile(cell, "recognizer", recognizer.graphs(), artifacts["recognizer"]),
        }
        kind = SlowedPipeline if SLOWDOWN in os.environ else Pipeline
        cutting = cell.cutting(cell.granularity)
        optimum = max(each.optimum() for networks in self._networks.values() for each in networks.values())
        self._pipelines = [
            kind(detector, self._callables("detector"), recognizer, self._callables("recognizer"), cutting)
            for _ in range(self._setup.in_flight(optimum))
        ]
        for pipeline in self._pipelines[1:]:
            pipeline.share_shapes(self._pipelines[0])
        return self._compile_ms()

    def run(self, request: Request) -> Request:
        """Measure one block of images."""
        cell, pipelines = self._loaded()
        setup = replace(self._setup, **request.get("changes", {}))
        feed = [(sample_id, Path(path)) for sample_id, path in request["samples"]]
        for pipeline in pipelines if cell.profile else ():
            pipeline.trace()
        before = usage_so_far()
        shared = {"claims": Path(request["claims"])} if "claims" in request else {}
        block = SCENARIOS[cell.scenario.name].run(pipelines, feed, setup, **shared)
        ended_ns = perf_counter_ns()
        used = usage_so_far() - before
        peak = environment.peak_memory_bytes()
        spans = [pipeline.trace() for pipeline in pipelines] if cell.profile else []
        so_far = {"peak_memory_bytes": peak, "compile_ms": self._compile_ms()}
        return {**asdict(block), "ended_ns": ended_ns, "usage": asdict(used), **so_far, "spans": spans}

    def attest(self, request: Request) -> Request:
        """Report which types the networks execute, by replaying images through a profiled twin."""
        cell, (pipeline, *_) = self._loaded()
        images = [read_image(Path(path)) for _, path in request["samples"]]
        report: dict[str, dict[str, Any]] = {}
        for role, networks in self._networks.items():
            for name, network in networks.items():

                def replay(profiled: Network, role: str = role, name: str = name) -> None:
                    twin = self._with_twin(pipeline, role, name, profiled)
                    for image in images:
                        twin.run(image)

                execution = network.execution(replay if images else None, PROFILE_PASSES if cell.profile else 0)
                report.setdefault(role, {})[name] = {**asdict(execution), "replayed": len(images)}
        return report

    def time(self, request: Request) -> list[tuple[float, float]]:
        """Time one network alone, with one input that stays where it is."""
        cell, role = validate(Cell, request["cell"]), request["role"]
        artifacts = artifacts_from_plain(request["artifacts"])
        stage: Stage = getattr(cell, role)
        check_device(stage.device)
        build = build_detector if role == "detector" else build_recognizer
        graph = build(stage, artifacts["network"].metadata).graphs()["network"]
        compiled = CompiledNetwork(artifacts["network"], graph, settings_of(cell, role))
        network = compiled.network()
        tensor = compiled.random_input(request["shape"])
        network(tensor)
        times = []
        for _ in range(request["calls"]):
            start = perf_counter_ns()
            network(tensor)
            times.append(((perf_counter_ns() - start) / 1e6, compiled.latency_ms()))
        return times

    def _compile_ms(self) -> dict[str, float]:
        """Say how long compiling took so far: a network for a single shape is compiled when that is met."""
        return {
            role: sum(network.compile_ms for network in networks.values()) for role, networks in self._networks.items()
        }

    def _with_twin(self, pipeline: Pipeline, role: str, name: str, twin: Network) -> Pipeline:
        networks = {
            each: {key: twin if (each, key) == (role, name) else network.network() for key, network in known.items()}
            for each, known in self._networks.items()
        }
        return Pipeline(
            pipeline.detector, networks["detector"], pipeline.recognizer, networks["recognizer"], pipeline.cutting
        )

    def _callables(self, role: str) -> dict[str, Network]:
        return {name: network.network() for name, network in self._networks[role].items()}

    def _loaded(self) -> tuple[Cell, list[Pipeline]]:
        if self._cell is None or not self._pipelines:
            message = "The worker was asked to measure before it had loaded a pipeline"
            raise WorkerError(message)
        return self._cell, self._pipelines


class SlowedPipeline(Pipeline):
    """For tests of comparisons: a pipeline that is slower by a known share, given in an environment variable."""

    def run_together(self, images: Iterable[Image]) -> list[Result]:
        """Run, then wait busily for the share of the time that it took."""
        start = perf_counter_ns()
        results = super().run_together(images)
        done = perf_counter_ns()
        until = done + (done - start) * float(os.environ[SLOWDOWN])
        while (end := perf_counter_ns()) < until:
            pass
        return [
            replace(each, times=replace(each.times, latency_ns=each.times.latency_ns + end - done)) for each in results
        ]


class WarningSender(logging.Handler):
    """Sends what ocrbench warns of to the process that asked, where a person sees it."""

    def __init__(self, send: Callable[..., None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send one warning."""
        self._send("warning", text=record.getMessage())


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until ``close`` or the end of the input."""

    def send(event: str, **content: object) -> None:
        answers.write(json.dumps({"event": event, **content}) + "\n")
        answers.flush()

    logging.getLogger("ocrbench").addHandler(WarningSender(send))
    session = Session(lambda text: send("progress", text=text))
    for line in requests:
        request = json.loads(line)
        if request["command"] == "close":
            return
        if request["command"] == "fork":
            if not _outlived_a_copy():
                send("answer", content=os.getpid())
            continue
        if request["command"] == "leave":
            send("answer", content=None)
            # Not by the usual way: what ends an interpreter is the original's to do.
            os._exit(0)
        try:
            answer = getattr(session, request["command"])(request)
            send("answer", content=answer)
        except OcrBenchError as error:
            send("error", kind=type(error).__name__, message=str(error))
        except Exception as error:
            logging.getLogger(__name__).exception("%s failed", request["command"])
            send("error", kind=errors.WorkerError.__name__, message=f"{type(error).__name__}: {last_line(error)}")


def _outlived_a_copy() -> bool:
    """Fork. In the copy return False at once; in the original wait for the copy's end, and end likewise or go on."""
    copy = os.fork()
    if not copy:
        return False
    _, status = os.waitpid(copy, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    if code := os.waitstatus_to_exitcode(status):
        sys.exit(code)
    return True


def main() -> None:
    """Serve on standard input and output."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s")
    serve(sys.stdin, answers)


def _compile(
    cell: Cell, role: str, graphs: Mapping[str, Graph], artifacts: Mapping[str, Artifact]
) -> dict[str, CompiledNetwork]:
    settings = settings_of(cell, role)
    try:
        return {name: CompiledNetwork(artifacts[name], graph, settings) for name, graph in graphs.items()}
    except DeviceError as error:
        message = f"{role}: {error}"
        raise DeviceError(message) from error


def settings_of(cell: Cell, role: str) -> Settings:
    """Say how the networks of the detector or the recognizer are compiled."""
    stage: Stage = getattr(cell, role)
    return Settings(
        device=stage.device,
        precision=stage.precision,
        performance_hint=cell.scenario.performance_hint,
        properties={**setup_of(cell.scenario).properties, **stage.properties},
        shapes=cell.folding.detector_networks if role == "detector" else cell.folding.recognizer_networks,
        cache_dir=Path(cell.cache_dir).expanduser() / "compiled" if cell.model_cache else None,
    )


if __name__ == "__main__":
    main()
