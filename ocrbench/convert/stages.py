"""Run one stage while the other is converted."""

from collections.abc import Callable, Mapping, Sequence

from ocrbench.config.schema import Cutting
from ocrbench.config.stage import Stage
from ocrbench.engines.pipeline import Pipeline
from ocrbench.models import build_detector, build_recognizer
from ocrbench.models.interface import Detector, Recognizer
from ocrbench.precisions import Precision
from ocrbench.records import Artifact, Graph, Image, Network, Region, Sample, metadata_of
from ocrbench.runtime.network import CompiledNetwork, Settings

# NNCF also runs there.
DEVICE = "CPU"
Artifacts = Mapping[str, Artifact]
Metadata = Mapping[str, str]
BuildPipeline = Callable[[Network], Pipeline]


def running_detector(stage: Stage, artifacts: Artifacts) -> tuple[Detector, dict[str, Network]]:
    """Compile a detector for the CPU, without the user's properties."""
    detector = build_detector(stage, metadata_of(artifacts))
    return detector, _compiled(artifacts, detector.graphs(), stage.precision)


def running_recognizer(stage: Stage, artifacts: Artifacts) -> tuple[Recognizer, dict[str, Network]]:
    """Compile a recognizer for the CPU, without the user's properties."""
    recognizer = build_recognizer(stage, metadata_of(artifacts))
    return recognizer, _compiled(artifacts, recognizer.graphs(), stage.precision)


def detected_regions(stage: Stage, artifacts: Artifacts) -> Callable[[Sample, Image], Sequence[Region]]:
    """Return a function that finds the regions of a calibration image, as the recognizer will meet them."""
    detector, networks = running_detector(stage, artifacts)
    return lambda _, image: detector.detect(image, networks)


def around_detector(
    stage: Stage,
    metadata: Metadata,
    others: Artifacts,
    recognizer: tuple[Recognizer, dict[str, Network]],
    cutting: Cutting,
) -> tuple[BuildPipeline, Graph]:
    """Return a function that puts a detector's first network into a pipeline, and that network's graph."""
    detector = build_detector(stage, metadata)
    own = _compiled(others, detector.graphs(), stage.precision)
    graph = detector.graphs()["network"]
    return lambda network: Pipeline(detector, {"network": network, **own}, *recognizer, cutting), graph


def around_recognizer(
    stage: Stage,
    metadata: Metadata,
    others: Artifacts,
    detector: tuple[Detector, dict[str, Network]],
    cutting: Cutting,
) -> tuple[BuildPipeline, Graph]:
    """Return a function that puts a recognizer's first network into a pipeline, and that network's graph."""
    recognizer = build_recognizer(stage, metadata)
    own = _compiled(others, recognizer.graphs(), stage.precision)
    graph = recognizer.graphs()["network"]
    return lambda network: Pipeline(*detector, recognizer, {"network": network, **own}, cutting), graph


def _compiled(artifacts: Artifacts, graphs: Mapping[str, Graph], precision: Precision) -> dict[str, Network]:
    settings = Settings(device=DEVICE, precision=precision, properties={})
    return {name: CompiledNetwork(each, graphs[name], settings).network() for name, each in artifacts.items()}
