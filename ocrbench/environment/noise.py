"""What disturbs a measurement: CPU time of this process and of others → shares → reasons not to trust its times."""

import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from ocrbench.config.schema import Noise
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


def shares(usage: Usage) -> dict[str, float | None]:
    """Relate the usage to the capacity.

    Returns:
        Shares of the capacity taken by the hypervisor and by other processes; context switches per second and core.
        None where the system does not count CPU time.

    >>> shares(Usage(capacity_s=20, busy_s=17, steal_s=1, own_s=15, voluntary=40, involuntary=100))
    {'steal_share': 0.05, 'other_cpu_share': 0.1, 'involuntary_switches': 5.0, 'voluntary_switches': 2.0}
    """
    parts = {
        "steal_share": usage.steal_s,
        # The counters of the process and of the core differ: on an idle machine the difference may be negative.
        "other_cpu_share": max(0.0, usage.busy_s - usage.own_s),
        "involuntary_switches": usage.involuntary,
        "voluntary_switches": usage.voluntary,
    }
    if usage.capacity_s <= 0:
        return dict.fromkeys(parts)
    return {name: round(part / usage.capacity_s, 4) for name, part in parts.items()}


def reasons(conditions: Mapping[str, Any], limits: Noise) -> tuple[str, ...]:
    """List the limits that a run's conditions exceed; an unknown value exceeds none."""
    found = []
    steal, other = conditions.get("steal_share"), conditions.get("other_cpu_share")
    drift = conditions.get("drift")
    if steal is not None and steal > limits.steal_share:
        found.append(f"the hypervisor took {steal:.1%} of the CPU (limit {limits.steal_share:.1%})")
    if other is not None and other > limits.other_cpu_share:
        found.append(f"other processes used {other:.1%} of the CPU (limit {limits.other_cpu_share:.1%})")
    if drift is not None and abs(drift - 1) > limits.drift:
        found.append(
            f"an image's time drifted by {drift - 1:+.1%} from first to last repeat (limit {limits.drift:.1%})"
        )
    return tuple(found)
