"""Short names for runs, made of what distinguishes them, and groups of comparable runs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocrbench.runs.match import FACTORS, differing_settings
from ocrbench.runs.run import Run

# Factor → its form in a label.
SHOWN: Mapping[str, Callable[[Run], str]] = {
    **{name: FACTORS[name] for name in ("model", "precision", "device", "scenario", "dataset", "host")},
    "openvino": lambda run: f"OpenVINO {FACTORS['openvino'](run)}",
}
# Factors that a label always has, even if all runs share them.
ALWAYS = ("model", "precision")
# Characters of each part.
LENGTH = 40
# Columns of accuracy in order of preference: a dataset without transcriptions has no end-to-end score.
ACCURACY = ("e2e_hmean", "det_hmean")


def labels(runs: Sequence[Run]) -> list[str]:
    """Name each run by what differs between them; equal names get a number, oldest first."""
    differing = [name for name in SHOWN if name in ALWAYS or len({SHOWN[name](run) for run in runs}) > 1]
    words = [[SHOWN[name](run) for name in differing] for run in runs]
    settings = differing_settings(runs)
    return number_repeated(
        [" ".join(map(shortened, filter(None, (*each, more)))) for each, more in zip(words, settings, strict=True)]
    )


def number_repeated(names: Sequence[str]) -> list[str]:
    """Number equal names.

    >>> number_repeated(["a", "b", "a"])
    ['a #1', 'b', 'a #2']
    """
    repeated = {name for name, count in Counter(names).items() if count > 1}
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} #{seen[name]}" if name in repeated else name)
    return found


def shortened(name: str) -> str:
    """Shorten a name; users' names may have any length.

    >>> shortened("sample"), len(shortened("x" * 999))
    ('sample', 40)
    """
    return name if len(name) <= LENGTH else f"{name[: LENGTH - 1]}…"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Comparable runs that finished.

    Attributes:
        name: Common properties, in words.
        indices: Indices into ``runs`` of the report.
        speed: Column that judges their speed.
        accuracy: Column that judges their accuracy; empty without ground truth.
    """

    name: str
    indices: Sequence[int]
    runs: Sequence[Run]
    speed: str
    accuracy: str

    def plain(self) -> dict[str, Any]:
        """Return the data for the page."""
        return {"name": self.name, "runs": list(self.indices), "speed": self.speed, "accuracy": self.accuracy}


def groups_of(runs: Sequence[Run]) -> list[Group]:
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


def _key(run: Run) -> tuple[str, ...]:
    scenario: Mapping[str, Any] = run.config["scenario"]
    host: Mapping[str, Any] = run.environment.get("host", {})
    load = sorted((name, str(value)) for name, value in scenario.get("options", {}).items())
    named = [FACTORS[name](run) for name in ("dataset", "scenario", "host")]
    return (run.dataset_sha256, *named, str(load), str(host.get("cpu")), str(host.get("cores")))


def _name(run: Run) -> str:
    dataset, scenario, host = (shortened(FACTORS[name](run)) for name in ("dataset", "scenario", "host"))
    return f"{dataset} ({run.row['images']:.0f} images), scenario {scenario}, host {host or 'unknown'}"


def _group(name: str, runs: Sequence[Run], indices: Sequence[int]) -> Group:
    accuracy = [column for column in ACCURACY if any(run.row[column] is not None for run in runs)]
    return Group(
        name=name,
        indices=indices,
        runs=runs,
        speed=runs[0].decisive,
        accuracy=accuracy[0] if accuracy else "",
    )
