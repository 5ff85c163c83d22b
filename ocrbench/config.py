"""The configuration's schema, and how Hydra's plain YAML becomes checked, frozen dataclasses."""

import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import platformdirs
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
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ocrbench.errors import ConfigError

Precision = Literal["FP32", "FP16", "BF16", "INT8", "AUTO"]
Options = Mapping[str, Any]
Parsed = TypeVar("Parsed")

STRICT = ConfigDict(extra="forbid")
# Zoo names become paths: nothing that could lead out of a folder.
ZOO_NAME = r"^[A-Za-z0-9_-]*$"
# The type that a precision promises to execute.
EXPECTED_TYPES: Mapping[str, str] = {"FP32": "f32", "FP16": "f16", "BF16": "bf16", "INT8": "i8"}


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Source:
    """Where a model's files come from.

    ``wheel``: ``path`` inside the distribution ``package``, as installed or, failing that, fetched at ``version``.
    ``omz``: the network of that name of the Open Model Zoo's model ``model``; ``precisions`` says which of the zoo's
    precisions serves which of ours. ``file``: ``path`` on disk. ``url``: an https address. ``sha256`` is that of the
    model file; ``wheel`` and ``url`` need it.
    """

    kind: Literal["wheel", "omz", "file", "url"]
    package: str = ""
    version: str = ""
    path: str = ""
    url: str = ""
    sha256: str = ""
    model: str = Field(default="", pattern=ZOO_NAME)
    network: str = Field(default="", pattern=ZOO_NAME)
    precisions: Mapping[Precision, str] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Quantization:
    """How NNCF makes the INT8 model. Names follow ``nncf.quantize``."""

    preset: Literal["performance", "mixed"] = "mixed"
    model_type: Literal["none", "transformer"] = "none"
    subset_size: int = Field(default=100, ge=1)
    fast_bias_correction: bool = True
    ignored_types: tuple[str, ...] = ()
    ignored_patterns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Stage:
    """A detector or a recognizer: the model, and where and how it runs.

    Attributes:
        size_mb: Of the source model's files.
        input: The shape of the network's input, for people.
        source: Of the network; of the first one where the model has several.
        more_sources: Of the others, by name.
        options: The keys that belong to the model family; the family checks them.
    """

    name: str
    family: str
    licence: str
    languages: str
    homepage: str
    min_openvino: str
    size_mb: float
    input: str
    source: Source
    more_sources: Mapping[str, Source] = Field(default_factory=dict)
    quantization: Quantization
    device: str
    precision: Precision
    properties: Options
    options: Options


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Dataset:
    """A folder of images with ground truth in one of the known formats."""

    name: str
    format: str
    root: str
    granularity: Literal["word", "line"] = "word"
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scenario:
    """How images are fed, and for how long."""

    name: str
    min_seconds: float = Field(default=10.0, ge=0)
    warmup_passes: int = Field(default=1, ge=0)
    block_images: int = Field(default=8, ge=1)
    performance_hint: Literal["LATENCY", "THROUGHPUT", "NONE"] = "LATENCY"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scoring:
    """The rules by which predictions are compared with the ground truth."""

    iou_threshold: float = Field(default=0.5, gt=0, lt=1)
    case_sensitive: bool = False
    edge_punctuation: Literal["required", "optional"] = "required"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Omz:
    """How the Open Model Zoo's tools are had and used.

    Attributes:
        root: A folder of models downloaded before; nothing is fetched then.
        cache_dir: Handed to ``omz_downloader --cache_dir``: a folder of files by checksum.
        requirements: What pip installs into the tools' own virtual environment.
        pytorch_requirements: What it installs in addition to convert PyTorch models.
        pip_options: Further options for that pip, for example an index of one's own.
    """

    root: str | None
    cache_dir: str | None
    num_attempts: int = Field(ge=1)
    requirements: tuple[str, ...]
    pytorch_requirements: tuple[str, ...]
    pip_options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Limit:
    """How much worse one metric may get, or a bound on its value.

    Attributes:
        metric: A column of the tables.
        max_worse: Relative (0.03 = 3 %) for times, rates and memory; absolute for accuracy.
        at_most: An upper bound on the new value.
        at_least: A lower bound on the new value.
    """

    metric: str
    max_worse: float | None = Field(default=None, ge=0)
    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Gate:
    """Limits that a comparison must keep.

    Attributes:
        margin: Changes within this share of a time do not matter.
    """

    name: str
    margin: float = Field(default=0.03, gt=0)
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Noise:
    """What a run may be disturbed by before it is marked as noisy.

    Attributes:
        steal_share: Of the CPU, taken by the hypervisor.
        other_cpu_share: Of the CPU, used by other processes.
        drift: Of the latency, between the first and the last repeat of an image.
        involuntary_switches: How often the worker's threads lost their core, per second and core.
    """

    steal_share: float = Field(ge=0)
    other_cpu_share: float = Field(ge=0)
    drift: float = Field(ge=0)
    involuntary_switches: float = Field(ge=0)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Cell:
    """One experiment: detector × recognizer × precision × device × scenario × dataset."""

    detector: Stage
    recognizer: Stage
    dataset: Dataset
    scenario: Scenario
    scoring: Scoring
    omz: Omz
    gate: Gate
    noise: Noise
    device: str
    precision: Precision
    properties: Options
    model_cache: bool
    attest: Literal["warn", "strict", "off"]
    timeout_seconds: float = Field(gt=0)
    prepare_timeout_seconds: float = Field(gt=0)
    force: bool
    reports_dir: str
    cache_dir: str


