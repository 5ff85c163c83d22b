"""The measure of accuracy control: the end-to-end score of a pair whose network NNCF varies."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config.schema import Cutting, Scoring
from ocrbench.config.stage import Stage
from ocrbench.convert.calibration import normalised
from ocrbench.data.images import read_image
from ocrbench.engines.pipeline import Pipeline
from ocrbench.metrics.scoring import METRICS, Tallies, tallies, total, value
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
METRIC = "e2e_hmean"
# What it takes to divide it, and for its interval.
COUNTED = (METRIC, METRICS[METRIC].recall or METRIC)


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


class EndToEndScore:
    """Scorer of a pipeline on validation images, image by image."""

    def __init__(self, samples: Sequence[Sample], scoring: Scoring, build: BuildPipeline, graph: Graph) -> None:
        """Prepare to score.

        Args:
            samples: Validation images.
            scoring: Rule by which texts and regions are compared.
            build: Function that makes the pipeline around the varied network.
            graph: Arithmetic that is folded into that network when it is measured; here the host does it.
        """
        self._samples, self._scoring, self._build, self._graph = samples, scoring, build, graph

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._samples)

    def __call__(self, compiled: Any, numbers: Sequence[int]) -> list[Tallies]:  # noqa: ANN401
        """Count what a compiled model reads right in some of the images: the metrics ``COUNTED`` of each image."""
        pipeline = self._build(host_network(compiled, self._graph))
        return [self._tallies(pipeline, self._samples[number]) for number in numbers]

    def _tallies(self, pipeline: Pipeline, sample: Sample) -> Tallies:
        regions = pipeline.read(read_image(sample.image_path)).regions
        found = tallies(regions, sample.regions, self._scoring)
        return {name: found[name] for name in COUNTED}


def host_network(compiled: Any, graph: Graph) -> Network:  # noqa: ANN401
    """Call a compiled model without folding, and do in NumPy what ``graphs.folding`` builds into a network."""
    request = compiled.create_infer_request()

    def network(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        given = [normalised(tensors[0], graph), *tensors[1:]] if graph.mean else list(tensors)
        # Copy inputs and outputs: another request of NNCF's model in between would crash on freed memory.
        request.infer(dict(zip(graph.inputs, given, strict=True)) if graph.inputs else given)
        outputs = [request.get_tensor(name) for name in graph.outputs] or request.output_tensors
        scores, *others = (np.array(tensor.data) for tensor in outputs)
        if graph.classes:
            scores = _of_classes(scores, graph)
        return _best(scores, softmax=graph.softmax) if graph.arg_max else (scores, *others)

    return network


def _of_classes(scores: NDArray[np.float32], graph: Graph) -> NDArray[np.float32]:
    """Keep the graph's classes, as if the network had no others.

    Without ``softmax`` the scores are probabilities, which become shares among the remaining classes.
    """
    kept = scores[..., list(graph.classes)]
    return kept if graph.softmax else kept / np.maximum(kept.sum(axis=-1, keepdims=True), np.finfo(kept.dtype).tiny)


def _best(scores: NDArray[np.float32], *, softmax: bool) -> tuple[NDArray[Any], ...]:
    """Return the index and the probability of the best class of each step."""
    best = scores.max(axis=2)
    return scores.argmax(axis=2), 1 / np.exp(scores - best[..., np.newaxis]).sum(axis=2) if softmax else best


def hmean(images: Sequence[Tallies]) -> float:
    """Divide the end-to-end hmean of images together."""
    return value(METRIC, total(images)) or 0.0
