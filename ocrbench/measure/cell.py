"""One cell, end to end: convert → measure → score → save."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ocrbench import data, environment
from ocrbench.config.schema import Cell
from ocrbench.environment import machine, noise
from ocrbench.environment.noise import watch_processes
from ocrbench.errors import DatasetError, OcrBenchError
from ocrbench.measure.locks import alone
from ocrbench.measure.measured import Measured, Timing, judged
from ocrbench.measure.passes import measure
from ocrbench.measure.preparing import check, prepare
from ocrbench.measure.processes import FreshProcesses, Worker
from ocrbench.metrics.intervals import scores_of
from ocrbench.metrics.recognition import repeatability
from ocrbench.metrics.scoring import Tallies, tallies
from ocrbench.metrics.speed import drift, duration_scores, throughput_scores
from ocrbench.profiling.run_files import profile_files, summarised
from ocrbench.progress import Listener
from ocrbench.records import Artifact, Artifacts, Sample, Score, artifacts_to_plain
from ocrbench.runs.columns import SEEN, UNSEEN
from ocrbench.runs.identity import decisive, decisive_keys, named, series
from ocrbench.runs.run import Outcome, Run, outcomes_of, reading_of
from ocrbench.runs.score import UNSCORED, keep_scores, score_run
from ocrbench.runs.store import Store
from ocrbench.scenarios import SCENARIOS, setup_of

log = logging.getLogger(__name__)

STAGES = ("read", "detect", "detect_infer", "crop", "recognize", "recognize_infer")
# How long to look at what other processes do, before measuring begins.
WATCH_SECONDS = 0.25


def run_cell(cell: Cell, listener: Listener) -> Run:
    """Run a cell, or find the run of the very same cell and score it by the cell's rules.

    A failure becomes a failed run, so that a matrix goes on; it is not raised.
    """
    store = Store(Path(cell.reports_dir))
    known: dict[str, Any] = {"config": asdict(cell), "started": datetime.now(UTC).isoformat(timespec="milliseconds")}
    known["conditions"] = {"load_before": machine.load(), **machine.settings(), "git": machine.git(Path.cwd())}
    try:
        return _run(cell, listener, store, known)
    except OcrBenchError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.strerror or error}: {error.filename or cell.reports_dir}"
    except Exception as error:
        log.debug("unexpected", exc_info=True)
        reason = f"unexpected {type(error).__name__}: {error}"
    return _failed(cell, store, known, reason)


def _run(cell: Cell, listener: Listener, store: Store, known: dict[str, Any]) -> Run:
    check(cell)
    samples = data.read(cell.dataset)
    fingerprint = known["dataset_sha256"] = data.fingerprint(samples)
    hashes = {sample.id: data.image_sha256(sample) for sample in samples}
    known["environment"] = {**environment.describe(), **_devices(cell)}
    known["series"] = series(cell, fingerprint)
    # A process for converting and one for measuring, without starting an interpreter twice.
    with FreshProcesses(Worker, listener) as processes:
        artifacts = prepare(cell, listener, start=processes.fresh)
        known["artifacts"] = {role: _described(networks) for role, networks in artifacts.items()}
        models = [each.sha256 for networks in artifacts.values() for each in networks.values()]
        cell_id = known["cell_id"] = named(cell, [decisive(cell), fingerprint, models, known["environment"]])
        # Who has nothing to measure need not wait for those who do.
        if earlier := _measured_before(cell, cell_id, store, listener):
            return earlier
        with alone(cell, listener):
            # While this session waited, another one may have measured this very cell.
            if earlier := _measured_before(cell, cell_id, store, listener):
                return earlier
            known["conditions"] |= {"busy": watch_processes(WATCH_SECONDS)}
            measured = measure(cell, artifacts, samples, listener, processes.fresh)
            known["conditions"] |= _disturbances(measured)
            for sample in samples:
                if data.image_sha256(sample) != hashes[sample.id]:
                    measured.leave_out(sample.id, f"image {sample.image_path}: changed while it was measured")
            outcomes = _outcomes(cell, samples, measured)
            counted, problem = _counted(outcomes, cell)
            run = Run(
                run_id=cell_id,
                status="failed" if problem else "ok",
                error=problem,
                reading=reading_of(outcomes),
                pictures=UNSEEN if measured.unseen else SEEN,
                **known,
                execution=summarised(judged(cell, measured.execution)),
                score_list=_scores(cell, outcomes, counted, artifacts, measured),
                skipped=measured.skipped,
                noisy=(
                    *noise.reasons(known["conditions"], cell.noise),
                    *SCENARIOS[cell.scenario.name].doubts(measured.facts),
                ),
            )
            title = f"{cell.detector.name} + {cell.recognizer.name}, {cell.precisions} on {cell.devices}"
            profile = profile_files(title, measured.execution, measured.spans) if cell.profile else {}
            run = store.add(run, _frame(measured.timings), outcomes, {**measured.files, **profile})
            if not problem:
                keep_scores(run, counted)
    return run


def _devices(cell: Cell) -> dict[str, Any]:
    """Return what identifies the devices; the processor is described as the host."""
    wanted = {stage.device for stage in cell.stages.values()}
    if all(re.fullmatch(r"(\w+:)?CPU", device) for device in wanted):
        return {}
    # Loading the plugins of all devices takes long.
    from ocrbench.runtime.devices import identities, named_devices

    named = [named_devices(device) for device in wanted]
    found = identities([name for names in named for name in names] if all(named) else [])
    others = {name: known for name, known in found.items() if name != "CPU"}
    return {"devices": others} if others else {}


def _measured_before(cell: Cell, cell_id: str, store: Store, listener: Listener) -> Run | None:
    earlier = None if cell.force else store.newest(cell_id, profiled=cell.profile)
    if earlier is None:
        return None
    listener.say("measured before; that run is shown (force=true measures again)")
    return score_run(earlier, cell.scoring)


def _failed(cell: Cell, store: Store, known: dict[str, Any], reason: str) -> Run:
    if "cell_id" not in known:
        # Without the files that it names: one that is missing may be the reason.
        known["cell_id"] = named(cell, [decisive_keys(asdict(cell)), known.get("environment", {})])
    run = Run(run_id=known["cell_id"], status="failed", error=reason, **known)
    try:
        return store.add(run, _frame([]), [])
    except OSError as error:
        log.warning("The failed run is not stored: %s", error)
        return run


def _outcomes(cell: Cell, samples: Sequence[Sample], measured: Measured) -> list[Outcome]:
    if not measured.regions:
        reasons = "; ".join(sorted(set(measured.skipped.values()))[:3])
        message = f"dataset {cell.dataset.name}: none of its {len(samples)} images can be used: {reasons}"
        raise DatasetError(message)
    return outcomes_of(samples, measured.regions)


def _counted(outcomes: Sequence[Outcome], cell: Cell) -> tuple[dict[str, Tallies], str]:
    """Return the tallies of each image, or none and the reason: a scorer that fails loses no measurement."""
    counted: dict[str, Tallies] = {}
    for each in outcomes:
        try:
            counted[each.sample_id] = tallies(each.predicted, each.expected, cell.scoring)
        except Exception as error:
            log.debug("unexpected", exc_info=True)
            kept = "the readings are kept, and ocrbench score scores them"
            return {}, f"{UNSCORED}{each.sample_id}: {type(error).__name__}: {error}; {kept}"
    return counted, ""


def _scores(
    cell: Cell,
    outcomes: Sequence[Outcome],
    counted: Mapping[str, Tallies],
    artifacts: Artifacts,
    measured: Measured,
) -> tuple[Score, ...]:
    words = sum(not region.ignore for outcome in outcomes for region in outcome.expected)
    size_bytes = sum(each.size_bytes for networks in artifacts.values() for each in networks.values())
    kind = SCENARIOS[cell.scenario.name]
    speed = {each.metric: each for each in _speed(measured)}
    # What a scenario knows of its own takes the place of what is true of all.
    own = kind.scores(setup_of(cell.scenario), measured.latencies_ns, measured.facts)
    speed |= {each.metric: each for each in own}
    counts = {"images": len(outcomes), "words": words, "skipped": len(measured.skipped)}
    return (
        *(_score("dataset", name, value, "", higher=True) for name, value in counts.items()),
        *scores_of(list(counted.values())),
        *speed.values(),
        *repeatability(measured.reread),
        _score("model", "model_mb", size_bytes / 1e6, "MB"),
        _score("end_to_end", "peak_rss_mb", measured.peak_memory_bytes / 1e6, "MB"),
        *([_score("end_to_end", "pss_mb", measured.pss_bytes / 1e6, "MB")] if measured.pss_bytes else []),
    )


def _speed(measured: Measured) -> list[Score]:
    timed = [each for each in measured.timings if not each.warmup]
    repeated = [each for each in timed if each.repeat]
    # With no repeat of any shape, first-seen images are all there is.
    warm = [each for each in repeated if not each.first_seen] or repeated
    timed = [each for each in timed if not each.repeat] if measured.unseen else warm or timed
    scores = duration_scores([each.times.latency_ns for each in timed], name="latency", stage="end_to_end")
    # Where the images are decoded beforehand, reading is not timed.
    stages = STAGES if any(each.times.read_ns for each in timed) else STAGES[1:]
    for stage in stages:
        durations = [getattr(each.times, f"{stage}_ns") for each in timed]
        scores += duration_scores(durations, name=stage, stage=stage)
    if measured.unseen:
        scores += duration_scores([each.times.latency_ns for each in warm], name="warm_latency", stage="end_to_end")
        scores += throughput_scores(measured.again_images, measured.again_wall_ns, "warm_throughput_ips")
    first = measured.timings[0].times.latency_ns / 1e6
    whole_ns = sum(each.times.latency_ns for each in timed)
    new_ns = sum(each.times.new_shape_ns for each in timed)
    return [
        *scores,
        *throughput_scores(measured.images, measured.wall_ns),
        _score("end_to_end", "timed", len(timed), "", higher=True),
        *([_score("end_to_end", "new_shape_share", new_ns / whole_ns, "ratio")] if whole_ns else []),
        _score("end_to_end", "input_shapes", sum(each.new_shapes for each in measured.timings), ""),
        _score("end_to_end", "compile_ms", sum(measured.compile_ms.values()), "ms"),
        _score("end_to_end", "first_inference_ms", first, "ms"),
    ]


def _score(stage: str, metric: str, value: float, unit: str, *, higher: bool = False) -> Score:
    return Score(stage=stage, metric=metric, value=float(value), unit=unit, higher_is_better=higher, n=1)


def _frame(timings: Iterable[Timing]) -> pd.DataFrame:
    rows = [
        {
            "sample_id": each.sample_id,
            "warmup": each.warmup,
            "repeat": each.repeat,
            "first_seen": each.first_seen,
            "new_shapes": each.new_shapes,
            "regions": each.regions,
            **asdict(each.times),
        }
        for each in timings
    ]
    return pd.DataFrame(rows)


def _described(networks: Mapping[str, Artifact]) -> dict[str, dict[str, Any]]:
    """Return a stage's artifacts as data, without the long metadata (an alphabet has thousands of characters)."""
    plain = artifacts_to_plain(networks)
    return {name: {key: given[key] for key in given if key != "metadata"} for name, given in plain.items()}


def _disturbances(measured: Measured) -> dict[str, Any]:
    """Say what else went on while the cell was measured."""
    # Without what an image waits for its turn, which depends on the others.
    repeats = [
        (each.sample_id, each.times.detect_ns + each.times.crop_ns + each.times.recognize_ns)
        for each in measured.timings
        if not each.warmup and not each.first_seen and (each.repeat or not measured.unseen)
    ]
    facts = {"facts": measured.facts} if measured.facts else {}
    return {"load_after": machine.load(), **facts, **noise.shares(measured.usage), "drift": drift(repeats)}
