"""CPU usage of this process and of the rest of the machine."""

import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from ocrbench.environment import allowed_cores

# Process id and start time, which identify a process → name and CPU seconds so far.
Processes = Mapping[tuple[int, float], tuple[str, float]]
BUSY_PERCENT = 5.0
LISTED = 5


@dataclass(frozen=True, kw_only=True)
class Usage:
    """CPU seconds on the cores that this process may use, and its context switches.

    Attributes:
        capacity_s: Capacity of all these cores together: busy, idle and stolen.
        busy_s: Time used by any process.
        steal_s: Time taken by the hypervisor for other guests.
        own_s: Time used by this process.
        voluntary: Number of context switches because this process waited.
        involuntary: Number of context switches because another thread got the core, possibly one of its own.
    """

    capacity_s: float = 0.0
    busy_s: float = 0.0
    steal_s: float = 0.0
    own_s: float = 0.0
    voluntary: int = 0
    involuntary: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Join two periods."""
        return Usage(**{name: value + getattr(other, name) for name, value in asdict(self).items()})

    def __sub__(self, earlier: "Usage") -> "Usage":
        """Return the usage since an earlier reading."""
        return Usage(**{name: value - getattr(earlier, name) for name, value in asdict(self).items()})


def usage_so_far() -> Usage:
    """Read the counters; the difference of two readings is a period."""
    every = psutil.cpu_times(percpu=True)
    cores = [every[core] for core in allowed_cores() if core < len(every)]
    busy = sum(_sum(each, "user", "nice", "system", "irq", "softirq") for each in cores)
    steal = sum(_sum(each, "steal") for each in cores)
    voluntary, involuntary = _switches()
    return Usage(
        capacity_s=busy + steal + sum(_sum(each, "idle", "iowait") for each in cores),
        busy_s=busy,
        steal_s=steal,
        own_s=time.process_time(),
        voluntary=voluntary,
        involuntary=involuntary,
    )


def processes() -> Processes:
    """List the processes that this one may inspect."""
    found = {}
    for process in psutil.process_iter(["pid", "create_time", "name", "cpu_times"]):
        info = process.info
        if info["cpu_times"] is not None:
            spent = info["cpu_times"].user + info["cpu_times"].system
            found[info["pid"], info["create_time"] or 0.0] = (info["name"] or "", spent)
    return found


def busiest(before: Processes, after: Processes, seconds: float, own: Collection[int]) -> list[dict[str, Any]]:
    """List the processes that used a notable share of a core between two snapshots, the busiest first.

    Args:
        before: First snapshot; processes that started later count from zero.
        after: Second snapshot.
        seconds: Time between the two.
        own: Processes that do not count.

    >>> busiest({(7, 0.0): ("indexer", 5.0)}, {(7, 0.0): ("indexer", 5.5), (8, 1.0): ("shell", 0.01)}, 1.0, {9})
    [{'name': 'indexer', 'cpu_percent': 50.0}]
    """
    found = [
        (round(100 * (spent - before.get(key, ("", 0.0))[1]) / seconds, 1), name)
        for key, (name, spent) in after.items()
        if key[0] not in own
    ]
    busy = sorted((each for each in found if each[0] >= BUSY_PERCENT), reverse=True)
    return [{"name": name, "cpu_percent": percent} for percent, name in busy[:LISTED]]


def watch_processes(seconds: float) -> list[dict[str, Any]]:
    """Take two snapshots of all processes but this one and its children; see ``busiest``."""
    start, before = time.monotonic(), processes()
    time.sleep(seconds)
    after = processes()
    this = psutil.Process()
    own = {this.pid, *(child.pid for child in this.children(recursive=True))}
    return busiest(before, after, time.monotonic() - start, own)


def _sum(times: Any, *names: str) -> float:  # noqa: ANN401 - its fields differ between systems
    return float(sum(getattr(times, name, 0.0) for name in names))


def _switches() -> tuple[int, int]:
    """Count the switches of all threads; psutil reads only those of the first thread on Linux."""
    if sys.platform == "win32":
        counted = psutil.Process().num_ctx_switches()
        return counted.voluntary, counted.involuntary
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nvcsw, used.ru_nivcsw
