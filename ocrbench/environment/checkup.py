"""Whether a machine is fit for measuring: how well it repeats itself, and findings → verdict and advice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal

import numpy as np
import openvino as ov

from ocrbench.config.schema import Noise
from ocrbench.environment.machine import UNKNOWN
from ocrbench.graphs.nodes import ops

# A note is worth knowing, but may need no change.
Verdict = Literal["ok", "note", "warn"]
LOAD_PER_CORE = 0.5
MIN_MEMORY_BYTES = 2 * 10**9
MIN_DISK_BYTES = 2 * 10**9
MAX_VARIATION = 0.03
# The network that is timed over and over: products of square matrices.
SIDE, LAYERS = 512, 2
WARMUP_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding, and what to do about it."""

    check: str
    found: str
    verdict: Verdict = "ok"
    advice: str = ""


def check_load(load: float, cores: int) -> Check:
    """Judge the load average of the last minute."""
    return _judge(
        "load",
        f"{load:.2f} on {cores} cores",
        fine=load <= LOAD_PER_CORE * cores,
        advice="wait until it has fallen, or end other programs",
    )


def check_others(busy: Sequence[Mapping[str, Any]], shares: Mapping[str, float | None], limits: Noise) -> Check:
    """Judge the share of the CPU that other processes use."""
    share = shares["other_cpu_share"]
    names = ", ".join(f"{each['name']} {each['cpu_percent']:.0f} % of a core" for each in busy)
    if share is None:
        return Check(check="other processes", found=names or UNKNOWN, verdict="note")
    return _judge(
        "other processes",
        f"{share:.1%} of the CPU" + (f": {names}" if names else ""),
        fine=share <= limits.other_cpu_share,
        advice="end them, or keep them off the cores that measure (taskset, cpusets)",
    )


def check_steal(share: float | None, limits: Noise) -> Check:
    """Judge the share of the CPU that the hypervisor gives to other guests."""
    if share is None:
        return Check(check="CPU steal", found=UNKNOWN, verdict="note")
    return _judge(
        "CPU steal",
        f"{share:.1%}",
        fine=share <= limits.steal_share,
        advice="use a host with dedicated cores, or compare with 'ocrbench ab', which interleaves",
    )


def check_governor(governor: str) -> Check:
    """Judge how the frequency is chosen."""
    if governor == UNKNOWN:
        return Check(check="CPU governor", found=UNKNOWN, verdict="note", advice="nothing to see or set from here")
    return _judge(
        "CPU governor",
        governor,
        fine=governor == "performance",
        advice="sudo cpupower frequency-set --governor performance",
    )


def check_turbo(turbo: str) -> Check:
    """Report whether the frequency depends on temperature and on the number of busy cores."""
    advice = {
        "on": "for steadier (slower) times: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, "
        "or echo 0 > /sys/devices/system/cpu/cpufreq/boost",
        UNKNOWN: "nothing to see or set from here",
    }.get(turbo, "")
    return Check(check="turbo", found=turbo, verdict="note" if advice else "ok", advice=advice)


def check_huge_pages(mode: str, tunables: str) -> Check:
    """Report whether networks get their memory in huge pages, which saves address lookups.

    Args:
        mode: As returned by ``machine.huge_pages``.
        tunables: Value of ``GLIBC_TUNABLES``.
    """
    asked = "glibc.malloc.hugetlb=1" in tunables.split(":")
    if mode != "madvise" or asked:
        return Check(check="huge pages", found=f"{mode}, requested" if asked else mode)
    advice = "for faster networks, set it for all runs to be compared: GLIBC_TUNABLES=glibc.malloc.hugetlb=1 ocrbench …"
    return Check(check="huge pages", found=f"{mode}, not requested", verdict="note", advice=advice)


