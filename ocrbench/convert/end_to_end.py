"""The measure of accuracy control: the end-to-end score of a pair of which NNCF varies one network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench import metrics
from ocrbench.config import Scoring
from ocrbench.convert.calibration import normalise
from ocrbench.convert.stages import BuildPipeline
from ocrbench.data.images import read_image
from ocrbench.metrics.text import TextRule
from ocrbench.pipeline import Pipeline
from ocrbench.records import Graph, Network, Sample, Tally

METRIC = "e2e_hmean"


class EndToEndScore:
    """Scores a pipeline on validation images, image by image."""

    def __init__(self, samples: Sequence[Sample], scoring: Scoring, build: BuildPipeline, graph: Graph) -> None:
        """Prepare to score.

        Args:
            samples: The validation images.
            scoring: How texts and regions are compared.
            build: Makes the pipeline around the varied network.
            graph: What is folded into that network when it is measured; here the host does it.
        """
        self._samples, self._scoring, self._build, self._graph = samples, scoring, build, graph
        self._rule = TextRule(ignore_case=not scoring.case_sensitive, edge_punctuation=scoring.edge_punctuation)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._samples)

    def __call__(self, compiled: Any, numbers: Sequence[int]) -> tuple[float, list[float]]:  # noqa: ANN401
        """Score a compiled model on some of the images.

        Returns:
            The hmean over these images together, and of each one.
        """
        pipeline = self._build(host_network(compiled, self._graph))
        tallies = [self._tallies(pipeline, self._samples[number]) for number in numbers]
        values = [_hmean([each]) for each in tallies]
        return _hmean(tallies), values

    def _tallies(self, pipeline: Pipeline, sample: Sample) -> Mapping[str, Tally]:
        regions = pipeline.run(read_image(sample.image_path)).regions
        return metrics.tallies(regions, sample.regions, self._rule, self._scoring.iou_threshold)


def host_network(compiled: Any, graph: Graph) -> Network:  # noqa: ANN401
    """Call a compiled model of which nothing was folded in, doing on the host what ``runtime.folding`` builds in."""
    request = compiled.create_infer_request()

    def infer(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        fed = [normalise(tensors[0], graph), *tensors[1:]] if graph.mean else list(tensors)
        request.infer(dict(zip(graph.inputs, fed, strict=True)) if graph.inputs else fed)
        if graph.outputs:
            outputs = tuple(np.array(request.get_tensor(name).data) for name in graph.outputs)
        else:
            outputs = tuple(np.array(tensor.data) for tensor in request.output_tensors)
        return _best(outputs[0], softmax=graph.softmax) if graph.arg_max else outputs

    return infer


def _best(scores: NDArray[np.float32], *, softmax: bool) -> tuple[NDArray[Any], ...]:
    """Return the index of the best class and its probability, along the last axis."""
    best = scores.max(axis=-1)
    if softmax:
        best = 1 / np.exp(scores - best[..., np.newaxis]).sum(axis=-1)
    return scores.argmax(axis=-1).astype(np.int32), best


def _hmean(tallies: Sequence[Mapping[str, Tally]]) -> float:
    return metrics.value(METRIC, metrics.total(tallies)) or 0.0
