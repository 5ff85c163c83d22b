"""Benchmark and evaluate OCR pipelines on OpenVINO devices and precisions."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["OcrBenchError", "Region", "Run", "Runs", "load", "read", "run"]

# Importing OpenVINO or NNCF starts a process that reports their use. It can outlive the process that measures, and keep
# its pipes open. Both do without it where the package is missing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

if TYPE_CHECKING:
    from ocrbench.api import OcrBenchError, Region, Run, Runs, load, read, run


def __getattr__(name: str) -> object:
    """Import the Python API when it is first used: every process imports this package, and few use that."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module("ocrbench.api"), name)


def __dir__() -> list[str]:
    """List the Python API too."""
    return sorted({*globals(), *__all__})