def check_cores(allowed: int, present: int, quota: float | None) -> Check:
    """Judge a CPU quota, which stops all threads for the rest of a period, and an affinity, which does not."""
    found = f"{allowed} of {present}" + ("" if quota is None else f", quota {quota:g}")
    if quota is not None and quota < allowed:
        advice = "give the container whole cores (docker run --cpuset-cpus) instead of a quota (--cpus)"
        return Check(check="cores", found=found, verdict="warn", advice=advice)
    if allowed < present:
        advice = "fine if these cores are reserved for measuring; else lift the affinity (taskset)"
        return Check(check="cores", found=found, verdict="note", advice=advice)
    return Check(check="cores", found=found)


def check_memory(available_bytes: int, limit_bytes: int | None) -> Check:
    """Judge whether models and images fit into memory."""
    usable = min(available_bytes, limit_bytes or available_bytes)
    limit = "" if limit_bytes is None else f", container limit {limit_bytes / 1e9:.1f} GB"
    return _judge(
        "memory",
        f"{available_bytes / 1e9:.1f} GB available{limit}",
        fine=usable >= MIN_MEMORY_BYTES,
        advice=f"at least {MIN_MEMORY_BYTES / 1e9:.0f} GB are needed: end other programs or raise the limit",
    )


def check_disk(name: str, folder: str, free_bytes: int) -> Check:
    """Judge the space for runs or converted models."""
    return _judge(
        f"disk for {name}",
        f"{free_bytes / 1e9:.1f} GB free in {folder}",
        fine=free_bytes >= MIN_DISK_BYTES,
        advice=f"free {MIN_DISK_BYTES / 1e9:.0f} GB, or set {name}=PATH",
    )


def check_virtual(virtual: str) -> Check:
    """Report whether other guests share the processor."""
    advice = "other guests may slow it down unnoticed: compare with 'ocrbench ab', which interleaves"
    return Check(
        check="virtual machine",
        found=virtual,
        verdict="note" if virtual == "yes" else "ok",
        advice=advice if virtual == "yes" else "",
    )


def check_devices(devices: Mapping[str, Sequence[str]]) -> Check:
    """List OpenVINO's devices with the precisions for which they have instructions."""
    found = "; ".join(f"{name} ({', '.join(native)})" for name, native in devices.items())
    return _judge("OpenVINO devices", found or "none", fine=bool(devices), advice="install a device's driver or plugin")


def check_repeatability(block_seconds: Sequence[float]) -> Check:
    """Judge how much the times of equal blocks of work vary."""
    times = np.asarray(block_seconds)
    variation = float(times.std(ddof=1) / times.mean())
    return _judge(
        "repeatability",
        f"CV {variation:.1%} over {len(times)} equal blocks, slowest ÷ fastest {times.max() / times.min():.2f}",
        fine=variation <= MAX_VARIATION,
        advice="see the warnings above; compare with 'ocrbench ab', which interleaves",
    )


def _judge(check: str, found: str, *, fine: bool, advice: str) -> Check:
    return Check(check=check, found=found, verdict="ok" if fine else "warn", advice="" if fine else advice)


def time_blocks(blocks: int = 20, seconds: float = 3.0) -> list[float]:
    """Run matrix products on the CPU, the same number in every block.

    Returns:
        Duration of each block, in seconds.
    """
    request = _network().create_infer_request()
    image = {0: np.ones((SIDE, SIDE), dtype=np.float32)}
    start, runs = perf_counter(), 0
    while perf_counter() - start < WARMUP_SECONDS:
        request.infer(image)
        runs += 1
    per_block = max(1, round(runs * seconds / blocks / (perf_counter() - start)))
    times = []
    for _ in range(blocks):
        start = perf_counter()
        for _ in range(per_block):
            request.infer(image)
        times.append(perf_counter() - start)
    return times


def _network() -> ov.CompiledModel:
    image = ops.parameter([SIDE, SIDE], np.float32)
    weights = ops.constant(np.full((SIDE, SIDE), 1 / SIDE, dtype=np.float32))
    node = image
    for _ in range(LAYERS):
        node = ops.relu(ops.matmul(node, weights, transpose_a=False, transpose_b=False))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    return ov.Core().compile_model(ov.Model([node], [image], "products"), "CPU", settings)
