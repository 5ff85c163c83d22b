"""What names a run: all that decides what is measured, and nothing else."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ocrbench import environment
from ocrbench.config import NOT_MEASURED, Cell
from ocrbench.config.retired import RETIRED
from ocrbench.models import option_files
from ocrbench.records import RunRecord

ROLES = ("detector", "recognizer")
# Where things are, and how the result is judged.
NOT_COMPARED = (*NOT_MEASURED, "omz", "attest")


def decisive(cell: Cell) -> dict[str, Any]:
    """Return the configuration without what does not change the measurement, and the files that it names as hashes.

    Raises:
        ConfigError: The models' options are wrong, or one of the files is missing.
    """
    contents = [path.read_bytes() for path in option_files(cell.detector, cell.recognizer)]
    return {**decisive_keys(asdict(cell)), "files": [hashlib.sha256(content).hexdigest() for content in contents]}


def decisive_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell's configuration, as plain data, without what does not change the measurement."""
    plain = {key: value for key, value in config.items() if key not in NOT_MEASURED}
    for role in ROLES:
        stage = plain[role]
        # What justifies a recipe changes nothing, and without INT8 the recipe itself does not.
        recipe = {key: value for key, value in (stage.get("quantization") or {}).items() if key != "measured"}
        plain[role] = {**stage, "quantization": recipe if stage["precision"] == "INT8" else None}
    if "INT8" not in [plain[role]["precision"] for role in ROLES]:
        plain |= {"calibration": {}, "quantization": {}}
    return plain


def series(cell: Cell, fingerprint: str) -> str:
    """Name what a history follows over versions of models, tools and system, wherever a checkout lies."""
    config = {key: value for key, value in decisive(cell).items() if key != "omz"}
    for name in ("dataset", "calibration"):
        config[name] = {key: value for key, value in config[name].items() if key != "root"}
    return named(cell, [config, fingerprint, *same_host(environment.host())])


def comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a configuration must be equal in two runs of one cell, wherever their files lie."""
    plain = {key: value for key, value in decisive_keys(config).items() if key not in NOT_COMPARED}
    for name in ("dataset", "calibration"):
        plain[name] = {key: value for key, value in plain.get(name, {}).items() if key != "root"}
    return plain


def known_to_one(one: RunRecord, other: RunRecord) -> list[str] | None:
    """Say which keys only one of two runs has, as ocrbench gets new ones; None if the runs are of different cells.

    Runs of the same version of ocrbench know the same keys: there, one that only one run has was given to that one.
    """
    if one.environment.get("source") == other.environment.get("source"):
        return None
    return _known_to_one(comparable(one.config), comparable(other.config))


def _known_to_one(one: Mapping[str, Any], other: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[str] | None:
    unknown = [".".join((*path, key)) for key in sorted(one.keys() ^ other.keys())]
    # A retired key is left in a stored run only where it asks for what today's versions never do.
    if not RETIRED.keys().isdisjoint(unknown):
        return None
    for key in one.keys() & other.keys():
        first, second = one[key], other[key]
        # Properties are named by OpenVINO: none is new to ocrbench.
        if isinstance(first, Mapping) and isinstance(second, Mapping) and key != "properties":
            inner = _known_to_one(first, second, (*path, key))
            if inner is None:
                return None
            unknown += inner
        elif _plain(first) != _plain(second):
            return None
    return unknown


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def same_host(host: Mapping[str, Any]) -> list[Any]:
    """Return what makes a host another one: not its memory, nor its system."""
    return [host.get(key) for key in ("name", "cpu", "cores")]


def named(cell: Cell, parts: Sequence[object]) -> str:
    """Name a run by what was measured, followed by the hash of all that decides it."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    words = (cell.detector.name, cell.recognizer.name, cell.precisions, cell.devices, cell.dataset.name)
    readable = "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", word)[:24] for word in dict.fromkeys(words))
    return f"{readable}-{digest[:12]}"
