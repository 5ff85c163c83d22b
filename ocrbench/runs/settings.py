"""What distinguishes the runs of one table, beyond what has a column of its own."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocrbench.config.schema import NOT_MEASURED
from ocrbench.config.stage import ROLES
from ocrbench.runs.run import Run

# Each choice of one of these has its own keys, so only runs of the same choice are compared by them.
NAMED = (*ROLES, "dataset", "calibration", "scenario")
# Columns of their own, or consequences of other keys.
LEFT_OUT = (*NOT_MEASURED, "device", "precision", "omz", "calibration.root")


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
