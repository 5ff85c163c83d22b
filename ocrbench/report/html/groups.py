"""Runs that can be held against each other: on the same images, fed the same way, on the same machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocrbench.compare.matching import FACTORS
from ocrbench.compare.rates import rate_metric
from ocrbench.report.html.labels import number_repeated, shortened
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
    names = [_name(runs[indices[0]]) for indices in ordered]
    return [
        _group(numbered, [runs[index] for index in indices], indices)
        for numbered, indices in zip(number_repeated(names), ordered, strict=True)
    ]


def _key(run: ReportRun) -> tuple[str, ...]:
    record = run.record
    scenario: Mapping[str, Any] = record.config["scenario"]
    host: Mapping[str, Any] = record.environment.get("host", {})
    load = sorted((name, str(value)) for name, value in scenario.get("options", {}).items())
    named = [FACTORS[name](record) for name in ("dataset", "scenario", "host")]
    return (record.dataset_sha256, *named, str(load), str(host.get("cpu")), str(host.get("cores")))


def _name(run: ReportRun) -> str:
    dataset, scenario, host = (shortened(FACTORS[name](run.record)) for name in ("dataset", "scenario", "host"))
    return f"{dataset} ({run.row['images']:.0f} images), scenario {scenario}, host {host or 'unknown'}"


def _group(name: str, runs: Sequence[ReportRun], indices: Sequence[int]) -> Group:
    accuracy = [column for column in ACCURACY if any(run.row[column] is not None for run in runs)]
    return Group(
        name=name,
        indices=indices,
        runs=runs,
        speed=rate_metric(runs[0].record) or "latency_p50_ms",
        accuracy=accuracy[0] if accuracy else "",
    )
