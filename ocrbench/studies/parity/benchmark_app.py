"""OpenVINO's ``benchmark_app``, run as a program of the same Python."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ocrbench.errors import WorkerError
from ocrbench.runtime.network import Settings
from ocrbench.studies.parity.targets import Target, Turn

# Without the package for telemetry, as in ocrbench's own processes.
START = "import sys; sys.modules['openvino_telemetry'] = None; from openvino.tools.benchmark.main import main; main()"
REPORT = "benchmark_report.json"


def run_application(target: Target, settings: Settings, calls: int, seconds: float) -> Turn:
    """Let ``benchmark_app`` time a network, one call after the other, with an input that stays where it is.

    Args:
        target: Which network, and its shape.
        settings: All of its properties are handed over.
        calls: After a first one that does not count.
        seconds: How long it may take.

    Returns:
        As it reports it: to a hundredth of a millisecond.

    Raises:
        WorkerError: It fails or takes too long.
    """
    one_by_one = ("-api", "sync", "-niter", str(calls))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", START, *arguments(target, settings, one_by_one, Path(folder))]
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            message = f"benchmark_app did not end within {seconds:g} s and was stopped"
            raise WorkerError(message) from None
        report = Path(folder) / REPORT
        results = json.loads(report.read_text())["execution_results"] if report.is_file() else {}
        if done.returncode != 0 or "latency (ms)" not in results:
            said = _last_line(done.stdout + done.stderr) or f"status {done.returncode}"
            message = f"benchmark_app failed for the {target.role}: {said}"
            raise WorkerError(message)
        return Turn(median_ms=float(results["latency (ms)"]), fastest_ms=float(results["min latency"]))


def _last_line(transcript: str) -> str:
    """Return the last line of its error, before the traceback."""
    error = transcript.rpartition("[ ERROR ]")[2].partition("Traceback")[0]
    return next((line.strip() for line in reversed(error.splitlines()) if line.strip()), "")


def arguments(target: Target, settings: Settings, calls: Sequence[str], folder: Path) -> list[str]:
    """Write the options, and the file of properties that they name.

    The properties go through that file because the options for some of them exclude each other.

    Args:
        target: What is called.
        settings: How it is compiled.
        calls: The options that say how, and how often or how long.
        folder: Where the properties are written, and where the application leaves its report.
    """
    # What AUTO:GPU,CPU is given is a property of AUTO.
    device = settings.device.partition(":")[0]
    properties = folder / "properties.json"
    properties.write_text(json.dumps({device: settings.all_properties}))
    shape = f"[{','.join(map(str, target.shape))}]"
    # A network of its own for this shape, or one that takes it among others, as ours.
    fixing = "-shape" if settings.shapes else "-data_shape"
    return [
        *("-m", str(target.path), "-d", settings.device, "-load_config", str(properties), "-hint", "none"),
        *(*calls, "-inference_only", "true", "-ip", target.entry.kind),
        *((fixing, shape) if None in target.entry.shape else ()),
        *(("-layout", "[NHWC]") if target.graph.mean else ()),
        *("-report_type", "no_counters", "-report_folder", str(folder), "-json_stats", "true"),
    ]