def packaged(relative: str) -> str:
    """Return the absolute path of a folder that travels with ocrbench: inside the wheel, or in the checkout."""
    here = Path(__file__).resolve().parent
    inside = here / relative
    return str(inside if inside.exists() else here.parent / relative)


def default_cache_dir() -> str:
    """Return the folder for converted models and downloads: the platform's cache folder for ocrbench."""
    return platformdirs.user_cache_dir("ocrbench", appauthor=False)


def register_resolvers() -> None:
    """Make ``${packaged:…}`` and ``${default_cache_dir:}`` known to OmegaConf."""
    OmegaConf.register_new_resolver("packaged", packaged, replace=True)
    OmegaConf.register_new_resolver("default_cache_dir", default_cache_dir, replace=True)


def choices(group: str) -> list[str]:
    """Return the names of a config group, sorted: ``choices("detector")``."""
    return sorted(path.stem for path in (Path(packaged("conf")) / group).glob("*.yaml"))


def load(overrides: Sequence[str] = (), config_dir: str | None = None) -> Cell:
    """Compose and check one cell from Hydra overrides.

    Raises:
        ConfigError: A key, value or choice is wrong; the message is one line with the valid ones.
    """
    return parse(compose_config(overrides, config_dir))


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
    hydra = compose_config(plain, config_dir, hydra=True).hydra
    sweeper = OmegaConf.to_container(hydra.sweeper).get("params") or {}  # type: ignore[union-attr]
    if not (sweep or str(hydra.mode).endswith("MULTIRUN")):
        return [load(overrides, config_dir)]
    named = {text.partition("=")[0] for text in overrides}
    words = [*(f"{key}={value}" for key, value in sweeper.items() if key not in named), *overrides]
    return [load(combination, config_dir) for combination in _expand(words)]


