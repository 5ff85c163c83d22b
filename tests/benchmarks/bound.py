"""``scenario=throughput`` against the bound that OpenVINO's ``benchmark_app`` sets for the same networks and shapes.

    python tests/benchmarks/bound.py precision=BF16 dataset=icdar2015 dataset.root=icdar2015/test

One pass notes which input shapes the networks get, and how often. Then, in turns, ocrbench works through the dataset,
and ``benchmark_app`` times every shape with as many requests in flight as the device likes best. The bound is the time
that the networks alone would take: for each shape its number ÷ its throughput. The detector's is timed right before and
right after ocrbench's pass. The output has a line per network, shape
and round; the last lines on standard error say how much of the bound was reached, and where the rest is: what each
stage of the pipeline took in all threads. ``docs/measurements`` has the figures.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from ocrbench import data
from ocrbench.cli.commands import make_console
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.config.stage import ROLES
from ocrbench.data.images import read_image
from ocrbench.engines.native import settings_of
from ocrbench.engines.pipeline import Pipeline
from ocrbench.measure.pool import workers_for
from ocrbench.measure.preparing import prepare
from ocrbench.models import build_detector, build_recognizer
from ocrbench.progress import ConsoleListener
from ocrbench.records import Artifact, Network, Sample
from ocrbench.runtime.network import CompiledNetwork
from ocrbench.scenarios import setup_of
from ocrbench.scenarios.throughput import ThroughputSetup, groups
from ocrbench.studies.parity.targets import Role, Target, targets_of
from ocrbench.studies.parity.turns import REPORT, START, arguments
from ocrbench.worker.protocol import Load, Run

Artifacts = Mapping[Role, Mapping[str, Artifact]]
Work = dict[Role, Counter[tuple[int, ...]]]
DETECTOR_TIMES = 4


def work_of(cell: Cell, artifacts: Artifacts, samples: Sequence[Sample]) -> Work:
    """Count the shapes that the first network of each stage gets in a pass of ``scenario=throughput``."""
    counts: Work = {role: Counter() for role in ROLES}

    def counted(role: Role, network: Network) -> Network:
        def call(*tensors: Any) -> Any:
            counts[role][tensors[0].shape] += 1
            return network(*tensors)

        return call

    builders: Mapping[Role, Callable[..., Any]] = {"detector": build_detector, "recognizer": build_recognizer}
    parts: list[Any] = []
    optimum, setup = 1, setup_of(cell.scenario)
    assert isinstance(setup, ThroughputSetup)
    for role in ROLES:
        stage, artifact = getattr(cell, role), artifacts[role]["network"]
        built = builders[role](stage, artifact.metadata)
        compiled = CompiledNetwork(artifact, built.graphs()["network"], settings_of(cell, role, setup.properties))
        optimum = max(optimum, compiled.optimum())
        parts += [built, {"network": counted(role, compiled.network())}]
    pipeline = Pipeline(*parts, cell.cutting(cell.granularity))
    # Processes have a part of the cores each, and so of what the device likes to have in flight.
    in_flight = setup.in_flight(max(1, optimum // setup.processes)) * setup.processes
    for group in groups(len(samples), setup.together, in_flight):
        pipeline.read_together(read_image(samples[index].image_path) for index in group)
    return counts


def application_throughput(cell: Cell, target: Target, seconds: int) -> float:
    """Return the calls per second that ``benchmark_app`` reaches."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = ("-api", "async", "-t", str(seconds))
        command = [
            sys.executable,
            "-c",
            START,
            *arguments(target, settings_of(cell, target.role, setup_of(cell.scenario).properties), many, folder),
        ]
        subprocess.run(command, capture_output=True, timeout=cell.timeout_seconds, check=True)
        results = json.loads((folder / REPORT).read_text())["execution_results"]
        # It counts images, of which a call has one or more.
        return float(results["throughput"]) / target.shape[0]


def detector_throughput(cell: Cell, target: Target, seconds: int) -> float:
    """Return the calls per second of a network that has few shapes, timed for longer."""
    return application_throughput(cell, target, DETECTOR_TIMES * seconds)


def main() -> None:
    """Measure both in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of benchmark_app, for each shape")
    parser.add_argument("words", nargs="*", help="overrides")
    given = parser.parse_intermixed_args()
    cell = load(["scenario=throughput", "profile=true", *given.words])
    samples = data.read(cell.dataset)
    feed = [(each.id, each.image_path) for each in samples]
    writer = csv.writer(sys.stdout)
    writer.writerow(["round", "role", "shape", "calls", "calls_per_second"])
    with (
        ConsoleListener(make_console(stderr=True), "bound") as listener,
        workers_for(cell) as worker,
        tempfile.TemporaryDirectory() as folder,
    ):
        artifacts = prepare(cell, listener)
        work = work_of(cell, artifacts, samples)
        targets = [
            target
            for role in ROLES
            for target in targets_of(cell, role, artifacts[role]["network"], Path(folder), list(work[role]))
        ]
        worker.ask(Load(cell=cell, artifacts=artifacts), listener, cell.prepare_timeout_seconds)
        warming_up = setup_of(cell.scenario).warming_up
        worker.ask(Run(samples=feed, changes=warming_up), listener, cell.timeout_seconds)
        measured = np.empty((given.rounds, 2))
        totals: Counter[str] = Counter()
        for number in range(given.rounds):
            # Most of the bound is the detector's, so that is timed right before and right after, lest a slow half
            # minute of the machine is taken for a gap.
            before = [detector_throughput(cell, target, given.seconds) for target in targets if target.role == ROLES[0]]
            answer = worker.ask(Run(samples=feed), listener, cell.timeout_seconds)
            after = [detector_throughput(cell, target, given.seconds) for target in targets if target.role == ROLES[0]]
            detected = [2 / (1 / one + 1 / other) for one, other in zip(before, after, strict=True)]
            bound = 0.0
            for done, target in enumerate(targets, 1):
                calls = work[target.role][target.shape]
                if target.role == ROLES[0]:
                    rate = detected[done - 1]
                else:
                    rate = application_throughput(cell, target, given.seconds)
                bound += calls / rate
                writer.writerow([number, target.role, "x".join(map(str, target.shape)), calls, f"{rate:.3f}"])
                sys.stdout.flush()
                listener.advance(f"round {number + 1}", done, len(targets))
            measured[number] = answer.wall_ns / 1e9, bound
            for stage, start, end, *_ in (span for spans in answer.spans for span in spans):
                totals[stage] += end - start
    for ours, bound in measured:
        sys.stderr.write(f"{len(feed) / ours:.3f} images/s of {len(feed) / bound:.3f}: {bound / ours:.3f}\n")
    sys.stderr.write(f"median: {np.median(measured[:, 1] / measured[:, 0]):.3f} of the bound\n")
    cores = len(psutil.Process().cpu_affinity())
    whole = measured[:, 0].sum() * cores
    for stage, nanoseconds in totals.most_common():
        sys.stderr.write(f"  {stage}: {nanoseconds / 1e9 / whole:.1%} of the time of {cores} cores\n")


if __name__ == "__main__":
    main()
