"""Splitting the cores among processes, so that related cores stay together."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from ocrbench.environment.machine import CPU_FOLDER


def split_cores(cores: Sequence[int], parts: int, folder: Path = CPU_FOLDER) -> list[list[int]]:
    """Split logical cores into parts of nearly the same size.

    The logical cores of one physical core stay together, and a part consists of neighbours: cores of one socket, as far
    as possible.

    Args:
        cores: Numbers of the logical cores.
        parts: Number of parts. With more parts than physical cores, some are empty.
        folder: Folder in which Linux describes the processors. Cores that are missing there count as physical cores.
    """
    physical: dict[tuple[int, int], list[int]] = {}
    for core in cores:
        place = _number(folder, core, "physical_package_id", 0), _number(folder, core, "core_id", core)
        physical.setdefault(place, []).append(core)
    ordered = sorted(physical.items())
    edges = np.linspace(0, len(ordered), parts + 1).round().astype(int)
    return [sorted(core for _, siblings in ordered[start:end] for core in siblings) for start, end in pairwise(edges)]


def _number(folder: Path, core: int, name: str, otherwise: int) -> int:
    try:
        return int((folder / f"cpu{core}" / "topology" / name).read_text())
    except (OSError, ValueError):
        return otherwise