def compose_config(overrides: Sequence[str], config_dir: str | None = None, *, hydra: bool = False) -> DictConfig:
    """Compose the plain configuration, turning Hydra's errors into one-line ones.

    Raises:
        ConfigError: An override cannot be read, or names an unknown key or choice.
    """
    register_resolvers()
    GlobalHydra.instance().clear()
    search = [f"hydra.searchpath=[{Path(config_dir).resolve().as_uri()}]"] if config_dir else []
    try:
        with initialize_config_dir(packaged("conf"), version_base="1.3"):
            return compose("config", [*overrides, *search], return_hydra_config=hydra)
    except MissingConfigException as error:
        raise ConfigError(_missing_choice(error)) from error
    except ConfigCompositionException as error:
        raise ConfigError(_unknown_key(error)) from error
    except OverrideParseException as error:
        raise ConfigError(_unreadable(str(error.override))) from error
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # ValueError: a group is given something that is not a name, as in detector=null.
        raise ConfigError(_one_line(str(error))) from error


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
    for stage in ("detector", "recognizer"):
        plain[stage] = _gather_options(plain[stage])
    return validate(Cell, plain)


def validate(kind: type[Parsed], plain: Any, where: str = "") -> Parsed:  # noqa: ANN401 - any YAML value
    """Build a frozen dataclass from plain data.

    Args:
        kind: A pydantic dataclass.
        plain: What YAML or JSON gave.
        where: The path of ``plain`` in the configuration, for the message.

    Raises:
        ConfigError: Names each wrong key with its full path and what it may be.
    """
    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        found = [_describe(item, kind, where) for item in error.errors()]
        # Both stages inherit values from the top level: say so once.
        inherited = {f"{stage}.{text}" for text in found for stage in ("detector", "recognizer")}
        raise ConfigError("; ".join(text for text in found if text not in inherited)) from error


def closest(word: str, valid: Iterable[str]) -> str:
    """Say which valid word was probably meant, and list them all.

    >>> closest("limit_sde", ["limit_side", "mean"])
    'did you mean limit_side? Valid: limit_side, mean'
    """
    names = sorted(valid)
    near = difflib.get_close_matches(word, names, n=1)
    return (f"did you mean {near[0]}? " if near else "") + "Valid: " + ", ".join(names)


def _gather_options(stage: dict[str, Any]) -> dict[str, Any]:
    known = set(Stage.__dataclass_fields__) - {"options"}
    options = {key: value for key, value in stage.items() if key not in known}
    return {key: value for key, value in stage.items() if key in known} | {"options": options}


def _describe(item: Mapping[str, Any], kind: type, where: str) -> str:
    path = ".".join([*([where] if where else []), *(str(part) for part in item["loc"])])
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        hint = closest(str(item["loc"][-1]), _fields(kind, item["loc"][:-1]))
        return f"{path}: no such key; {hint}"
    message = item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    given = item.get("input")
    shown = f"={given}" if isinstance(given, str | int | float) else ""
    return f"{path}{shown}: {message[0].lower()}{message[1:]}"


def _fields(kind: type, path: Sequence[int | str]) -> list[str]:
    for part in path:
        kind = kind.__dataclass_fields__[part].type  # type: ignore[attr-defined]
    return list(kind.__dataclass_fields__)  # type: ignore[attr-defined]


def _missing_choice(error: MissingConfigException) -> str:
    group, _, choice = str(error.missing_cfg_file).rpartition("/")
    return f"{group}={choice}: no such {group or 'config'}; {closest(choice, error.options or choices(group))}"


def _unknown_key(error: ConfigCompositionException) -> str:
    key = getattr(error.__cause__, "full_key", None)
    if not key:
        return _one_line(str(error))
    parent, _, last = str(key).rpartition(".")
    node = OmegaConf.select(compose_config([]), parent) if parent else compose_config([])
    valid = [str(name) for name in node] if isinstance(node, DictConfig) else []
    hint = closest(last, valid) if valid else f"to add it, write +{key}=…"
    return f"{key}: no such key; {hint}"


def _unreadable(override: str) -> str:
    quoting = "quote a value that holds commas or colons twice, as in \"device='AUTO:GPU,CPU'\""
    return f"cannot read '{override}': expected key=value; {quoting}"


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
            # Only with a loader can glob(…) list the choices of a group.
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
