"""What a conversion costs and brings: a pair of models at a precision, against FP32 and against AUTO, in turns.

FP32 is what the source model computes, AUTO is what a user gets who asks for nothing: on many processors that is
faster than FP32 already, so only both comparisons together tell whether a conversion is worth its price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ocrbench.compare.changes import accuracy_changes, flipped_words
from ocrbench.compare.flips import Agreement, Flip, agreement, find_flips
from ocrbench.compare.interleaved import Interleaved, Plan
from ocrbench.compare.sides import Side
from ocrbench.compare.verdict import Change, Comparison
from ocrbench.config.schema import Cell
from ocrbench.config.stage import ROLES
from ocrbench.errors import ConfigError
from ocrbench.metrics.intervals import Interval
from ocrbench.precisions import Precision
from ocrbench.progress import Listener
from ocrbench.records import Artifacts

# Speed-up of what → the metric it is taken from.
SPEEDUPS = {"end to end": "latency_p50_ms", "detect": "detect_p50_ms", "recognize": "recognize_p50_ms"}
# The numbers of the sides.
FP32, AUTO, CONVERTED = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A pair of models at one precision.

    Attributes:
        label: The precision; both stages' where they differ.
        artifacts: Stage → network → what was converted.
        compile_ms: Stage → median over the processes.
        execution: Stage → network → what ran, see ``runtime.Execution``; empty where nobody looked.
    """

    label: str
    artifacts: Artifacts
    compile_ms: Mapping[str, float]
    execution: Mapping[str, Mapping[str, Any]]

    def size_mb(self, role: str) -> float:
        """Return the size of a stage's files in MB (10⁶ bytes)."""
        return sum(artifact.size_bytes for artifact in self.artifacts[role].values()) / 1e6


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """A conversion, measured.

    Attributes:
        cell: What was converted and on what it was measured.
        against_fp32: Speed and accuracy, A being FP32.
        against_auto: Likewise, A being AUTO.
        agreement: Of what was found with what FP32 finds.
        flips: The regions that only one of FP32 and the conversion got right.
        image_paths: Sample id → file.
        words: How many regions of the ground truth have a text to be read, over the images that were read.
    """

    cell: Cell
    fp32: Variant
    auto: Variant
    converted: Variant
    against_fp32: Comparison
    against_auto: Comparison
    agreement: Agreement
    flips: tuple[Flip, ...]
    image_paths: Mapping[str, Path]
    words: int

    def flipped(self, *, lost: bool, cause: str | None = None) -> list[Flip]:
        """List the flips of one direction, and of one cause if it is given."""
        return [flip for flip in self.flips if flip.lost == lost and cause in (None, flip.cause)]


def speedup(change: Change) -> Interval | None:
    """Turn a ratio of times into how many times faster B is; None where there is no interval."""
    found = change.interval
    return None if found is None else Interval(estimate=1 / found.estimate, low=1 / found.high, high=1 / found.low)


def measure_conversion(cell: Cell, plan: Plan, listener: Listener) -> Conversion:
    """Measure a cell in turns with itself at FP32 and at AUTO.

    Args:
        cell: What was converted.
        plan: How long.
        listener: Hears of progress.

    Raises:
        ConfigError: Both stages are FP32 already.
        OcrBenchError: One side cannot be converted, loaded or measured.
    """
    if cell.precisions == "FP32":
        message = "precision=FP32: there is nothing to compare FP32 with; give another precision, for example INT8"
        raise ConfigError(message)
    cells = (_at(cell, "FP32"), _at(cell, "AUTO"), cell)
    sides = [Side(label=each.precisions, cell=each) for each in cells]
    measuring = Interleaved(sides, plan, listener)
    with measuring:
        measuring.prepare()
        measuring.run()
    return _conversion(cell, sides, measuring, plan)


def _at(cell: Cell, precision: Precision) -> Cell:
    stages: dict[str, Any] = {role: replace(stage, precision=precision) for role, stage in cell.stages.items()}
    return replace(cell, precision=precision, **stages)


def _conversion(cell: Cell, sides: list[Side], measuring: Interleaved, plan: Plan) -> Conversion:
    collected, expected = measuring.collected, measuring.expected
    one, other = collected.measured[FP32].regions, collected.measured[CONVERTED].regions
    fp32, auto, converted = (_variant(number, side, measuring) for number, side in enumerate(sides))
    read = [region for sample_id in one if sample_id in other for region in expected[sample_id]]
    return Conversion(
        cell=cell,
        fp32=fp32,
        auto=auto,
        converted=converted,
        against_fp32=_comparison(FP32, sides, measuring, plan),
        against_auto=_comparison(AUTO, sides, measuring, plan),
        agreement=agreement(one, other, cell.scoring.iou_threshold),
        flips=find_flips(one, other, expected, cell.scoring),
        image_paths={sample.id: sample.image_path for sample in measuring.samples},
        words=sum(bool(region.text) and not region.ignore for region in read),
    )


def _variant(number: int, side: Side, measuring: Interleaved) -> Variant:
    rounds = measuring.collected.compile_ms[number]
    return Variant(
        label=side.label,
        artifacts=measuring.artifacts[number],
        compile_ms={role: float(np.median([times[role] for times in rounds])) for role in ROLES},
        execution=measuring.collected.measured[number].execution,
    )


def _comparison(reference: int, sides: list[Side], measuring: Interleaved, plan: Plan) -> Comparison:
    collected, expected, scoring = measuring.collected, measuring.expected, sides[CONVERTED].cell.scoring
    one, other = collected.measured[reference].regions, collected.measured[CONVERTED].regions
    speed = collected.speed_changes(reference, CONVERTED, plan.margin)
    return Comparison(
        before=sides[reference].label,
        after=sides[CONVERTED].label,
        changes=(*speed, *accuracy_changes(one, other, expected, scoring)),
        warnings=tuple(f"skipped {reason}" for reason in collected.skipped.values()),
        flipped=flipped_words(one, other, expected, scoring),
    )
