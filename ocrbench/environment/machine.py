"""The machine's current settings: governor, turbo, limits of the container, memory, commit of the current folder.

Nothing here fails: an unreadable setting is ``unknown``, a missing limit is None.
"""

import subprocess
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil

UNKNOWN = "unknown"
CPU_FOLDER = Path("/sys/devices/system/cpu")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
CGROUP_FOLDER = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
# Version 1 of cgroups writes "no limit" as a number near 2⁶³.
NO_LIMIT_BYTES = 2**60
GIT_SECONDS = 10


def settings() -> dict[str, Any]:
    """Return all settings but the commit."""
    return {
        "governor": governor(),
        "turbo": turbo(),
        "huge_pages": huge_pages(),
        "container": container_limits(),
        "memory_available_bytes": psutil.virtual_memory().available,
    }


def load() -> float:
    """Return the load average of the last minute."""
    return float(psutil.getloadavg()[0])


def governor(folder: Path = CPU_FOLDER) -> str:
    """Return the CPU frequency governor; several, if cores differ."""
    found = {_read(path) for path in folder.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    return ",".join(sorted(found - {""})) or UNKNOWN


def turbo(folder: Path = CPU_FOLDER) -> str:
    """Return whether cores may run above their base frequency: ``on``, ``off`` or ``unknown``."""
    for name, on in (("intel_pstate/no_turbo", "0"), ("cpufreq/boost", "1")):
        value = _read(folder / name)
        if value:
            return "on" if value == on else "off"
    return UNKNOWN


def huge_pages(file: Path = HUGE_PAGES) -> str:
    """Return when Linux provides huge pages: ``always``, ``madvise`` (on request) or ``never``; else ``unknown``."""
    _, _, chosen = _read(file).partition("[")
    return chosen.partition("]")[0] or UNKNOWN


def container_limits(folder: Path = CGROUP_FOLDER, membership: Path = MEMBERSHIP) -> dict[str, float | int | None]:
    """Return the CPUs (quota ÷ period) and the bytes of memory that control groups leave to this process.

    Reads both versions of cgroups, and every group above the process's own: the tightest limit counts.
    """
    cpus: list[float] = []
    memory: list[int] = []
    for group in _groups(folder, membership):
        # Version 2: "max 100000" or "150000 100000"; version 1: two files, -1 for no limit.
        quota, _, period = _read(group / "cpu.max").partition(" ")
        quota = quota or _read(group / "cpu.cfs_quota_us")
        period = period or _read(group / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            cpus.append(int(quota) / int(period))
        limits = (_read(group / name) for name in ("memory.max", "memory.limit_in_bytes"))
        memory += [int(limit) for limit in limits if limit.isdigit() and int(limit) < NO_LIMIT_BYTES]
    return {"cpus": min(cpus, default=None), "memory_bytes": min(memory, default=None)}


def git(folder: Path) -> dict[str, Any]:
    """Return the commit of a folder's repository and whether files differ from it; empty without a repository."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": changed != ""}


def _git(folder: Path, *words: str) -> str | None:
    # Do not write: git status would otherwise refresh the index, which another git may be using.
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _groups(folder: Path, membership: Path) -> Iterator[Path]:
    """List the folders of the process's control groups and of their parents."""
    for line in _read(membership).splitlines() or ["0::/"]:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        mounts = [folder / name for name in (controllers, *controllers.split(","))] if controllers else [folder]
        for mount in dict.fromkeys(mounts):
            group = mount / path.strip("/")
            yield group
            yield from (parent for parent in group.parents if parent.is_relative_to(mount))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


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
