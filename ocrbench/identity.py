"""What names a run: all that decides what is measured, and nothing else."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ocrbench import environment
from ocrbench.config import NOT_MEASURED, Cell, Stage
from ocrbench.models import option_files


def decisive(cell: Cell) -> dict[str, Any]:
    """Return the configuration without what does not change the measurement, and the files that it names as hashes.

    Raises:
        ConfigError: The models' options are wrong, or one of the files is missing.
    """
    contents = [path.read_bytes() for path in option_files(cell.detector, cell.recognizer)]
    return {**decisive_keys(cell), "files": [hashlib.sha256(content).hexdigest() for content in contents]}


def decisive_keys(cell: Cell) -> dict[str, Any]:
    """Return the configuration without what does not change the measurement."""
    plain = {key: value for key, value in asdict(cell).items() if key not in NOT_MEASURED}
    for role in ("detector", "recognizer"):
        stage: Stage = getattr(cell, role)
        # What justifies a recipe changes nothing, and without INT8 the recipe itself does not.
        recipe = {key: value for key, value in plain[role]["quantization"].items() if key != "measured"}
        plain[role] = {**plain[role], "quantization": recipe if stage.precision == "INT8" else None}
    if "INT8" not in (cell.detector.precision, cell.recognizer.precision):
        plain |= {"calibration": {}, "quantization": {}}
    return plain


def series(cell: Cell, fingerprint: str) -> str:
    """Name what a history follows over versions of models, tools and system, wherever a checkout lies."""
    config = {key: value for key, value in decisive(cell).items() if key != "omz"}
    for name in ("dataset", "calibration"):
        config[name] = {key: value for key, value in config[name].items() if key != "root"}
    host = environment.host()
    return named(cell, [config, fingerprint, host["name"], host["cpu"], host["cores"]])


def named(cell: Cell, parts: Sequence[object]) -> str:
    """Name a run by what was measured, followed by the hash of all that decides it."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
    words = (cell.detector.name, cell.recognizer.name, cell.precisions, cell.devices, cell.dataset.name)
    readable = "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", word)[:24] for word in dict.fromkeys(words))
    return f"{readable}-{digest[:12]}"
