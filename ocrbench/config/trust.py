"""A folder of YAML from elsewhere is data: it may choose and set, but not let Hydra run code."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ocrbench.config.parsing import LOADER
from ocrbench.errors import ConfigError

# What Hydra imports and calls.
TARGET = "_target_"
# Keys of Hydra that are nothing but data; others set up launchers, callbacks and loggers, which name what to call.
HARMLESS = {"mode", "run", "sweep", "job.name", "sweeper.params"}
FLAG = "--trust-config"


def check_foreign(folder: Path) -> None:
    """Refuse a configuration folder whose files could run code.

    Args:
        folder: As given with ``--config-dir``.

    Raises:
        ConfigError: A file has a key that Hydra calls; the message names the file and the key.
    """
    for path in sorted(folder.rglob("*.yaml")):
        name = path.relative_to(folder)
        try:
            content = yaml.load(path.read_bytes(), LOADER)
        except (yaml.YAMLError, OSError):
            # Whoever composes it says what is wrong.
            continue
        inside_hydra = name.parts[0] == "hydra" or _package(path).startswith("hydra")
        for key in _calling(content, inside_hydra=inside_hydra):
            message = f"--config-dir {folder}: {name} has {key}, with which a file can run code; "
            raise ConfigError(message + f"if you trust it, add {FLAG}")


def _package(path: Path) -> str:
    """Return the package that a file's header names, for example ``hydra.launcher``."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    headers = [line.partition("@package")[2].strip() for line in lines if line.startswith("#") and "@package" in line]
    return headers[0] if headers else ""


def _calling(content: Any, *, inside_hydra: bool) -> Iterator[str]:  # noqa: ANN401 - any YAML value
    if not isinstance(content, Mapping):
        return
    yield from (key for key in _keys(content) if key.rpartition(".")[2] == TARGET)
    for key in content:
        if inside_hydra or str(key).startswith("hydra/"):
            yield str(key)
    hydra = content.get("hydra")
    if isinstance(hydra, Mapping):
        for key in _keys(hydra):
            if not any(f"{known}.".startswith(f"{key}.") or f"{key}.".startswith(f"{known}.") for known in HARMLESS):
                yield f"hydra.{key}"
    defaults = content.get("defaults")
    for default in defaults if isinstance(defaults, list) else ():
        words = default if isinstance(default, Mapping) else {default: None}
        for word in words:
            group = str(word).removeprefix("override ").lstrip("/").partition("@")[0]
            if f"{group}/".startswith("hydra/"):
                yield f"defaults: {word}"


def _keys(content: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any YAML value
    """Give the path of every key, also inside lists."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            inner = f"{path}.{key}" if path else str(key)
            yield inner
            yield from _keys(value, inner)
    elif isinstance(content, list):
        for value in content:
            yield from _keys(value, path)
