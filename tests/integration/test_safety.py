"""Guards that need real processes: foreign files in the working folder, and processes whose parent is gone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ocrbench.convert.tools import run_streaming

ROOT = Path(__file__).parents[2]
# Names of what the command line, a worker and OpenVINO's tools import.
LIBRARIES = ("numpy", "openvino", "rich", "typer", "cv2", "yaml", "json", "ocrbench")


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Fill a folder with files that have the names of libraries, and say so when they are imported."""
    for name in LIBRARIES:
        (tmp_path / f"{name}.py").write_text(f"print('IMPORTED {name}')\nraise SystemExit(7)\n", encoding="utf-8")
    return tmp_path


def without_safe_path(environment: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environment.items() if name != "PYTHONSAFEPATH"}
    return {**kept, "PYTHONPATH": str(ROOT)}


WORKER = """
import os
os.environ["PYTHONPATH"] += EMPTY
from ocrbench.measure.processes import Worker
from ocrbench.progress import LogListener
from ocrbench.worker.protocol import Fork
with Worker() as worker:
    print("answered", worker.ask(Fork(), LogListener(), 60) > 0)
"""


@pytest.mark.parametrize("path", ["", os.pathsep])
def test_a_worker_imports_nothing_of_the_working_folder(environment: dict[str, str], trap: Path, path: str) -> None:
    script = trap.parent / "start.py"
    script.write_text(WORKER.replace("EMPTY", repr(path)), encoding="utf-8")
    variables = without_safe_path(environment)
    done = subprocess.run(
        [sys.executable, "-P", script], cwd=trap, env=variables, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout) == (0, "answered True\n"), done.stderr


def test_nor_does_the_command_line(environment: dict[str, str], tmp_path: Path) -> None:
    # Without a file named ocrbench, which Python itself would take.
    (tmp_path / "rich.py").write_text("raise SystemExit(7)\n", encoding="utf-8")
    command = [sys.executable, "-m", "ocrbench", "list", "models"]
    variables = without_safe_path(environment)
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "ppocrv6_small" in done.stdout


def test_the_zoos_tools_start_no_telemetry(trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trap)
    found = run_streaming([sys.executable, "-c", "import json; import openvino_telemetry"], lambda _: None)
    assert found.status == 1
    assert "openvino_telemetry" in found.lines[-1]
    assert not [line for line in found.lines if line.startswith("IMPORTED")]


PARENT = """
import sys, time
from ocrbench.measure.processes import FreshProcesses, Worker
from ocrbench.progress import LogListener
from contextlib import ExitStack
with ExitStack() as stack:
    processes = stack.enter_context(FreshProcesses(Worker, LogListener()))
    stack.enter_context(processes.fresh())
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_no_process_outlives_a_parent_that_is_killed(environment: dict[str, str]) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        workers = psutil.Process(parent.pid).children(recursive=True)
        # The one that imported everything, and its copy.
        assert len(workers) >= 2
        parent.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_ends_are_like_that_of_ctrl_c(environment: dict[str, str], model: str, tmp_path: Path, name: str) -> None:
    words = ["precision=FP32", model, "scenario.min_seconds=60", f"reports_dir={tmp_path}"]
    command = [sys.executable, "-m", "ocrbench", *words]
    with subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # Who runs this test may have told its children to ignore the end of a terminal.
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "again" in line:
                break
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(getattr(signal, name))
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in told
    assert psutil.wait_procs(workers, timeout=10)[1] == []
