"""The measure of accuracy control: the end-to-end score of a pair of which NNCF varies one network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config import Folding, Scoring
from ocrbench.convert.stages import BuildPipeline
from ocrbench.data.images import read_image
from ocrbench.metrics.scoring import tallies, total, value
from ocrbench.pipeline import Pipeline
from ocrbench.records import Graph, Network, Sample, Tally
from ocrbench.runtime.host import with_fewer_classes, with_host_part

METRIC = "e2e_hmean"
NOTHING_FOLDED = Folding(preprocess=False, argmax=False)


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

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._samples)

    def __call__(self, compiled: Any, numbers: Sequence[int]) -> tuple[float, list[float]]:  # noqa: ANN401
        """Score a compiled model on some of the images.

        Returns:
            The hmean over these images together, and of each one.
        """
        pipeline = self._build(host_network(compiled, self._graph))
        counted = [self._tallies(pipeline, self._samples[number]) for number in numbers]
        values = [_hmean([each]) for each in counted]
        return _hmean(counted), values

    def _tallies(self, pipeline: Pipeline, sample: Sample) -> Mapping[str, Tally]:
        regions = pipeline.run(read_image(sample.image_path)).regions
        return tallies(regions, sample.regions, self._scoring)


def host_network(compiled: Any, graph: Graph) -> Network:  # noqa: ANN401
    """Call a compiled model of which nothing was folded in, doing on the host what ``runtime.folding`` builds in."""
    request = compiled.create_infer_request()

    def network(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        # Copied in and out: another request of NNCF's model, in between, crashes on memory that is gone by then.
        request.infer(dict(zip(graph.inputs, tensors, strict=True)) if graph.inputs else list(tensors))
        outputs = [request.get_tensor(name) for name in graph.outputs] or request.output_tensors
        return tuple(np.array(tensor.data) for tensor in outputs)

    return with_host_part(with_fewer_classes(network, graph), graph, NOTHING_FOLDED)


def _hmean(images: Sequence[Mapping[str, Tally]]) -> float:
    return value(METRIC, total(images)) or 0.0
