"""What ``folding`` leaves out of a network, in NumPy around it."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config import Folding
from ocrbench.records import Graph, Network


def folded_part(graph: Graph, folding: Folding) -> Graph:
    """Return what is still folded into the network."""
    if graph.mean and not folding.preprocess:
        graph = replace(graph, mean=(), scale=(), shape=network_shape(graph.shape, graph, folding))
    return graph if folding.argmax else replace(graph, arg_max=False, softmax=False)


def network_shape(shape: tuple[int, ...], graph: Graph, folding: Folding) -> tuple[int, ...]:
    """Return the shape that the network itself gets where it is called with this one; none for none."""
    changed = shape and graph.mean and not folding.preprocess
    return tuple(shape["NHWC".index(axis)] for axis in graph.layout) if changed else shape


def with_host_part(network: Network, graph: Graph, folding: Folding) -> Network:
    """Do the rest around the network; both together are called as if all were folded in."""
    normalise = bool(graph.mean) and not folding.preprocess
    choose = graph.arg_max and not folding.argmax
    if not normalise and not choose:
        return network

    def infer(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        given = (normalised(tensors[0], graph), *tensors[1:]) if normalise else tensors
        answers = network(*given)
        return _best(answers[0], softmax=graph.softmax) if choose else answers

    return infer


def with_fewer_classes(network: Network, graph: Graph) -> Network:
    """Leave only the graph's classes of what a network answers, as if it had never known the others.

    Without ``softmax`` the network's scores are probabilities: they become shares among the classes that are left.
    """
    if not graph.classes:
        return network
    classes = list(graph.classes)

    def infer(*tensors: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        scores, *others = network(*tensors)
        kept = scores[..., classes]
        if not graph.softmax:
            kept /= np.maximum(kept.sum(axis=-1, keepdims=True), np.finfo(kept.dtype).tiny)
        return (kept, *others)

    return infer


def normalised(image: NDArray[np.uint8], graph: Graph) -> NDArray[np.float32]:
    """Bring a uint8 image of layout NHWC to the values and the layout of the model's input."""
    mean, scale = (np.array(each, dtype=np.float32) for each in (graph.mean, graph.scale))
    values = (image.astype(np.float32) - mean) / scale
    return np.ascontiguousarray(values.transpose(["NHWC".index(axis) for axis in graph.layout]))


def _best(scores: NDArray[np.float32], *, softmax: bool) -> tuple[NDArray[Any], ...]:
    best = scores.max(axis=2)
    return scores.argmax(axis=2), 1 / np.exp(scores - best[..., np.newaxis]).sum(axis=2) if softmax else best
