"""Noise during a run: counters → conditions → reasons not to trust its times. Pure functions."""

from collections.abc import Mapping
from typing import Any

from ocrbench.config.schema import Noise
from ocrbench.environment.usage import Usage


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
