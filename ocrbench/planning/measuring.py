"""From a dataset to the widths and the batch size that suit it, and a measured check that they do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic, perf_counter_ns

import numpy as np

from ocrbench import data
from ocrbench.config import Cell
from ocrbench.data.images import read_image
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.geometry import crop_quadrilateral
from ocrbench.metrics.paired import Interval, ratio_interval
from ocrbench.models import FAMILIES, Reading, build_detector, build_recognizer
from ocrbench.models.crops import FreeWidth, WidthOptions
from ocrbench.planning.buckets import BATCH_SIZES, Expected, Groups, best_dynamic, best_widths, expected
from ocrbench.planning.costs import Costs, measure_costs, widths_to_measure
from ocrbench.records import Artifact, Graph, Image, Network, metadata_of
from ocrbench.runtime import CompiledNetwork
from ocrbench.scenarios import setup_of
from ocrbench.scenarios.throughput import ThroughputSetup
from ocrbench.schedule import Listener, alone, prepare
from ocrbench.worker import settings_of

FEWEST_ROUNDS = 5
Networks = Mapping[str, Artifact]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A way to make batches.

    Attributes:
        name: ``present``, ``dynamic`` or ``bucketed``.
    """

    name: str
    options: WidthOptions
    expected: Expected

    @property
    def changes(self) -> dict[str, object]:
        """Return the keys that make it."""
        options = self.options
        return {"shapes": options.shapes, "widths": options.widths, "batch_size": options.batch_size}


