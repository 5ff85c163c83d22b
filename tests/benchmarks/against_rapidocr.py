"""ocrbench's pipeline against RapidOCR's, on OpenVINO with the same two models, image by image in turns.

    python tests/benchmarks/against_rapidocr.py dataset=icdar2015 dataset.root=icdar2015/test precision=AUTO > times.csv

Both find words where they can, with the same threads, the same size of the detector's input, and the same precision
hint (none with AUTO, nor with INT8, which RapidOCR does not have); how crops are padded and batched is left to each.
Every image is met once by each before it counts, as a new shape costs more. The output has a line per image: the times
of both in milliseconds. With ``--throughput`` the two take turns on the whole dataset instead, ocrbench in
``scenario=throughput``, RapidOCR one image after another, since it does no more at once. Accuracy is scored by the same
rules. ``docs/measurements`` has the figures.
"""

import argparse
import csv
import random
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any
from unittest import mock

import numpy as np
from rapidocr import EngineType, RapidOCR
from rapidocr.inference_engine.openvino.device_config import CPUConfig

from ocrbench import data
from ocrbench.cli.commands import make_console
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.data.images import read_image
from ocrbench.engines.native import settings_of
from ocrbench.measure.pool import WorkerPool, workers_for
from ocrbench.measure.preparing import prepare
from ocrbench.measure.processes import Worker
from ocrbench.metrics.intervals import ratio_over_processes
from ocrbench.metrics.scoring import tallies, to_scores, total
from ocrbench.progress import ConsoleListener
from ocrbench.records import Region, Sample
from ocrbench.scenarios import setup_of
from ocrbench.worker.protocol import Load, Ran, Run

Found = Mapping[str, Sequence[Region]]


class Ours:
    """ocrbench, in a process of its own as always."""

    def __init__(
        self, cell: Cell, samples: Sequence[Sample], worker: Worker | WorkerPool, listener: ConsoleListener
    ) -> None:
        artifacts = prepare(cell, listener)
        self._cell, self._worker, self._listener = cell, worker, listener
        worker.ask(Load(cell=cell, artifacts=artifacts), listener, cell.prepare_timeout_seconds)
        self._run(samples, setup_of(cell.scenario).warming_up)

    def read(self, samples: Sequence[Sample]) -> tuple[float, list[float], Found]:
        """Return the seconds for all, those of each image from decoded image to text, and what was found."""
        answer = self._run(samples)
        times = [each.times.latency_ns / 1e9 for each in answer.measurements]
        found = {each.sample_id: each.regions for each in answer.measurements}
        return answer.wall_ns / 1e9, times, found

    def _run(self, samples: Sequence[Sample], changes: Mapping[str, object] | None = None) -> Ran:
        feed = [(each.id, each.image_path) for each in samples]
        return self._worker.ask(Run(samples=feed, changes=changes or {}), self._listener, self._cell.timeout_seconds)


class Theirs:
    """RapidOCR without its classifier of orientation, which is a third model."""

    def __init__(self, threads: int, properties: Mapping[str, str], *, words: bool) -> None:
        usual = CPUConfig.get_config
        self._words = words
        # It has no option for the precision, and loads each network at its first use.
        mock.patch.object(CPUConfig, "get_config", lambda config: {**usual(config), **properties}).start()
        self._engine = RapidOCR(
            params={
                "Global.use_cls": False,
                "Global.log_level": "error",
                "Global.return_word_box": words,
                "Det.engine_type": EngineType.OPENVINO,
                "Rec.engine_type": EngineType.OPENVINO,
                "EngineConfig.openvino.inference_num_threads": threads,
            }
        )

    def precisions(self) -> str:
        """Return what its networks report, once they are loaded."""
        requests = [stage.session.session for stage in (self._engine.text_det, self._engine.text_rec)]
        reported = [each.get_compiled_model().get_property("INFERENCE_PRECISION_HINT") for each in requests]
        return " and ".join(each.get_type_name() for each in reported)

    def read(self, samples: Sequence[Sample]) -> tuple[float, list[float], Found]:
        """As ``Ours.read``; images are decoded within the seconds for all, not within those of each."""
        began, times, found = perf_counter(), [], {}
        for sample in samples:
            image = read_image(sample.image_path)
            start = perf_counter()
            result = self._engine(image)
            times.append(perf_counter() - start)
            found[sample.id] = list(self._found(result))
        return perf_counter() - began, times, found

    def _found(self, result: Any) -> Iterable[Region]:
        if result.boxes is None:
            return
        if self._words:
            for text, confidence, box in (word for line in result.word_results for word in line):
                yield Region(polygon=np.asarray(box, np.float32), text=text, confidence=float(confidence))
            return
        for box, text, confidence in zip(result.boxes, result.txts, result.scores, strict=True):
            yield Region(polygon=np.asarray(box, np.float32), text=text, confidence=float(confidence))


