"""From Hydra overrides to checked cells.

Not imported with the package: workers do without Hydra, which takes long to import.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ocrbench.config.checking import closest, unknown_key
from ocrbench.config.parsing import RESOLVERS, expanded, to_cell
from ocrbench.config.retired import RETIRED
from ocrbench.config.schema import Cell
from ocrbench.config.stage import ROLES, Options
from ocrbench.errors import ConfigError
from ocrbench.files import choices, packaged

GROUPS = (*ROLES, "model", "dataset", "calibration", "quantization", "scenario", "gate")


def register_resolvers() -> None:
    """Make ``${packaged:…}``, ``${default_cache_dir:}`` and ``${expanded:…}`` known to OmegaConf."""
    for name, resolver in {**RESOLVERS, "expanded": expanded}.items():
        OmegaConf.register_new_resolver(name, resolver, replace=True)


def load(overrides: Sequence[str] = (), config_dir: str | None = None) -> Cell:
    """Compose and check one cell from Hydra overrides.

    Raises:
        ConfigError: A key, value or choice is wrong, or an experiment is a matrix. The message is one line with the
            valid choices.
    """
    composed = compose_config(overrides, config_dir, hydra=True)
    if _is_matrix(composed):
        named = next((text for text in overrides if text.startswith("experiment=")), "hydra.mode=MULTIRUN")
        message = f"{named}: expected one cell, but this is a matrix of cells; ocrbench {named} measures them all"
        raise ConfigError(message)
    return parse(_without_hydra(composed))


def load_matrix(overrides: Sequence[str], *, sweep: bool, config_dir: str | None = None) -> list[Cell]:
    """Check every cell of a matrix before the first one runs.

    Args:
        overrides: Hydra overrides; with ``sweep``, values may be lists or ranges.
        sweep: Whether this is a multirun; an experiment can also ask for it by ``hydra.mode``.
        config_dir: A folder of further configuration, as Hydra's ``--config-dir``.

    Raises:
        ConfigError: As ``load``, for any cell.
    """
    plain = [text for text in overrides if not sweep or not _is_sweep(text)]
    composed = compose_config(plain, config_dir, hydra=True)
    sweeper = OmegaConf.to_container(composed.hydra.sweeper).get("params") or {}  # type: ignore[union-attr]
    if not (sweep or _is_matrix(composed)):
        return [parse(_without_hydra(composed))]
    named = {text.partition("=")[0] for text in overrides}
    words = [*(f"{key}={value}" for key, value in sweeper.items() if key not in named), *overrides]
    return [parse(compose_config(combination, config_dir)) for combination in _expand(words)]


def compose_config(overrides: Sequence[str], config_dir: str | None = None, *, hydra: bool = False) -> DictConfig:
    """Compose the plain configuration, and turn Hydra's errors into single lines.

    Raises:
        ConfigError: An override cannot be parsed, or names an unknown key or choice.
    """
    for override in overrides:
        group, _, choice = override.partition("=")
        if group in GROUPS and ("/" in choice or ".." in choice):
            message = f"{override}: no such {group}; {closest(choice, choices(group, config_dir))}"
            raise ConfigError(message)
    register_resolvers()
    GlobalHydra.instance().clear()
    search = [f"hydra.searchpath=[{Path(config_dir).resolve().as_uri()}]"] if config_dir else []
    try:
        with initialize_config_dir(packaged("conf"), version_base="1.3"):
            return compose("config", [*map(complete, overrides), *search], return_hydra_config=hydra)
    except MissingConfigException as error:
        raise ConfigError(_missing_choice(error, config_dir)) from error
    except ConfigCompositionException as error:
        raise ConfigError(_unknown_key(error, overrides, config_dir)) from error
    except OverrideParseException as error:
        raise ConfigError(_unreadable(str(error.override))) from error
    except YAMLError as error:
        message = f"a configuration file is not YAML: {_one_line(str(error))}"
        raise ConfigError(message) from error
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # ValueError: the choice of a group is not a name, as in detector=null.
        raise ConfigError(_one_line(str(error))) from error


def complete(override: str) -> str:
    """Allow an override of any key of the schema, even one that the YAML leaves at its default.

    >>> complete("detector.quantization.ignored_types=[]"), complete("detector.no_such_key=1")
    ('++detector.quantization.ignored_types=[]', 'detector.no_such_key=1')
    """
    key = override.partition("=")[0]
    return f"++{override}" if "." in key and _is_in_schema(key.split("."), Cell) else override


def parse(config: DictConfig) -> Cell:
    """Check a composed configuration and freeze it.

    Raises:
        ConfigError: A value has the wrong type or is not one of the valid choices.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(_one_line(str(error))) from error
    assert isinstance(plain, dict)
    return to_cell({str(key): value for key, value in plain.items()})


