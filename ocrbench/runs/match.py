"""Which runs are held against each other, and in which settings runs differ."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from ocrbench.config.schema import NOT_MEASURED
from ocrbench.config.stage import ROLES
from ocrbench.runs.columns import both
from ocrbench.runs.identity import comparable, known_to_one
from ocrbench.runs.run import Run

FACTORS: Mapping[str, Callable[[Run], str]] = {
    "device": lambda run: both(run, "device"),
    "precision": lambda run: both(run, "precision"),
    "model": lambda run: both(run, "name"),
    "openvino": lambda run: str(run.environment.get("versions", {}).get("openvino", "")).split("-")[0],
    "scenario": lambda run: str(run.config["scenario"]["name"]),
    "dataset": lambda run: str(run.config["dataset"]["name"]),
    "host": lambda run: str(run.environment.get("host", {}).get("name", "")),
}
# Runs of different datasets have no image in common.
COMPARABLE_FACTORS = tuple(name for name in FACTORS if name != "dataset")
# These belong to the environment, not to the configuration.
ENVIRONMENT_FACTORS = ("openvino", "host")
STAGE_FACTORS = {"device", "precision", "properties"}
Cells = dict[str, list[Run]]
# Each choice of one of these has its own keys, so only runs of the same choice are compared by them.
NAMED = (*ROLES, "dataset", "calibration", "scenario")
# Columns of their own, or consequences of other keys.
LEFT_OUT = (*NOT_MEASURED, "device", "precision", "omz", "calibration.root")


@dataclass(frozen=True, kw_only=True)
class Matched:
    """The finished runs on both sides that are held against each other.

    Attributes:
        before: A's, at least one; all on the same data.
        after: B's; on A's data, if there are such. None where there is no run, or the newest one failed.
        missing: Why there are none.
        failed: Whether that is because the cell failed.
        known_to_one: The keys that only one side's ocrbench has, which is another version than the other's.
    """

    before: list[Run]
    after: list[Run]
    missing: str = ""
    failed: bool = False
    known_to_one: Sequence[str] = ()


def pairs_by(runs: Sequence[Run], factor: str) -> list[Matched]:
    """Pair runs that differ in one factor only; the value that comes first among the runs is the baseline.

    Args:
        runs: Any finished runs.
        factor: One of ``COMPARABLE_FACTORS``.

    Returns:
        The baseline's runs and the others', for each other value within each group of otherwise equal runs.
    """
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        rest = _otherwise(run, factor)
        groups.setdefault(rest, {}).setdefault(FACTORS[factor](run), []).append(run)
    pairs = []
    for values in groups.values():
        baseline, *others = values.values()
        pairs += [Matched(before=baseline, after=other) for other in others]
    return pairs


def match_runs(before: Sequence[Run], after: Sequence[Run]) -> list[Matched]:
    """Find for each cell that finished on side A its runs on side B: of the same configuration, best on the same data.

    Where each side has one cell only, they are compared whatever differs. Of another version of ocrbench, a cell is the
    same one if it is the only one that has the same values for all keys that both versions have.

    Args:
        before: A's runs, failed ones too.
        after: B's, likewise.
    """
    first, second = _by_cell(_finished(before)), _by_cell(after)
    if len(first) == len(second) == 1:
        second = dict(zip(first, second.values(), strict=True))
    renamed = _over_versions(first, second)
    return [_match(finished, second.get(renamed.get(key, key), [])) for key, finished in first.items()]


def _over_versions(before: Cells, after: Cells) -> dict[str, str]:
    """Name for each cell that only A has the one of B that is the same, but for keys new in another version."""
    lonely = [[key for key in side if key not in other] for side, other in ((before, after), (after, before))]
    alike = [
        (key, other) for key, other in product(*lonely) if known_to_one(before[key][-1], after[other][-1]) is not None
    ]
    times = Counter(name for pair in alike for name in pair)
    return {key: other for key, other in alike if times[key] == times[other] == 1}


def _match(before: list[Run], after: Sequence[Run]) -> Matched:
    known = tuple(known_to_one(before[-1], after[-1]) or ()) if after else ()
    before = _on_data(before[-1], before)
    if not after:
        return Matched(before=before, after=[], missing="there is no run of this cell")
    if after[-1].status != "ok":
        return Matched(before=before, after=[], missing=f"the cell failed: {after[-1].error}", failed=True)
    finished = _finished(after)
    chosen = _on_data(before[-1], finished) or _on_data(finished[-1], finished)
    return Matched(before=before, after=chosen, known_to_one=known)


def _on_data(like: Run, runs: Sequence[Run]) -> list[Run]:
    """Keep the runs with the same images and ground truth as one of them."""
    return [run for run in runs if run.dataset_sha256 == like.dataset_sha256]


def _finished(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.status == "ok"]


def _by_cell(runs: Sequence[Run]) -> Cells:
    cells: Cells = {}
    for run in runs:
        cells.setdefault(_text(comparable(run.config)), []).append(run)
    return cells


def _otherwise(run: Run, factor: str) -> str:
    """Return all that decides a run but one factor, so that equal strings mean otherwise equal runs."""
    config = dict(run.config)
    if factor == "precision":
        # Other precisions do without the recipe for INT8, which would keep them apart.
        config |= {role: {**config[role], "precision": "INT8"} for role in ROLES}
    config = {key: value for key, value in comparable(config).items() if key != factor}
    for role in ROLES:
        kept = STAGE_FACTORS if factor == "model" else set(config[role])
        config[role] = {key: value for key, value in config[role].items() if key in kept and key != factor}
    others = [value(run) for name, value in FACTORS.items() if name != factor and name in ENVIRONMENT_FACTORS]
    return _text([config, run.dataset_sha256, others])


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def differing_settings(runs: Sequence[Run]) -> list[str]:
    """Say of each run which settings it has where others have different ones.

    Args:
        runs: Runs that are shown together.

    Returns:
        For each run overrides like ``folding.recognizer_networks=48``, separated by spaces; empty where names,
        precision and device say everything.
    """
    flat = [_settings(run) for run in runs]
    values: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for run, settings in zip(runs, flat, strict=True):
        for key, value in settings.items():
            values[(key, *_choices(run, key))].add(value)
    differing = {key for (key, *_), found in values.items() if len(found) > 1}
    if len({run.dataset_sha256 for run in runs}) == 1:
        # The same images in another place.
        differing -= {"dataset.root"}
    return [" ".join(f"{key}={value}" for key, value in each.items() if key in differing) for each in flat]


def _choices(run: Run, key: str) -> tuple[str, ...]:
    """Name the choices with which a key can be compared: its own group's, or all of them."""
    section = key.partition(".")[0]
    return tuple(str(run.config.get(name, {}).get("name")) for name in ([section] if section in NAMED else NAMED))


def _settings(run: Run) -> dict[str, str]:
    """Return the configuration as overrides: key → value."""
    config = dict(run.config)
    for stage in ROLES:
        given = dict(config[stage])
        kept = {key: value for key, value in given.items() if key not in ("device", "precision")}
        recipe = given.get("quantization") if given["precision"] == "INT8" else {}
        inherited = given.get("properties") == config.get("properties")
        config[stage] = {**kept, "quantization": recipe, "properties": {} if inherited else given.get("properties")}
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in _flat(config)
        if not any(f"{key}.".startswith(f"{part}.") for part in LEFT_OUT) and not key.endswith((".name", ".measured"))
    }


def _flat(config: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        # The keys of a family or a scenario are kept apart, which is not how they are given.
        inner = path if key == "options" else (*path, key)
        if isinstance(value, Mapping):
            yield from _flat(value, inner)
        else:
            yield ".".join(inner), value
