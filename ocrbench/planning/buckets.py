"""Choosing widths and batch sizes: the cheapest way to cover a histogram of crops, by dynamic programming."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ocrbench.models.crops import MULTIPLE, WidthOptions
from ocrbench.planning.costs import Costs

BATCH_SIZES = (1, 2, 4, 8, 16)
# How many widths may become edges: quantiles of the crops' widths. More would follow the chances of one dataset.
CANDIDATES = 24

# The widths of the crops of each image, or of each group of images whose crops share batches.
Groups = Sequence[Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """The batches of one width.

    Attributes:
        crops: Their share of all crops.
        filled: The share of the columns that is not padding.
        batch: Crops per batch, on average.
        ms_per_crop: Expected, once their shapes have been met.
    """

    width: int
    crops: float
    filled: float
    batch: float
    ms_per_crop: float


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a dataset's batches cost.

    Attributes:
        shapes: How many different ones they have.
        first_ms: How much longer the first batches of each shape take, all together.
        repeated_ms: Per crop, once all shapes have been met.
        spread_ms: Per crop, with ``first_ms`` spread over a number of images.
    """

    shapes: int
    first_ms: float
    repeated_ms: float
    spread_ms: float


def expected(options: WidthOptions, groups: Groups, costs: Costs, spread_over: float) -> Expected:
    """Predict what the network costs.

    Args:
        options: Make batches of crops.
        groups: The dataset.
        costs: Of batches.
        spread_over: Over how many groups the first batch of each shape is spread.
    """
    shapes, once, total = 0, 0.0, 0.0
    for width, batches in _by_width(options, groups).items():
        repeated, first = (table[0] for table in costs.table([width], options.batch_size))
        counts = [options.places(len(batch)) for batch in batches]
        different = list(set(counts))
        shapes += len(different)
        once += float(first[different].sum())
        total += float(repeated[counts].sum())
    crops = sum(map(len, groups))
    spread = (total + once * len(groups) / spread_over) / crops
    return Expected(shapes=shapes, first_ms=once, repeated_ms=total / crops, spread_ms=spread)


def best_dynamic(present: WidthOptions, groups: Groups, costs: Costs, spread_over: float) -> WidthOptions:
    """Choose the batch size for batches that are as wide as their widest crop; arguments as ``expected``."""
    sizes = [replace(present, shapes="dynamic", widths=(), batch_size=size) for size in BATCH_SIZES]
    return min(sizes, key=lambda options: expected(options, groups, costs, spread_over).spread_ms)


def best_widths(present: WidthOptions, groups: Groups, costs: Costs, spread_over: float) -> WidthOptions:
    """Choose the widths of buckets and the batch size; arguments as ``expected``.

    For each batch size, the cheapest widths up to an edge are those up to an earlier edge and one bucket more: the
    shortest path through the candidate edges.
    """
    naturals = [min(max(width, present.min_width), present.max_width) for group in groups for width in group]
    edges = np.unique(np.minimum(-(-np.array(naturals) // MULTIPLE) * MULTIPLE, present.max_width))
    if len(edges) > CANDIDATES:
        steps = np.ceil(np.quantile(naturals, np.linspace(0, 1, CANDIDATES), method="higher") / MULTIPLE)
        edges = np.unique(np.minimum(steps.astype(int) * MULTIPLE, present.max_width))
    below = np.array([np.searchsorted(np.sort(_clipped(group, present)), edges, side="right") for group in groups])
    below = np.hstack([np.zeros((len(groups), 1), dtype=int), below])
    plans = []
    for size in BATCH_SIZES:
        widths = _shortest(edges, below, size, costs, len(groups) / spread_over)
        plans.append(replace(present, shapes="bucketed", widths=tuple(widths), batch_size=size))
    return min(plans, key=lambda options: expected(options, groups, costs, spread_over).spread_ms)


def buckets(options: WidthOptions, groups: Groups, costs: Costs) -> list[Bucket]:
    """Describe the batches of each width; arguments as ``expected``."""
    total = sum(map(len, groups))
    found = []
    for width, batches in sorted(_by_width(options, groups).items()):
        repeated = costs.table([width], options.batch_size)[0][0]
        crops = sum(map(len, batches))
        found.append(
            Bucket(
                width=width,
                crops=crops / total,
                filled=sum(map(sum, batches)) / (crops * width),
                batch=crops / len(batches),
                ms_per_crop=float(repeated[[options.places(len(batch)) for batch in batches]].sum()) / crops,
            )
        )
    return found


def _by_width(options: WidthOptions, groups: Groups) -> dict[int, list[list[int]]]:
    """Return the batches of each width: for each crop, how many columns it fills."""
    found: dict[int, list[list[int]]] = {}
    for group in groups:
        for width, members in options.batches(group):
            found.setdefault(width, []).append([min(group[member], width) for member in members])
    return found


def _clipped(group: Sequence[int], present: WidthOptions) -> NDArray[np.int64]:
    return np.clip(np.asarray(group, dtype=np.int64), present.min_width, present.max_width)


def _shortest(edges: NDArray[np.int64], below: NDArray[np.int64], size: int, costs: Costs, once: float) -> list[int]:
    """Find the cheapest widths for one batch size.

    Args:
        edges: The candidates, ascending; the last one is always taken.
        below: (group, edge) → crops that are not wider, from no edge on.
        size: Crops per batch.
        costs: Of batches.
        once: How much the first meeting of a shape counts.
    """
    repeated, first = costs.table(edges.tolist(), size)
    best, previous = np.zeros(len(edges) + 1), np.zeros(len(edges) + 1, dtype=int)
    for end in range(1, len(edges) + 1):
        crops = below[:, end, np.newaxis] - below[:, :end]
        full, rest = crops // size, crops % size
        total = (full * repeated[end - 1, size] + repeated[end - 1, rest]).sum(axis=0)
        met = np.array([np.isin(np.arange(1, size + 1), column) for column in rest.T])
        met[:, size - 1] |= (full > 0).any(axis=0)
        total += once * (met * first[end - 1, 1:]).sum(axis=1)
        costs_so_far = best[:end] + total
        previous[end] = int(costs_so_far.argmin())
        best[end] = costs_so_far[previous[end]]
    chosen, end = [], len(edges)
    while end:
        chosen.append(int(edges[end - 1]))
        end = int(previous[end])
    return chosen[::-1]