def _is_matrix(composed: DictConfig) -> bool:
    return str(composed.hydra.mode).endswith("MULTIRUN")


def _without_hydra(composed: DictConfig) -> DictConfig:
    return OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])


def _is_in_schema(path: Sequence[str], kind: Any) -> bool:  # noqa: ANN401 - any annotation
    if not path or kind == Options:
        return True
    fields = getattr(kind, "__dataclass_fields__", {})
    return path[0] in fields and _is_in_schema(path[1:], fields[path[0]].type)


def _schema_keys(path: Sequence[str]) -> set[str]:
    kind: Any = Cell
    for part in path:
        field = getattr(kind, "__dataclass_fields__", {}).get(part)
        kind = field.type if field else None
    return set(getattr(kind, "__dataclass_fields__", ())) - {"options"}


def _missing_choice(error: MissingConfigException, config_dir: str | None) -> str:
    group, _, choice = str(error.missing_cfg_file).rpartition("/")
    return (
        f"{group}={choice}: no such {group or 'config'}; {closest(choice, error.options or choices(group, config_dir))}"
    )


def _unknown_key(error: ConfigCompositionException, overrides: Sequence[str], config_dir: str | None) -> str:
    key = getattr(error.__cause__, "full_key", None)
    if not key:
        return _one_line(str(error))
    if key in RETIRED:
        return unknown_key(key, ())
    parent = str(key).rpartition(".")[0]
    # The keys of a group depend on its choice.
    chosen = compose_config([text for text in overrides if text.partition("=")[0] in GROUPS], config_dir)
    node = OmegaConf.select(chosen, parent) if parent else chosen
    present = [str(name) for name in node] if isinstance(node, DictConfig) else []
    valid = {*present, *_schema_keys(parent.split("."))} if parent else set(present)
    return unknown_key(str(key), valid)


def _unreadable(override: str) -> str:
    quoting = "quote a value with commas, colons, semicolons or brackets twice, as in \"device='AUTO:GPU,CPU'\""
    return f"cannot read '{override.lstrip('+')}': expected key=value; {quoting}"


def _one_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(("See https", "full_key", "object_type")))


def _is_sweep(override: str) -> bool:
    try:
        return bool(OverridesParser.create().parse_override(override).is_sweep_override())
    except HydraException as error:
        raise ConfigError(_unreadable(override)) from error


def _expand(words: Sequence[str]) -> list[list[str]]:
    axes: list[list[str]] = []
    try:
        with initialize_config_dir(packaged("conf"), version_base="1.3"):
            # glob(…) can list the choices of a group only with a loader.
            parser = OverridesParser.create(GlobalHydra.instance().config_loader())
            for override in parser.parse_overrides(list(words)):
                text = str(override.input_line)
                key = override.get_key_element()
                sweep = override.is_sweep_override()
                axes.append([f"{key}={value}" for value in override.sweep_string_iterator()] if sweep else [text])
                if not axes[-1]:
                    message = f"{text}: no choice matches"
                    raise ConfigError(message)
    except HydraException as error:
        raise ConfigError(_one_line(str(error))) from error
    return [list(combination) for combination in itertools.product(*axes)]
