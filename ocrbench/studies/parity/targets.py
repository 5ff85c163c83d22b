"""What is timed: a stage's first network, with an input as the pipeline makes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import openvino as ov

from ocrbench import data
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Role, Stage
from ocrbench.data.images import read_image
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.geometry import crop_quadrilateral
from ocrbench.graphs.folding import fold
from ocrbench.models import build_detector, build_recognizer, graphs_of
from ocrbench.records import Artifact, Graph, Image, Sample

CROPS = 64


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The first input of a model.

    Attributes:
        kind: OpenVINO's name for the type: ``u8``, ``f32``.
        shape: With None for what is decided at each call.
    """

    kind: str
    shape: tuple[int | None, ...]

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether a tensor may have this shape.

        >>> Entry(kind="u8", shape=(None, 48, None, 3)).takes((8, 48, 320, 3))
        True
        """
        sides = zip(self.shape, shape, strict=False)
        return len(shape) == len(self.shape) and all(own in (None, given) for own, given in sides)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One network with one shape.

    Attributes:
        stage: Its device, precision and properties are those of the cell.
        artifact: What ocrbench compiles, with the graph.
        graph: What ocrbench folds in.
        path: The same, folded, for others to read.
        entry: The input of that model.
        shape: Of the input, as the pipeline makes it.
    """

    role: Role
    stage: Stage
    artifact: Artifact
    graph: Graph
    path: Path
    entry: Entry
    shape: tuple[int, ...]


class Turn(NamedTuple):
    """What one of the two measured in one turn: inferences, by OpenVINO's own clock.

    Attributes:
        around_ms: The median of what a call took beyond that; 0 where it is not known.
    """

    median_ms: float
    fastest_ms: float
    around_ms: float = 0.0


def targets_of(
    cell: Cell, role: Role, artifact: Artifact, folder: Path, wanted: Sequence[tuple[int, ...]], *, some: bool = False
) -> list[Target]:
    """Prepare a stage.

    Args:
        cell: Says how it runs, and on which images.
        role: Which of its stages.
        artifact: Of the stage's first network.
        folder: Where to write the folded model.
        wanted: Shapes, or batch sizes (tuples of one) for the shape that the dataset gives.
        some: Whether those that the network does not take are left out, as long as there are others.

    Raises:
        ConfigError: The network does not take such a shape.
        DatasetError: There is nothing to take a shape from.
    """
    stage = cell.stages[role]
    graph = graphs_of(role, stage, artifact.metadata)["network"]
    path = folder / f"{role}.xml"
    entry = save_folded(artifact, graph, path)
    usual = () if all(len(each) > 1 for each in wanted) else _usual_shape(cell, role, artifact)
    shapes = [each if len(each) > 1 else (*each, *usual[1:]) for each in wanted]
    if some:
        shapes = [each for each in shapes if entry.takes(each)] or shapes
    for shape in shapes:
        if not entry.takes(shape):
            takes = ",".join("?" if each is None else str(each) for each in entry.shape)
            message = f"{role} {stage.name}: its input cannot be {','.join(map(str, shape))}; it takes {takes}"
            raise ConfigError(message)
    return [
        Target(role=role, stage=stage, artifact=artifact, graph=graph, path=path, entry=entry, shape=shape)
        for shape in shapes
    ]


def save_folded(artifact: Artifact, graph: Graph, path: Path) -> Entry:
    """Write the model that is compiled: the artifact's, with the graph folded in.

    Args:
        artifact: What is read.
        graph: What is folded in.
        path: The ``.xml`` to write; weights keep the type that they have.
    """
    model = fold(ov.Core().read_model(artifact.path), graph)
    ov.save_model(model, path, compress_to_fp16=False)
    entry = model.input(0)
    shape = tuple(each.get_length() if each.is_static else None for each in entry.get_partial_shape())
    return Entry(kind=entry.get_element_type().get_type_name(), shape=shape)


def _usual_shape(cell: Cell, role: Role, artifact: Artifact) -> tuple[int, ...]:
    """Return what the network is given for the first image, or for the crop of middle size."""
    samples = data.read(cell.dataset)
    if role == "detector":
        inputs = [next(build_detector(cell.detector, artifact.metadata).calibration(read_image(samples[0].image_path)))]
    else:
        crops = list(islice((crop for sample in samples for crop in _crops(sample)), CROPS))
        inputs = list(build_recognizer(cell.recognizer, artifact.metadata).calibration(crops))
    if not inputs:
        message = f"dataset {cell.dataset.name}: its ground truth marks no text to take a shape from; give --shape"
        raise DatasetError(message)
    shapes = sorted((each.shape for each in inputs), key=lambda shape: int(shape[-2]))
    middle: tuple[int, ...] = shapes[len(shapes) // 2]
    return middle


def _crops(sample: Sample) -> list[Image]:
    marked = [region for region in sample.regions if not region.ignore]
    image = read_image(sample.image_path) if marked else None
    return [] if image is None else [crop_quadrilateral(image, region.polygon) for region in marked]
