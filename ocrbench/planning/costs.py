"""What a batch costs on the device, from its width and its number of crops."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from ocrbench.models.crops import MULTIPLE, WidthOptions
from ocrbench.records import Image, Network
from ocrbench.schedule import Listener

WIDTHS = 5
ROUNDS = 6


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Times of one network at a handful of shapes.

    Attributes:
        widths: Measured widths, ascending, at least two.
        counts: Measured numbers of crops in a batch, ascending, at least two.
        repeated_ms: (width, count) → time of a batch whose shape was met before.
        first_ms: (width, count) → how much longer the first one of that shape takes.
    """

    widths: Sequence[int]
    counts: Sequence[int]
    repeated_ms: NDArray[np.float64]
    first_ms: NDArray[np.float64]

    def table(self, widths: Sequence[int], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Interpolate linearly between the measured shapes, and beyond them.

        Args:
            widths: Of batches.
            most: Crops in a batch.

        Returns:
            Two matrices (width, count), count from 0 to ``most``: ``repeated_ms`` and ``first_ms``; 0 for no crops.
        """
        # Slow to import, and every command imports this module.
        from scipy.interpolate import RegularGridInterpolator

        points = np.stack(np.meshgrid(widths, np.arange(1, most + 1), indexing="ij"), axis=-1)
        tables = []
        for measured in (self.repeated_ms, self.first_ms):
            line = RegularGridInterpolator((self.widths, self.counts), measured, bounds_error=False, fill_value=None)
            tables.append(np.pad(np.maximum(line(points), 0.0), ((0, 0), (1, 0))))
        return tables[0], tables[1]


def widths_to_measure(present: WidthOptions, groups: Sequence[Sequence[int]]) -> list[int]:
    """Choose a handful of widths from the narrowest crop to the widest batch, closer together among the narrow ones.

    The present batches may be far wider than any crop, and what they cost beyond the measured widths would be a guess.

    Args:
        present: Makes batches of crops.
        groups: The crops' widths, by images whose crops share batches.

    >>> widths_to_measure(WidthOptions(width_step=8, max_width=1280, batch_size=2), [[40, 90], [600]])
    [40, 80, 160, 312, 600]
    >>> widths_to_measure(WidthOptions(width_step=640, max_width=1280, batch_size=2), [[40, 90]])
    [40, 80, 160, 320, 640]
    """
    widths = [min(max(width, present.min_width), present.max_width) for group in groups for width in group]
    widths += [width for group in groups for width, _ in present.batches(group)]
    ends = np.array([min(widths), max(widths)], dtype=float)
    spread = np.geomspace(ends[0], max(ends[1], ends[0] + MULTIPLE), WIDTHS)
    # Rounded before it is rounded up: what NumPy makes of an exact 80 may be a hair more.
    return sorted({int(np.ceil(np.round(width / MULTIPLE, 6))) * MULTIPLE for width in spread})


def measure_costs(
    network: Network, like: Image, widths: Sequence[int], counts: Sequence[int], listener: Listener
) -> Costs:
    """Time batches of several shapes in turns; of several rounds the fastest counts, since what disturbs only adds.

    Args:
        network: Compiled, for inputs of any shape.
        like: An input (1, height, width, channels) that tells height and channels.
        widths: Ascending.
        counts: Numbers of crops, ascending.
        listener: Hears of progress.
    """
    generator = np.random.default_rng(0)
    shapes = [(count, like.shape[1], width, like.shape[3]) for width in widths for count in counts]
    times = np.zeros((ROUNDS, len(shapes)))
    for number in range(ROUNDS):
        for index, shape in enumerate(shapes):
            batch = generator.integers(0, 256, shape, dtype=np.uint8)
            start = perf_counter_ns()
            network(batch)
            times[number, index] = (perf_counter_ns() - start) / 1e6
        listener.advance("timing shapes", number + 1, ROUNDS)
    repeated = times[1:].min(axis=0)
    first = np.maximum(times[0] - repeated, 0.0)
    size = (len(widths), len(counts))
    return Costs(widths=widths, counts=counts, repeated_ms=repeated.reshape(size), first_ms=first.reshape(size))
