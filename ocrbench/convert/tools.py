"""The Open Model Zoo's command line tools, in a separate virtual environment if they are not installed."""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from ocrbench.errors import ModelError

log = logging.getLogger(__name__)

DOWNLOADER, CONVERTER, DESCRIBER = "omz_downloader", "omz_converter", "omz_info_dumper"
REQUIREMENTS = ("openvino-dev==2024.6.0", "numpy==1.26.4")
# Further requirements to convert PyTorch models.
PYTORCH_REQUIREMENTS = ("torch==2.13.0", "torchvision==0.28.0", "onnx==1.17.0", "onnxscript==0.7.2")
WITHOUT_TELEMETRY = Path(__file__).parent / "without_telemetry"
# Written last: an environment without it is incomplete.
COMPLETE, COMPLETE_PYTORCH = "complete", "complete-pytorch"


class ZooTools:
    """Provider of the environment with ``omz_downloader`` and ``omz_converter``.

    Attributes:
        folder: Folder of the environment.
    """

    def __init__(self, cache_dir: Path, progress: Callable[[str], None]) -> None:
        self._progress = progress
        pins = "\n".join((sys.version.split()[0], *REQUIREMENTS, *PYTORCH_REQUIREMENTS))
        self.folder = cache_dir / "tools" / f"omz-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"

    def command(self, name: str, *, pytorch: bool = False) -> str:
        """Return the path of a tool; make the environment if there is none.

        Args:
            name: Name of the tool, such as ``omz_downloader``.
            pytorch: Whether PyTorch models have to be converted.

        Raises:
            ModelError: The environment cannot be made.
        """
        found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
        if found:
            return found
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder.with_suffix(".lock")):
            self._make()
            if pytorch and not (self.folder / COMPLETE_PYTORCH).exists():
                self._install(PYTORCH_REQUIREMENTS)
                (self.folder / COMPLETE_PYTORCH).touch()
        return str(self._bin() / name)

    def _make(self) -> None:
        if (self.folder / COMPLETE).exists():
            return
        if self.folder.exists():
            self._progress(f"{self.folder} is incomplete, and is made again")
            shutil.rmtree(self.folder)
        self._progress(f"making a virtual environment for the Open Model Zoo's tools in {self.folder}")
        self._create()
        self._install(REQUIREMENTS)
        (self.folder / COMPLETE).touch()

    def _create(self) -> None:
        try:
            venv.create(self.folder, with_pip=True, symlinks=os.name != "nt")
        # Debian's Python ends the program if its package python3-venv is missing.
        except (subprocess.CalledProcessError, SystemExit) as error:
            message = (
                f"Cannot make a virtual environment for the Open Model Zoo's tools in {self.folder}: ensurepip fails. "
                "On Debian and Ubuntu install python3-venv, or give a folder of downloaded models: omz.root=PATH"
            )
            raise ModelError(message) from error

    def _install(self, requirements: Sequence[str]) -> None:
        self._progress(f"installing {', '.join(requirements)}")
        pip = [str(self._bin() / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
        lines = run_streaming([*pip, *requirements], self._progress)
        if lines.status:
            reason = lines.last("ERROR") or "pip failed"
            message = (
                f"Cannot install the Open Model Zoo's tools ({', '.join(requirements)}): {reason}. Behind a proxy, set "
                f"https_proxy; offline, give a folder of downloaded models: omz.root=PATH"
            )
            raise ModelError(message)

    def _bin(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")


class Output:
    """The output of a command, and its exit status."""

    def __init__(self, lines: Sequence[str], status: int) -> None:
        self.lines, self.status = lines, status

    def last(self, word: str) -> str:
        """Return the last line that contains a word, without leading marks; empty if there is none."""
        return next((line.strip("#= \t") for line in reversed(self.lines) if word in line), "")


def run_streaming(command: Sequence[str], progress: Callable[[str], None]) -> Output:
    """Run a command, and pass on its lines of progress.

    The command finds the tools beside it, as omz_converter does Model Optimizer, and none of this process's packages,
    nor modules of the working folder. It starts no telemetry.
    """
    log.debug("running %s", " ".join(command))
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    lines = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env={
            **kept,
            "PATH": path,
            "PYTHONPATH": str(WITHOUT_TELEMETRY),
            "PYTHONSAFEPATH": "1",
            "PYTHONIOENCODING": "utf-8",
        },
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            log.debug("%s", line.rstrip())
            if line.startswith(("Collecting", "Installing", "=====", "Conversion")):
                progress(line.strip("= \n")[:120])
    return Output(lines, process.returncode)
