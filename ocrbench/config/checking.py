"""From plain data to frozen dataclasses, with helpful messages."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from ocrbench.config.retired import RETIRED, RETIRED_VALUES
from ocrbench.config.stage import ROLES
from ocrbench.errors import ConfigError

Parsed = TypeVar("Parsed")


def validate(
    kind: type[Parsed],
    plain: Any,  # noqa: ANN401 - any YAML value
    where: str = "",
    *,
    beside: type | None = None,
) -> Parsed:
    """Build a frozen dataclass from plain data.

    Args:
        kind: A pydantic dataclass.
        plain: Data from YAML or JSON.
        where: Path of ``plain`` in the configuration, for the message.
        beside: Pydantic dataclass whose keys are on the same level, for the message.

    Raises:
        ConfigError: A key is wrong; the message names each with its full path and its valid values.
    """
    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        found = [_describe(item, kind, where, beside) for item in error.errors()]
        # Both stages inherit values from the top level: report them once.
        inherited = {f"{stage}.{text}" for text in found for stage in ROLES}
        raise ConfigError("; ".join(text for text in found if text not in inherited)) from error


def closest(word: str, valid: Iterable[str]) -> str:
    """Suggest the valid word that was probably meant, and list them all.

    >>> closest("limit_sde", ["limit_side", "mean"])
    'did you mean limit_side? Valid: limit_side, mean'
    """
    names = sorted(valid)
    near = difflib.get_close_matches(word, names, n=1)
    return (f"did you mean {near[0]}? " if near else "") + "Valid: " + ", ".join(names)


def unknown_key(key: str, valid: Collection[str]) -> str:
    """Report an unknown key, and what to use instead.

    Args:
        key: Key with its full path.
        valid: Names on the same level; empty if any name can be added there.

    >>> unknown_key("dataset.limt", ["limit", "root"])
    'dataset.limt: no such key; did you mean limit? Valid: limit, root'
    >>> unknown_key("folding.shapes", [])
    'folding.shapes: renamed; use folding.recognizer_networks'
    """
    # A section whose keys are all gone is itself unknown.
    for retired, what in RETIRED.items():
        if retired == key or retired.startswith(f"{key}."):
            return f"{retired}: {what.instead}"
    hint = closest(key.rpartition(".")[2], valid) if valid else f"to add it, write +{key}=…"
    return f"{key}: no such key; {hint}"


def refuse_unused(overrides: Iterable[str], unused: Collection[str], command: str) -> None:
    """Reject overrides of keys that a run uses, but a command does not.

    Args:
        overrides: Overrides as on the command line.
        unused: First parts of the unused keys.
        command: Name of the command, for the message.

    Raises:
        ConfigError: There is such an override.

    >>> refuse_unused(["dataset.limit=3"], {"dataset"}, "read")
    Traceback (most recent call last):
    ocrbench.errors.ConfigError: dataset.limit=3: read does not use dataset; leave it out
    """
    for override in overrides:
        first = override.lstrip("+~").partition("=")[0].partition(".")[0]
        if first in unused:
            message = f"{override}: {command} does not use {first}; leave it out"
            raise ConfigError(message)


def _describe(item: Mapping[str, Any], kind: type, where: str, beside: type | None) -> str:
    path = ".".join([*([where] if where else []), *(str(part) for part in item["loc"])])
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        outer = set(_fields(beside, ())) - {"options"} if beside and len(item["loc"]) == 1 else set()
        return unknown_key(path, {*_fields(kind, item["loc"][:-1]), *outer})
    message = item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    given = item.get("input")
    shown = f"={given}" if isinstance(given, str | int | float) else ""
    instead = RETIRED_VALUES.get(f"{path}{shown}")
    return f"{path}{shown}: {instead or message[0].lower() + message[1:]}"


def _fields(kind: type, path: Sequence[int | str]) -> list[str]:
    for part in path:
        fields = getattr(kind, "__dataclass_fields__", None)
        # Elsewhere a part is an index of a tuple, or a key of a mapping.
        kind = fields[part].type if fields else get_args(kind)[0 if isinstance(part, int) else -1]
    return list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
