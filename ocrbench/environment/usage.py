"""What this process and the rest of the machine use of the CPU."""

import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from ocrbench.environment import allowed_cores

# Process id and start, which tell processes apart → name and CPU seconds so far.
Processes = Mapping[tuple[int, float], tuple[str, float]]
BUSY_PERCENT = 5.0
LISTED = 5


@dataclass(frozen=True, kw_only=True)
class Usage:
    """CPU seconds on the cores that this process may use, and how often it was taken off them.

    Attributes:
        capacity_s: Of all these cores together: busy, idle and stolen.
        busy_s: Used by any process.
        steal_s: Taken by the hypervisor for other guests.
        own_s: Used by this process.
        voluntary: Context switches because it waited.
        involuntary: Context switches because another thread was given the core, also one of its own.
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
        """Return what was used since."""
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
    """List the processes that may be looked at."""
    found = {}
    for process in psutil.process_iter(["pid", "create_time", "name", "cpu_times"]):
        info = process.info
        if info["cpu_times"] is not None:
            spent = info["cpu_times"].user + info["cpu_times"].system
            found[info["pid"], info["create_time"] or 0.0] = (info["name"] or "", spent)
    return found


def busiest(before: Processes, after: Processes, seconds: float, own: Collection[int]) -> list[dict[str, Any]]:
    """List the processes that kept a noteworthy share of one core busy between two looks, the busiest first.

    Args:
        before: The first look; who began later counts from zero.
        after: The second look.
        seconds: Between the two.
        own: The processes that do not count.

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
    """Look twice at all processes but this one and its children; see ``busiest``."""
    start, before = time.monotonic(), processes()
    time.sleep(seconds)
    after = processes()
    this = psutil.Process()
    own = {this.pid, *(child.pid for child in this.children(recursive=True))}
    return busiest(before, after, time.monotonic() - start, own)


def _sum(times: Any, *names: str) -> float:  # noqa: ANN401 - its fields differ from system to system
    return float(sum(getattr(times, name, 0.0) for name in names))


def _switches() -> tuple[int, int]:
    """Count the switches of all threads: what psutil reads on Linux are those of the first thread."""
    if sys.platform == "win32":
        counted = psutil.Process().num_ctx_switches()
        return counted.voluntary, counted.involuntary
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nvcsw, used.ru_nivcsw
