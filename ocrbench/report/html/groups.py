"""Runs that can be held against each other: on the same images, fed the same way, on the same machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocrbench.compare.stored import FACTORS, RATES
from ocrbench.report.html.model import ReportRun

# What is said of accuracy, in order of preference: a dataset without transcriptions has no end-to-end score.
ACCURACY = ("e2e_hmean", "det_hmean")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Comparable runs that finished.

    Attributes:
        name: What they share, in words.
        indices: Of ``runs`` in the report.
        speed: The column that their speed is judged by.
        accuracy: The column that their accuracy is judged by; empty where there is no ground truth.
    """

    name: str
    indices: Sequence[int]
    runs: Sequence[ReportRun]
    speed: str
    accuracy: str

    def plain(self) -> dict[str, Any]:
        """Return what the page needs to know."""
        return {"name": self.name, "runs": list(self.indices), "speed": self.speed, "accuracy": self.accuracy}


def groups_of(runs: Sequence[ReportRun]) -> list[Group]:
    """Sort finished runs into groups, the largest first."""
    found: dict[tuple[str, ...], list[int]] = {}
    for index, run in enumerate(runs):
        if run.ok:
            found.setdefault(_key(run), []).append(index)
    ordered = sorted(found.values(), key=lambda indices: -len(indices))
    return [_group([runs[index] for index in indices], indices) for indices in ordered]


def _key(run: ReportRun) -> tuple[str, ...]:
    record = run.record
    scenario: Mapping[str, Any] = record.config["scenario"]
    load = sorted((name, str(value)) for name, value in scenario.get("options", {}).items())
    return (record.dataset_sha256, FACTORS["dataset"](record), FACTORS["scenario"](record), str(load), FACTORS["host"](record))


def _group(runs: Sequence[ReportRun], indices: Sequence[int]) -> Group:
    record = runs[0].record
    dataset, scenario, host = (FACTORS[name](record) for name in ("dataset", "scenario", "host"))
    images = runs[0].row["images"]
    accuracy = [name for name in ACCURACY if any(run.row[name] is not None for run in runs)]
    return Group(
        name=f"{dataset} ({images:.0f} images), scenario {scenario}, host {host or 'unknown'}",
        indices=indices,
        runs=runs,
        speed=RATES.get(scenario, "latency_p50_ms"),
        accuracy=accuracy[0] if accuracy else "",
    )
