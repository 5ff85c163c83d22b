"""From YAML to checked cells, as far as that goes without Hydra, which takes long to import and to compose."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ocrbench.config.checking import unknown_key, validate
from ocrbench.config.packaged import default_cache_dir, packaged
from ocrbench.config.retired import RETIRED
from ocrbench.config.schema import Cell, Dataset, Scenario
from ocrbench.config.stage import ROLES, Stage
from ocrbench.errors import ConfigError

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


def register_resolvers() -> None:
    """Make ``${packaged:…}``, ``${default_cache_dir:}`` and ``${expanded:…}`` known to OmegaConf."""
    OmegaConf.register_new_resolver("packaged", packaged, replace=True)
    OmegaConf.register_new_resolver("default_cache_dir", default_cache_dir, replace=True)
    OmegaConf.register_new_resolver("expanded", _expanded, replace=True)


def parse(config: DictConfig) -> Cell:
    """Check a composed configuration and freeze it.

    Raises:
        ConfigError: A value has the wrong type or is not one of the valid choices.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(one_line(str(error))) from error
    assert isinstance(plain, dict)
    for group, kind in WITH_OPTIONS.items():
        plain[group] = _gather_options(group, plain[group], kind)
    cell = validate(Cell, plain)
    return replace(cell, reports_dir=_expanded(cell.reports_dir), cache_dir=_expanded(cell.cache_dir))


def shipped_cell(values: Sequence[str] = ()) -> Cell:
    """Build the cell of the shipped defaults: as ``composing.load`` does, in a fraction of the time.

    Args:
        values: KEY=VALUE each; no choices of groups.
    """
    config = {key: value for key, value in _read("config").items() if key not in ("defaults", "hydra")}
    chosen = {key: name for each in _read("config")["defaults"] if isinstance(each, dict) for key, name in each.items()}
    # The other defaults choose nothing, or choose among these.
    for group in (*ROLES, "dataset", "calibration", "quantization", "scenario", "gate"):
        config[group] = {**config.get(group, {}), **_read(f"{group}/{chosen[group]}")}
    register_resolvers()
    composed = OmegaConf.merge(OmegaConf.create(config), OmegaConf.from_dotlist(list(values)))
    assert isinstance(composed, DictConfig)
    return parse(composed)


def shipped_choice(kind: type[WithOptions], group: str, name: str, **common: object) -> WithOptions:
    """Read one choice of a group that ships with ocrbench, as it is before values of the command line.

    Args:
        kind: The schema of the group.
        group: The group.
        name: The choice.
        **common: Values that it shares with other groups, for example ``device``.
    """
    plain = _read(f"{group}/{name}")
    if any("${" in str(value) for value in plain.values()):
        register_resolvers()
        plain = cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.create(plain), resolve=True))
    return validate(kind, _gather_options(group, {**common, **plain}, kind), group)


@functools.cache
def _read(name: str) -> dict[str, Any]:
    text = Path(packaged("conf"), f"{name}.yaml").read_text(encoding="utf-8")
    content = yaml.load(text, LOADER)
    assert isinstance(content, dict)
    return content


def _expanded(folder: str) -> str:
    """Put the home folder in the place of a leading ``~``: in YAML no shell does."""
    try:
        return str(Path(folder).expanduser())
    except RuntimeError as error:
        message = f"{folder}: no such home folder"
        raise ConfigError(message) from error


def _gather_options(group: str, given: dict[str, Any], kind: type[Stage | Scenario | Dataset]) -> dict[str, Any]:
    known = set(kind.__dataclass_fields__) - {"options"}
    options = {key: value for key, value in given.items() if key not in known}
    for key in options:
        # The families, scenarios and formats, which check the others, are not asked everywhere.
        if f"{group}.{key}" in RETIRED:
            raise ConfigError(unknown_key(f"{group}.{key}", ()))
    return {key: value for key, value in given.items() if key in known} | {"options": options}


def one_line(message: str) -> str:
    """Join the lines of an error of OmegaConf or Hydra, without those that help nobody."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(("See https", "full_key", "object_type")))
