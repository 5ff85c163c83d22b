"""What names a run: the content of all that decides what is measured, and nothing else.

Where files lie is no part of it: the same data in another folder, or an installed copy of ocrbench instead of a
checkout, is the same cell. Nor is how results are scored: that can be changed afterwards.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ocrbench import environment
from ocrbench.config.retired import RETIRED
from ocrbench.config.schema import NOT_MEASURED, Cell
from ocrbench.config.stage import ROLES
from ocrbench.models import option_files
from ocrbench.runs.run import Run

# Where things are, and by what rules results are scored.
NOT_DECISIVE = (*NOT_MEASURED, "omz", "scoring")
# How the result is judged.
JUDGED_LATER = ("attest",)
DATASETS = ("dataset", "calibration")


def decisive(cell: Cell) -> dict[str, Any]:
    """Return the configuration that decides what is measured, with the files that it names as hashes of their content.

    Raises:
        ConfigError: The models' options are wrong, or one of the files is missing.
    """
    paths = option_files(cell)
    hashes = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    config = decisive_keys(asdict(cell))
    for role in ROLES:
        options = config[role]["options"]
        named = {key: hashes[str(Path(value).expanduser())] for key, value in options.items() if _names(value, hashes)}
        config[role] = {**config[role], "options": {**options, **named}}
    return {**config, "files": sorted(hashes.values())}


def decisive_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell's configuration, as plain data, without paths and what does not change the measurement."""
    plain = {key: value for key, value in config.items() if key not in NOT_DECISIVE}
    for role in ROLES:
        stage = plain[role]
        # What justifies a recipe changes nothing, and without INT8 the recipe itself does not.
        recipe = {key: value for key, value in (stage.get("quantization") or {}).items() if key != "measured"}
        plain[role] = {**_located(stage), "quantization": recipe if stage["precision"] == "INT8" else None}
    if "INT8" not in [plain[role]["precision"] for role in ROLES]:
        plain |= {"calibration": {}, "quantization": {}}
    for name in DATASETS:
        plain[name] = {key: value for key, value in plain.get(name, {}).items() if key != "root"}
    return plain


def series(cell: Cell, fingerprint: str) -> str:
    """Name what a history follows over versions of models, tools and system."""
    return named(cell, [decisive(cell), fingerprint, *same_host(environment.host())])


def comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a configuration must be equal in two runs of one cell."""
    return {key: value for key, value in decisive_keys(config).items() if key not in JUDGED_LATER}


def known_to_one(one: Run, other: Run) -> list[str] | None:
    """Say which keys only one of two runs has, as ocrbench gets new ones; None if the runs are of different cells.

    Runs of the same version of ocrbench know the same keys: there, one that only one run has was given to that one.
    """
    if one.environment.get("source") == other.environment.get("source"):
        return None
    return unshared_keys(comparable(one.config), comparable(other.config))


def same_host(host: Mapping[str, Any]) -> list[Any]:
    """Return what makes a host another one: not its memory, nor its system."""
    return [host.get(key) for key in ("name", "cpu", "cores")]


def named(cell: Cell, parts: Sequence[object]) -> str:
    """Name a run by what was measured, followed by the hash of all that decides it."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    words = (cell.detector.name, cell.recognizer.name, cell.precisions, cell.devices, cell.dataset.name)
    readable = "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", word)[:24] for word in dict.fromkeys(words))
    return f"{readable}-{digest[:12]}"


def _names(value: object, paths: Mapping[str, str]) -> bool:
    return isinstance(value, str) and str(Path(value).expanduser()) in paths


def _located(stage: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the names of a stage's own files, not their folders; the checksum of the network says the rest."""
    if "source" not in stage:
        return dict(stage)
    more = {name: _without_folder(source) for name, source in (stage.get("more_sources") or {}).items()}
    return {**stage, "source": _without_folder(stage["source"]), "more_sources": more}


def _without_folder(source: Mapping[str, Any]) -> dict[str, Any]:
    return {**source, "path": Path(source["path"]).name} if source.get("kind") == "file" else dict(source)


def unshared_keys(one: Mapping[str, Any], other: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[str] | None:
    """Say which keys only one of two configurations has; None if they differ in a key that both have."""
    unknown = [".".join((*path, key)) for key in sorted(one.keys() ^ other.keys())]
    # A retired key is left in a stored run only where it asks for what today's versions never do.
    if not RETIRED.keys().isdisjoint(key.replace(".options.", ".") for key in unknown):
        return None
    for key in one.keys() & other.keys():
        first, second = one[key], other[key]
        # Properties are named by OpenVINO: none is new to ocrbench.
        if isinstance(first, Mapping) and isinstance(second, Mapping) and key != "properties":
            inner = unshared_keys(first, second, (*path, key))
            if inner is None:
                return None
            unknown += inner
        elif _plain(first) != _plain(second):
            return None
    return unknown


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
