"""The command that measures a run again, from the configuration that the run recorded."""

import functools
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ocrbench.config.composing import load
from ocrbench.config.retired import RETIRED, RETIRED_VALUES
from ocrbench.config.schema import NOT_MEASURED
from ocrbench.config.stage import ROLES
from ocrbench.files import choices
from ocrbench.runs.run import Run

# Config groups whose choice a run records.
GROUPS = (*ROLES, "dataset", "calibration", "quantization", "scenario")
# Keys that each stage inherits unless it has its own.
INHERITED = ("device", "precision", "properties")
# Groups of the whole cell.
LEFT_OUT = {*NOT_MEASURED, *INHERITED, "omz", "attest"}
# Keys that explain, or inform people.
FOR_PEOPLE = ("measured", "licence", "languages", "homepage", "min_openvino", "size_mb", "input")
# Texts that Hydra's grammar reads as themselves.
PLAIN = re.compile(r"(?!(?:null|true|false|nan|inf)$)[A-Za-z_/.][\w/.:%@?|-]*", re.IGNORECASE | re.ASCII)


def command(run: Run) -> str:
    """Write the command; empty if the run used YAML files or keys that this version of ocrbench lacks.

    The command has the choices of the config groups, and every value that differs from theirs. It leaves out what does
    not change the measurement, such as folders and time limits.
    """
    config: Mapping[str, Any] = run.config
    # A run of an earlier version lacks some of them.
    chosen = {group: _choice(config[group]) for group in GROUPS if group in config}
    if any(name not in choices(group) for group, name in chosen.items()):
        return ""
    base = _composed(tuple(f"{group}={name}" for group, name in chosen.items()))
    for name in INHERITED:
        for level in (base, *(base[role] for role in ROLES)):
            level[name] = config[name]
    words = [f"{group}={name}" for group, name in chosen.items() if name != _default(group)]
    words += [f"{name}={value(config[name])}" for name in ("device", "precision")]
    words += [f"properties.{name}={value(given)}" for name, given in config["properties"].items()]
    differences = {_key(path): given for path, given in _differences(config, base)}
    if not RETIRED.keys().isdisjoint(differences):
        return ""
    words += [f"{key}={value(given)}" for key, given in differences.items()]
    if not RETIRED_VALUES.keys().isdisjoint(words):
        return ""
    return shlex.join(["python", "-m", "ocrbench", *words])


def value(given: object) -> str:
    """Write a value in Hydra's grammar.

    >>> value(None), value(0.5), value("CPU"), value("AUTO:GPU,CPU"), value([1, "a b"])
    ('null', '0.5', 'CPU', "'AUTO:GPU,CPU'", "[1,'a b']")
    """
    if given is None:
        return "null"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, list | tuple):
        return f"[{','.join(map(value, given))}]"
    if isinstance(given, Mapping):
        return "{" + ",".join(f"{value(str(name))}:{value(each)}" for name, each in given.items()) + "}"
    text = str(given)
    return text if PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    r"""Quote a text; a backslash is literal unless it precedes a quote or ends the text."""
    doubled = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text)
    return f"'{doubled}'"


def _differences(given: Any, base: Any, path: Sequence[str] = ()) -> Iterator[tuple[Sequence[str], Any]]:  # noqa: ANN401
    if isinstance(given, Mapping) and isinstance(base, Mapping):
        for name in given:
            if name not in FOR_PEOPLE and not (not path and name in LEFT_OUT):
                yield from _differences(given[name], base.get(name), (*path, name))
    elif _plain(given) != _plain(base):
        yield path, given


def _plain(given: Any) -> Any:  # noqa: ANN401 - lists and tuples are the same in JSON
    return list(given) if isinstance(given, tuple) else given


def _key(path: Sequence[str]) -> str:
    """Join a path; keys of a family or a scenario are on the same level as the others."""
    return ".".join(part for part in path if part != "options")


def _composed(overrides: Sequence[str]) -> dict[str, Any]:
    """Return a writable copy of the composed configuration."""
    plain = dict(_cached(tuple(overrides)))
    return {name: dict(each) if name in ROLES else each for name, each in plain.items()}


@functools.lru_cache(maxsize=64)
def _cached(overrides: tuple[str, ...]) -> dict[str, Any]:
    return asdict(load(overrides))


def _default(group: str) -> str:
    return _choice(_cached(())[group])


def _choice(group: Mapping[str, Any]) -> str:
    return str(group.get("name", group.get("method", "")))