@dataclass(frozen=True, kw_only=True)
class Check:
    """The present setting and the planned one, measured in turns on the dataset's crops, whole recognizer.

    Attributes:
        before_ms: Per crop, with the present setting.
        after_ms: Per crop, with the planned one.
        ratio: After ÷ before, over rounds.
        changed: How many crops are read differently.
    """

    before_ms: float
    after_ms: float
    ratio: Interval
    changed: int


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What suits a dataset's crops.

    Attributes:
        groups: The crops' widths, by images whose crops share batches.
        candidates: The present setting first, then the best of each kind.
        best: The cheapest of them.
        check: None where the present setting is the cheapest.
    """

    groups: Groups
    costs: Costs
    candidates: Sequence[Candidate]
    best: Candidate
    check: Check | None


class _Reader:
    """A recognizer with a network of its own, for one way to make batches."""

    def __init__(self, cell: Cell, artifacts: Mapping[str, Artifact], changes: Mapping[str, object]) -> None:
        stage = replace(cell.recognizer, options={**cell.recognizer.options, **changes})
        recognizer = build_recognizer(stage, metadata_of(artifacts))
        assert isinstance(recognizer, FreeWidth)
        self.recognizer = recognizer
        self.networks = _compiled(cell, "recognizer", recognizer.graphs(), artifacts)

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        return self.recognizer.recognize(crops, self.networks)


def check_plannable(cell: Cell) -> None:
    """Make sure that there is something to plan.

    Raises:
        ConfigError: The recognizer's input has one width only, or there is a network for each shape.
    """
    if networks := cell.folding.recognizer_networks:
        message = (
            f"folding.recognizer_networks={networks}: a plan weighs shapes that share a network; leave this out, and "
            "add it to what was planned"
        )
        raise ConfigError(message)
    part = FAMILIES[cell.recognizer.family].recognizer
    if part is None or not issubclass(part.options, WidthOptions):
        message = f"recognizer.family={cell.recognizer.family}: its input has one width, so there is nothing to plan"
        raise ConfigError(message)


def measure_plan(cell: Cell, images: int, seconds: float, listener: Listener) -> Planned:
    """Plan the recognizer's batches for the crops that the detector finds in a dataset.

    Args:
        cell: Names models, device, precision and dataset.
        images: Over how many images the first meeting of each shape is spread.
        seconds: How long the check lasts.
        listener: Hears of progress.

    Raises:
        OcrBenchError: The conversion or the device fails, or no text is found.
    """
    artifacts, _ = prepare(cell, listener)
    with alone(cell, listener):
        return _plan(cell, artifacts["detector"], artifacts["recognizer"], images, seconds, listener)


def _plan(
    cell: Cell, detector: Networks, recognizer: Networks, images: int, seconds: float, listener: Listener
) -> Planned:
    present = _Reader(cell, recognizer, {})
    flexible = _Reader(cell, recognizer, {"shapes": "bucketed", "widths": ()})
    crops, count = _crops(cell, detector, listener)
    groups = [[present.recognizer.natural_width(crop) for crop in group] for group in crops]
    widths = widths_to_measure(present.recognizer.options, groups)
    like = next(iter(flexible.recognizer.calibration(crops[0])))
    network = flexible.networks["network"]
    costs = measure_costs(network, like, widths, BATCH_SIZES, listener)
    candidates = compare(present.recognizer.options, groups, costs, images * len(groups) / count)
    best = min(candidates, key=lambda each: each.expected.spread_ms)
    check = None
    if best.name != "present":
        check = _check(present, _Reader(cell, recognizer, best.changes), crops, seconds, listener)
    return Planned(groups=groups, costs=costs, candidates=candidates, best=best, check=check)


def compare(present: WidthOptions, groups: Groups, costs: Costs, spread_over: float) -> list[Candidate]:
    """Predict what the present setting costs, and the best of each other kind; arguments as ``expected``."""
    settings = {
        "present": present,
        "dynamic": best_dynamic(present, groups, costs, spread_over),
        "bucketed": best_widths(present, groups, costs, spread_over),
    }
    return [
        Candidate(name=name, options=options, expected=expected(options, groups, costs, spread_over))
        for name, options in settings.items()
    ]


def _crops(cell: Cell, artifacts: Mapping[str, Artifact], listener: Listener) -> tuple[list[list[Image]], int]:
    """Cut out what the detector finds, by images whose crops share batches; those without text are left out.

    Returns:
        The crops, and how many images could be read.
    """
    detector = build_detector(cell.detector, metadata_of(artifacts))
    networks = _compiled(cell, "detector", detector.graphs(), artifacts)
    samples = data.read(cell.dataset)
    setup = setup_of(cell.scenario)
    together = setup.together if isinstance(setup, ThroughputSetup) else 1
    found: list[list[Image]] = []
    count = 0
    for number, sample in enumerate(samples, start=1):
        try:
            image = read_image(sample.image_path)
        except DatasetError as error:
            listener.say(f"left out: {error}")
            continue
        regions = detector.detect(image, networks)
        cut = [crop_quadrilateral(image, region.polygon) for region in regions]
        found = [*found[:-1], found[-1] + cut] if count % together else [*found, cut]
        count += 1
        listener.advance("finding text", number, len(samples))
    if not any(found):
        message = f"dataset {cell.dataset.name}: {cell.detector.name} finds no text in its {len(samples)} images"
        raise DatasetError(message)
    return [crops for crops in found if crops], count


def _compiled(
    cell: Cell, role: str, graphs: Mapping[str, Graph], artifacts: Mapping[str, Artifact]
) -> dict[str, Network]:
    settings = replace(settings_of(cell, role), cache_dir=None)
    return {name: CompiledNetwork(artifacts[name], graph, settings).network() for name, graph in graphs.items()}


def _check(
    before: _Reader, after: _Reader, crops: Sequence[Sequence[Image]], seconds: float, listener: Listener
) -> Check:
    """Read all crops with one setting and the other, taking turns image by image."""
    sides = (before, after)
    texts = [[reading.text for group in crops for reading in side.read(group)] for side in sides]
    times: list[list[int]] = []
    start = monotonic()
    while len(times) < FEWEST_ROUNDS or monotonic() - start < seconds:
        totals = [0, 0]
        for number, group in enumerate(crops):
            for side in (0, 1) if (number + len(times)) % 2 else (1, 0):
                begun = perf_counter_ns()
                sides[side].read(group)
                totals[side] += perf_counter_ns() - begun
        times.append(totals)
        listener.advance("checking", min(1.0, (monotonic() - start) / seconds), 1.0)
    milliseconds = np.median(np.array(times) / 1e6 / sum(map(len, crops)), axis=0)
    return Check(
        before_ms=float(milliseconds[0]),
        after_ms=float(milliseconds[1]),
        ratio=ratio_interval([[np.log([other / one for one, other in times])]]),
        changed=sum(one != other for one, other in zip(*texts, strict=True)),
    )