def precision_hint(cell: Cell, wanted: str | None) -> dict[str, str]:
    """Return the property by which a precision is asked for, ocrbench's unless another is wanted; none without hint."""
    name = "INFERENCE_PRECISION_HINT"
    hint = wanted or settings_of(cell, "detector", setup_of(cell.scenario).properties).all_properties.get(name)
    return {name: hint} if hint else {}


def report(title: str, found: Found, samples: Sequence[Sample], cell: Cell) -> None:
    """Say how accurate one side was."""
    scores = to_scores(total(tallies(found[each.id], each.regions, cell.scoring) for each in samples))
    values = {each.metric: each.value for each in scores}
    sys.stderr.write(f"{title}: det_hmean {values['det_hmean']:.3f}, e2e_hmean {values['e2e_hmean']:.3f}\n")


def main() -> None:
    """Let both read all images, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each reads every image")
    parser.add_argument("--threads", type=int, default=-1, help="of each network; default: OpenVINO's choice")
    parser.add_argument("--hint", choices=["f32", "f16", "bf16"], help="RapidOCR's precision; default: ocrbench's")
    parser.add_argument("--throughput", action="store_true", help="compare whole passes in scenario=throughput")
    parser.add_argument("words", nargs="*", help="overrides of ocrbench's cell")
    given = parser.parse_intermixed_args()
    threads = [f"properties.INFERENCE_NUM_THREADS={given.threads}"] if given.threads > 0 else []
    scenario = "throughput" if given.throughput else "latency"
    cell = load([f"scenario={scenario}", *threads, *given.words])
    samples = data.read(cell.dataset)
    order = random.Random(0)
    writer = csv.writer(sys.stdout)
    with ConsoleListener(make_console(stderr=True), "against RapidOCR") as listener, workers_for(cell) as worker:
        theirs = Theirs(given.threads, precision_hint(cell, given.hint), words=cell.granularity == "word")
        sides = (Ours(cell, samples, worker, listener), theirs)
        found = [side.read(samples)[2] for side in sides]
        writer.writerow(["round", "sample_id", "ocrbench_ms", "rapidocr_ms"])
        ratios = []
        for number in range(given.rounds):
            blocks = [samples] if given.throughput else [[each] for each in samples]
            seconds = np.empty((len(blocks), 2))
            for row, block in enumerate(blocks):
                for side in order.sample(range(2), 2):
                    whole, times, _ = sides[side].read(block)
                    seconds[row, side] = whole if given.throughput else times[0]
                name = "all" if given.throughput else block[0].id
                writer.writerow([number, name, *(f"{1e3 * each:.2f}" for each in seconds[row])])
                listener.advance(f"round {number + 1}", row + 1, len(blocks))
            sys.stdout.flush()
            ratios.append(np.log(seconds[:, 1] / seconds[:, 0]))
    report("ocrbench", found[0], samples, cell)
    report("RapidOCR", found[1], samples, cell)
    sys.stderr.write(f"RapidOCR's networks ran in {theirs.precisions()}\n")
    interval = ratio_over_processes(np.mean(ratios, axis=0).tolist())
    shown = f", mean {interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}] over images" if interval else ""
    middle = statistics.median(np.exp(np.concatenate(ratios)).tolist())
    sys.stderr.write(f"RapidOCR's time ÷ ocrbench's: median {middle:.3f}{shown}\n")


if __name__ == "__main__":
    main()
