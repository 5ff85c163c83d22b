"""Measure a model's layers in float, in INT8 and as OpenVINO runs them by default."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

from ocrbench import data
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Role, Stage
from ocrbench.data.images import read_image
from ocrbench.errors import ConfigError, DatasetError, ModelError
from ocrbench.geometry import crop_quadrilateral
from ocrbench.graphs.pairing import shared_names
from ocrbench.measure.locks import alone
from ocrbench.measure.preparing import prepare
from ocrbench.models import build_detector, build_recognizer
from ocrbench.models.interface import Detector, Recognizer
from ocrbench.precisions import Precision
from ocrbench.profiling.layers import LayerTime, computes, fastest
from ocrbench.progress import Listener
from ocrbench.records import Artifact, Graph, Image, Sample
from ocrbench.runtime.network import CompiledNetwork, Settings
from ocrbench.scenarios import setup_of
from ocrbench.studies.sensitivity.attribution import Group, Spent, attribute
from ocrbench.studies.sensitivity.probe import Agreement, Probe

# AUTO is what a user gets by default.
COMPARED: tuple[Precision, ...] = ("FP32", "AUTO", "INT8")
DEFAULT_IMAGES = 8
CROPS_OF_AN_IMAGE = 8
PASSES = 5


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """What quantising did to one layer.

    Attributes:
        name: As in the float model.
        operation: As in the quantised model; empty for what was not quantised.
        kind: The operation's type.
        whole: Against float, with all layers before it quantised too; None for what was not quantised.
        alone: Against float, with only this layer quantised; None for what was not quantised.
        spent: Precision → time and executed types; missing where the time is counted with another layer's.
    """

    name: str
    operation: str = ""
    kind: str
    whole: Agreement | None = None
    alone: Agreement | None = None
    spent: Mapping[str, Spent] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """One model's layers.

    Attributes:
        inputs: How many images or crops were looked at.
        layers: The quantised ones in the order of execution, then the others.
    """

    name: str
    role: Role
    inputs: int
    layers: Sequence[LayerCost]


def check_quantisable(cell: Cell, role: Role) -> None:
    """Make sure that a stage has a network.

    Raises:
        ConfigError: It has none.
    """
    stage = cell.stages[role]
    if stage.source.kind == "none":
        message = f"{role}={stage.name}: it has no network that could be quantised; see ocrbench list models"
        raise ConfigError(message)


def measure_sensitivity(cell: Cell, role: Role, listener: Listener) -> Sensitivity:
    """Compare the layers of a model in FP32, in INT8 and as OpenVINO runs it by default.

    The model is converted by a process of its own, or found in the cache; the rest happens in this process. Of a model
    with several networks only the first one is ever quantised, so it is the one that is looked at. Float networks are
    rewritten only as the INT8 one is, so that all have the same layers.

    Args:
        cell: Names the model, the device and the images; its precisions do not matter.
        role: Which of its two models.
        listener: Hears of progress.

    Raises:
        OcrBenchError: The conversion or the device fails, nothing was quantised, or no image can be used.
    """
    stage = cell.stages[role]
    artifacts = {precision: _convert(cell, role, precision, listener) for precision in COMPARED}
    inputs, graph = _inputs(cell, role, artifacts["FP32"].metadata)
    probe = Probe(artifacts["FP32"], artifacts["INT8"], graph)
    if not probe.layers:
        message = f"{role} {stage.name}: no layer of its INT8 network is quantised"
        raise ModelError(message)
    quantised = _accuracy(probe, inputs, listener)
    with alone(cell, listener, f"timing the layers of {stage.name}"):
        profiles = _profiles(cell, stage, artifacts, graph, inputs, listener)
    names: dict[str, dict[str, str]] = {
        precision: shared_names(artifacts["FP32"], each) for precision, each in artifacts.items()
    }
    groups = attribute(profiles, names, len(inputs))
    return Sensitivity(name=stage.name, role=role, inputs=len(inputs), layers=join(quantised, names["INT8"], groups))


def join(quantised: Sequence[LayerCost], names: Mapping[str, str], groups: Sequence[Group]) -> list[LayerCost]:
    """Give each group's time to a quantised layer in it, a computing one first; the others get rows of their own.

    Args:
        quantised: Layers without times.
        names: Of the quantised model's operations in the float model.
        groups: Of the float model's operations.
    """
    layers = {each.operation: each for each in quantised}
    others = []
    for group in groups:
        inside = [each for each in quantised if {each.name, names.get(each.operation, each.name)} & group.operations]
        inside.sort(key=lambda each: not computes(each.kind))
        if inside:
            layers[inside[0].operation] = replace(inside[0], spent=group.spent)
        else:
            name = min(group.operations, default=f"({group.kind})")
            others.append(LayerCost(name=name, kind=group.kind, spent=group.spent))
    return [*layers.values(), *others]


def _convert(cell: Cell, role: Role, precision: Precision, listener: Listener) -> Artifact:
    stage: dict[str, Any] = {role: replace(cell.stages[role], precision=precision)}
    artifacts = prepare(replace(cell, **stage), listener, [role], like_int8=True)
    return artifacts[role]["network"]


def _inputs(cell: Cell, role: Role, metadata: Mapping[str, str]) -> tuple[list[Image], Graph]:
    samples = data.read(replace(cell.dataset, limit=cell.dataset.limit or DEFAULT_IMAGES))
    model: Detector | Recognizer
    if role == "detector":
        model = detector = build_detector(cell.detector, metadata)
        inputs = list(chain.from_iterable(detector.calibration(read_image(each.image_path)) for each in samples))
    else:
        model = recognizer = build_recognizer(cell.recognizer, metadata)
        inputs = list(recognizer.calibration([crop for sample in samples for crop in _crops(sample)]))
    if not inputs:
        message = f"dataset {cell.dataset.name}: its ground truth marks no text in the {len(samples)} images chosen"
        raise DatasetError(message)
    # Whatever batches the recognizer would make: here each input is one of its own.
    return inputs, replace(next(iter(model.graphs().values())), shape=())


def _crops(sample: Sample) -> Iterator[Image]:
    marked = [region for region in sample.regions if not region.ignore]
    if marked:
        image = read_image(sample.image_path)
        yield from (crop_quadrilateral(image, region.polygon) for region in islice(marked, CROPS_OF_AN_IMAGE))


def _accuracy(probe: Probe, inputs: Sequence[Image], listener: Listener) -> list[LayerCost]:
    whole = {each.operation: Agreement() for each in probe.layers}
    alone = {each.operation: Agreement() for each in probe.layers}
    total = len(probe.layers) * len(inputs)
    for done, (layer, outputs) in enumerate(probe.run(inputs), start=1):
        whole[layer.operation].add(outputs.exact, outputs.whole)
        alone[layer.operation].add(outputs.exact, outputs.alone)
        listener.advance("comparing layers", done, total)
    return [
        LayerCost(
            name=each.name,
            operation=each.operation,
            kind=each.kind,
            whole=whole[each.operation],
            alone=alone[each.operation],
        )
        for each in probe.layers
    ]


def _profiles(
    cell: Cell,
    stage: Stage,
    artifacts: Mapping[Precision, Artifact],
    graph: Graph,
    inputs: Sequence[Image],
    listener: Listener,
) -> dict[str, list[LayerTime]]:
    """Time each layer in several passes."""
    profiles = {}
    for precision, artifact in artifacts.items():
        settings = Settings(
            device=stage.device,
            precision=precision,
            properties={**setup_of(cell.scenario).properties, **stage.properties},
        )
        profiles[precision] = CompiledNetwork(artifact, graph, settings).profile()
    best: dict[str, list[LayerTime]] = {precision: [] for precision in profiles}
    for number in range(PASSES + 1):
        for precision, profile in profiles.items():
            for tensor in inputs:
                profile(tensor)
            layers = profile.layers()
            # The first pass warms up.
            if number:
                best[precision] = fastest(best[precision], layers)
        listener.advance("timing layers", number + 1, PASSES + 1)
    return best
