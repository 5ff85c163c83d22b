"""Where a run took place: host, processor, memory, operating system, versions."""

import functools
import os
import platform
import sys
from importlib import metadata
from typing import Any

import cpuinfo
import psutil

TOOLS = ("openvino", "nncf", "numpy", "opencv-python-headless", "ocrbench", "pandas", "rapidocr")


@functools.cache
def host() -> dict[str, Any]:
    """Describe this machine; memory in bytes, cores as this process may use them."""
    return {
        "name": platform.node(),
        "cpu": str(cpuinfo.get_cpu_info().get("brand_raw", platform.processor())),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "os": platform.platform(),
    }


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide what a run measures."""
    found = {"python": platform.python_version()}
    for tool in TOOLS:
        try:
            found[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue
    return found


def peak_memory_bytes() -> int:
    """Return this process's largest resident set so far."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
