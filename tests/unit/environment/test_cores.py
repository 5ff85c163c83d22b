"""Cores shared out among processes, on processors as Linux describes them."""

from pathlib import Path

import pytest

from ocrbench.environment.cores import split_cores

# Logical core → (socket, physical core).
HYPERTHREADS = {core: (0, core % 4) for core in range(8)}
SOCKETS = {core: (core % 2, core // 2) for core in range(8)}


def described(folder: Path, cores: dict[int, tuple[int, int]]) -> Path:
    for core, numbers in cores.items():
        topology = folder / f"cpu{core}" / "topology"
        topology.mkdir(parents=True)
        for name, number in zip(("physical_package_id", "core_id"), numbers, strict=True):
            (topology / name).write_text(f"{number}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("machine", "cores", "parts", "expected"),
    [
        (HYPERTHREADS, range(8), 1, [[*range(8)]]),
        (HYPERTHREADS, range(8), 2, [[0, 1, 4, 5], [2, 3, 6, 7]]),
        (HYPERTHREADS, range(8), 4, [[0, 4], [1, 5], [2, 6], [3, 7]]),
        # Only some of the cores may be used.
        (HYPERTHREADS, [1, 2, 3, 5], 2, [[1, 2, 5], [3]]),
        (SOCKETS, range(8), 2, [[0, 2, 4, 6], [1, 3, 5, 7]]),
        # Nothing is known of them.
        ({}, range(4), 2, [[0, 1], [2, 3]]),
        ({}, range(5), 3, [[0, 1], [2], [3, 4]]),
        # More processes than cores.
        (HYPERTHREADS, [0, 4], 2, [[], [0, 4]]),
    ],
)
def test_siblings_and_neighbours_stay_together(
    machine: dict[int, tuple[int, int]], cores: list[int], parts: int, expected: list[list[int]], tmp_path: Path
) -> None:
    assert split_cores(cores, parts, described(tmp_path, machine)) == expected
