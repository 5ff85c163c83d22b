"""How the resident memory of ``scenario=throughput`` develops over many images: the sample set, repeated.

    python tests/benchmarks/memory.py --images 5000 detector.limit_type=max detector.limit_side=320

After each block it appends a line to the output: images so far, resident memory of the processes that measure and of
this one. Results that come in another order, or that are lost, end it. ``docs/measurements`` has the figures.
"""

import argparse
import csv
import sys

import psutil

from ocrbench import data
from ocrbench.cli.commands import make_console
from ocrbench.config.composing import load
from ocrbench.measure.pool import workers_for
from ocrbench.measure.preparing import prepare
from ocrbench.progress import ConsoleListener
from ocrbench.worker.protocol import Load, Run

BLOCK = 100


def main() -> None:
    """Measure blocks of images until there are enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("words", nargs="*", help="overrides")
    given = parser.parse_intermixed_args()
    cell = load(["scenario=throughput", *given.words])
    samples = [(each.id, each.image_path) for each in data.read(cell.dataset)]
    feed = (samples * (given.images // len(samples) + 1))[: given.images]
    writer = csv.writer(sys.stdout)
    writer.writerow(["images", "worker_mb", "own_mb", "images_per_second"])
    with ConsoleListener(make_console(stderr=True), "memory") as listener, workers_for(cell) as worker:
        artifacts = prepare(cell, listener)
        worker.ask(Load(cell=cell, artifacts=artifacts), listener, cell.prepare_timeout_seconds)
        for start in range(0, len(feed), BLOCK):
            block = feed[start : start + BLOCK]
            answer = worker.ask(Run(samples=block), listener, cell.timeout_seconds)
            if [each.sample_id for each in answer.measurements] != [sample_id for sample_id, _ in block]:
                sys.exit(f"images {start} to {start + len(block)}: not the order of the feed")
            own = psutil.Process()
            resident = [
                sum(each.memory_info().rss for each in processes) / 1e6
                for processes in (own.children(recursive=True), [own])
            ]
            rate = len(block) / (answer.wall_ns / 1e9)
            writer.writerow([start + len(block), *(round(each, 1) for each in resident), round(rate, 1)])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
