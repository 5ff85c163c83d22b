"""The schema: frozen dataclasses that reject unknown keys."""

from dataclasses import dataclass as plain_dataclass
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from ocrbench.config.stage import ROLES, STRICT, AnyCase, Device, Granularity, Options, Role, Stage


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Quantization:
    """Whether the recipe is trusted, or its result brought within a budget by ``nncf.quantize_with_accuracy_control``.

    Attributes:
        max_drop: How much end-to-end hmean the pair may lose on the validation images.
        validation_images: How many are set apart from the calibration set.
        max_minutes: Per stage; then the best model so far is taken.
    """

    method: Literal["recipe", "accuracy_control"]
    max_drop: float = Field(default=0.005, ge=0)
    validation_images: int = Field(default=48, ge=2)
    max_minutes: float = Field(default=120, gt=0)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Dataset:
    """Images with ground truth in one of the known formats.

    Attributes:
        version: Label of the data's release, for people; the data's checksum identifies what was measured.
        limit: Number of images to draw with ``seed``; None takes all.
        options: Keys of the format, which checks them.
    """

    name: str
    format: str
    root: str
    version: str = ""
    granularity: Granularity = "word"
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    options: Options = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scenario:
    """How images are fed, and for how long.

    Attributes:
        options: Keys of the scenario, which checks them.
    """

    name: str
    min_seconds: float = Field(default=10.0, ge=0)
    options: Options = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scoring:
    """The rules by which predictions are compared with the ground truth. They are no part of a cell's identity.

    Attributes:
        iou_threshold: Overlap, as intersection over union, above which two regions match.
        case_sensitive: Whether letter case counts.
        edge_punctuation: ``optional`` lets a prediction leave out one punctuation mark at the start of the expected
            text, at its end, or at both; ``required`` does not.
    """

    iou_threshold: float = Field(default=0.5, gt=0, lt=1)
    case_sensitive: bool = False
    edge_punctuation: Literal["required", "optional"] = "required"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Words:
    """How a line that was read is cut into words.

    Attributes:
        gap: Gap between two characters that separates words although no space was read, in usual character distances;
            null: only spaces separate words.
    """

    gap: float | None = Field(gt=1)


@plain_dataclass(frozen=True, kw_only=True)
class Cutting:
    """How a detector's regions are cut to get those of a granularity.

    Attributes:
        trim: Share of a region's height that is cut off above, and again below.
        words: How it is cut into words; None leaves it whole.
    """

    trim: float = 0.0
    words: Words | None = None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Folding:
    """How networks are changed before they run.

    Attributes:
        rewrites: Whether graphs are rewritten to compute the same function in less time, if that suits the stage, the
            precision and the device: transposed convolutions at a network's end before the map grows, convolutions over
            concatenated maps as sums, gates of channels with fewer passes over the image.
        detector_networks: Number of networks that are compiled for a single input shape of the detector each, for the
            shapes met first. They answer sooner, above all where shapes alternate, but each takes time to compile and
            memory. Other shapes go to the network that takes all.
        recognizer_networks: The same for the recognizer.
    """

    rewrites: Literal["all", "none"] = "all"
    detector_networks: int = Field(default=2, ge=0)
    recognizer_networks: int = Field(default=0, ge=0)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Omz:
    """Where the Open Model Zoo's models come from.

    Attributes:
        root: A folder of models downloaded before; nothing is fetched then.
        cache_dir: Handed to ``omz_downloader --cache_dir``: a folder of files by checksum.
    """

    root: str | None
    cache_dir: str | None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Limit:
    """A limit on the change of one metric, or on its value.

    Attributes:
        metric: Column of the tables.
        max_worse: Greatest change for the worse: relative (0.03 = 3 %) for times, rates and memory, absolute for
            accuracy.
        at_most: Upper bound of the new value.
        at_least: Lower bound of the new value.
    """

    metric: str
    max_worse: float | None = Field(default=None, ge=0)
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        """Reject a limit that limits nothing."""
        if self.max_worse is None and self.at_most is None and self.at_least is None:
            message = f"the limit of {self.metric} needs max_worse, at_most or at_least"
            raise ValueError(message)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Gate:
    """Limits that a comparison must keep.

    Attributes:
        margin: Share of a time within which changes do not matter.
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
        drift: Of an image's time, from its first repeat to its last; what it waits for its turn does not count.
    """

    steal_share: float = Field(ge=0)
    other_cpu_share: float = Field(ge=0)
    drift: float = Field(ge=0)


# Keys of a cell that determine where results go and how they are obtained, not what is measured. A profile is separate
# from the measurement.
NOT_MEASURED = (
    *("reports_dir", "cache_dir", "force", "profile"),
    *("wait", "timeout_seconds", "prepare_timeout_seconds", "gate", "noise"),
)

# Keys of measuring and judging, which mean nothing to commands that only convert models or read with them.
ONLY_MEASURING = (
    *("dataset", "scenario", "gate", "noise", "attest"),
    *("profile", "wait", "force", "reports_dir"),
)


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
    device: Device
    precision: AnyCase
    properties: Options
    model_cache: bool
    attest: Literal["warn", "strict", "off"]
    profile: bool = False
    wait: float | None = Field(default=None, ge=0)
    timeout_seconds: float = Field(gt=0)
    prepare_timeout_seconds: float = Field(gt=0)
    force: bool
    reports_dir: str
    cache_dir: str

    @property
    def title(self) -> str:
        """The cell in a few words: models, precision, device, dataset."""
        models = "+".join(dict.fromkeys(stage.name for stage in self.stages.values()))
        return f"{models} {self.precisions} on {self.devices}, {self.dataset.name}"

    @property
    def stages(self) -> dict[Role, Stage]:
        """The stages that have networks, by role."""
        return {role: getattr(self, role) for role in ROLES}

    @property
    def precisions(self) -> str:
        """The precision of both stages, or of each."""
        return "+".join(dict.fromkeys(stage.precision for stage in self.stages.values()))

    @property
    def devices(self) -> str:
        """The device of both stages, or of each."""
        return "+".join(dict.fromkeys(stage.device for stage in self.stages.values()))

    def cutting(self, granularity: Granularity) -> Cutting:
        """Return how to cut the detector's regions for a granularity."""
        if granularity == "word" and self.detector.finds == "line":
            return Cutting(trim=self.detector.slack, words=self.words)
        return Cutting(trim=self.detector.line_slack)
