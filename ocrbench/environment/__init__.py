"""The environment of a run: host, versions, ocrbench's own code. ``machine`` has what changes by the minute."""

import functools
import hashlib
import os
import platform
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

TOOLS = ("openvino", "nncf", "numpy", "opencv-python-headless", "ocrbench", "pandas", "rapidocr")
# Variables that hide instructions from OpenVINO's kernels, and the one that may turn on huge pages.
VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "GLIBC_TUNABLES")
# Instructions that affect which kernels OpenVINO may use.
RELEVANT_FLAGS = re.compile(r"avx2$|fma$|f16c$|avx512|avx10|avx_?vnni|amx|sve|asimd|bf16|fp16|i8mm")
# Any of these adds products of 8 bits in 32 bits.
EXACT_8_BIT = frozenset({"avx512vnni", "avxvnni", "amxint8"})


def describe() -> dict[str, Any]:
    """Return what identifies a measurement: a different machine, version or code makes it a different one."""
    return {"versions": versions(), "host": host(), "source": source(), **variables()}


def variables() -> dict[str, Any]:
    """Return the environment variables that affect the speed of networks; empty if none is set."""
    found = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    return {"variables": found} if found else {}


@functools.cache
def host() -> dict[str, Any]:
    """Describe this machine; memory in bytes, and only the cores that this process may use."""
    # Few commands describe the machine, and all import this module.
    import cpuinfo

    info = cpuinfo.get_cpu_info()
    flags = info.get("flags", [])
    return {
        "name": platform.node(),
        "cpu": str(info.get("brand_raw", platform.processor())),
        "cpu_flags": relevant_flags(flags),
        "virtual": ("yes" if "hypervisor" in flags else "no") if info.get("arch") == "X86_64" and flags else "unknown",
        "cores": len(allowed_cores()),
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.platform(),
    }


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that affect what a run measures."""
    found = {"python": platform.python_version()}
    for tool in TOOLS:
        try:
            found[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def source() -> str:
    """Hash ocrbench's own Python files, which distinguishes commits of the same version."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def saturates(flags: Sequence[str]) -> bool:
    """Return whether a processor adds products of 8 bits in 16 bits, where large sums saturate.

    Args:
        flags: As ``host`` names them. Other architectures have none of x86-64's.

    >>> saturates(["avx2", "avx512f"]), saturates(["avx2", "avxvnni"]), saturates(["asimd"])
    (True, False, False)
    """
    return "avx2" in flags and not EXACT_8_BIT.intersection(flags)


def relevant_flags(flags: list[str]) -> list[str]:
    """Select the processor's relevant flags; systems spell them with and without underscores.

    >>> relevant_flags(["sse2", "avx512_bf16", "avx512bf16", "amx_tile", "avx2", "hypervisor"])
    ['amxtile', 'avx2', 'avx512bf16']
    """
    return sorted({flag.replace("_", "") for flag in flags if RELEVANT_FLAGS.match(flag)})


def allowed_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def peak_memory_bytes() -> int:
    """Return this process's peak resident set so far."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def pss_bytes() -> int:
    """Return this process's proportional set size now; 0 where the system does not tell (Linux does, since 4.14)."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
