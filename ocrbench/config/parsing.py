"""From YAML to checked cells, as far as that goes without Hydra, which takes long to import and to compose."""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ocrbench.config.checking import unknown_key, validate
from ocrbench.config.retired import RETIRED
from ocrbench.config.schema import Cell, Dataset, Scenario
from ocrbench.config.stage import ROLES, Stage
from ocrbench.errors import ConfigError
from ocrbench.files import default_cache_dir, packaged

WithOptions = TypeVar("WithOptions", Stage, Scenario, Dataset)
# Some keys of these belong to a model family, a scenario or a dataset format.
WITH_OPTIONS: Mapping[str, type[Stage | Scenario | Dataset]] = {
    **dict.fromkeys(ROLES, Stage),
    "scenario": Scenario,
    "dataset": Dataset,
    "calibration": Dataset,
}
# Written in C where libyaml is there, and then many times faster.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# ``${key}``, ``${oc.select:key,default}``, ``${packaged:folder}`` …
INTERPOLATION = re.compile(r"\$\{(?:([\w.]+):)?([^{}]*)\}")
RESOLVERS: Mapping[str, Callable[..., str]] = {"packaged": packaged, "default_cache_dir": default_cache_dir}


def to_cell(plain: Mapping[str, Any]) -> Cell:
    """Check a configuration without interpolations and freeze it.

    Raises:
        ConfigError: A value has the wrong type or is not one of the valid choices.
    """
    gathered = {group: _gather_options(group, plain[group], kind) for group, kind in WITH_OPTIONS.items()}
    cell = validate(Cell, {**plain, **gathered})
    return replace(cell, reports_dir=expanded(cell.reports_dir), cache_dir=expanded(cell.cache_dir))


def shipped_cell() -> Cell:
    """Build the cell of the shipped defaults: as ``composing.load`` does, in a fraction of the time."""
    config = {key: value for key, value in _read("config").items() if key not in ("defaults", "hydra")}
    chosen = {key: name for each in _read("config")["defaults"] if isinstance(each, dict) for key, name in each.items()}
    # The other defaults choose nothing, or choose among these.
    for group in (*ROLES, "dataset", "calibration", "quantization", "scenario", "gate"):
        config[group] = {**config.get(group, {}), **_read(f"{group}/{chosen[group]}")}
    return to_cell(_resolved(config, config))


def shipped_choice(kind: type[WithOptions], group: str, name: str, **common: object) -> WithOptions:
    """Read one choice of a group that ships with ocrbench, as it is before values of the command line.

    Args:
        kind: The schema of the group.
        group: The group.
        name: The choice.
        **common: Values that it shares with other groups, for example ``device``.
    """
    plain = _resolved(_read(f"{group}/{name}"), {})
    return validate(kind, _gather_options(group, {**common, **plain}, kind), group)


def _resolved(value: Any, config: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
    """Fill in the interpolations that the shipped YAML has; OmegaConf, which knows all, takes long to import."""
    if isinstance(value, dict):
        return {key: _resolved(each, config) for key, each in value.items()}
    found = INTERPOLATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    resolver, argument = found[1] or "", found[2]
    if resolver in RESOLVERS:
        return RESOLVERS[resolver](*filter(None, [argument]))
    path, _, default = argument.partition(",")
    group, _, key = path.rpartition(".")
    there = config[group] if group else config
    return _resolved(there[key], config) if key in there else yaml.load(default, LOADER)


@functools.cache
def _read(name: str) -> dict[str, Any]:
    text = Path(packaged("conf"), f"{name}.yaml").read_text(encoding="utf-8")
    content = yaml.load(text, LOADER)
    assert isinstance(content, dict)
    return content


def expanded(folder: str) -> str:
    """Put the home folder in the place of a leading ``~``: in YAML no shell does."""
    try:
        return str(Path(folder).expanduser())
    except RuntimeError as error:
        message = f"{folder}: no such home folder"
        raise ConfigError(message) from error


def _gather_options(group: str, given: dict[str, Any], kind: type[Stage | Scenario | Dataset]) -> dict[str, Any]:
    known = set(kind.__dataclass_fields__) - {"options"}
    options = {key: value for key, value in given.items() if key not in known}
    if "options" in options:
        keys = [*options["options"]] if isinstance(options["options"], Mapping) else ["KEY"]
        message = f"{group}.options: no such key; options stand beside the others: {group}.{keys[0]}=…"
        raise ConfigError(message)
    for key in options:
        # The families, scenarios and formats, which check the others, are not asked everywhere.
        if f"{group}.{key}" in RETIRED:
            raise ConfigError(unknown_key(f"{group}.{key}", ()))
    return {key: value for key, value in given.items() if key in known} | {"options": options}
