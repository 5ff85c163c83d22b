"""Where a model's files come from: an installed package, a download, a path."""

import logging
import os
import subprocess
import sys
import tempfile
import urllib.parse
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import openvino as ov
import requests
import yaml

from ocrbench.config import Source, Stage, choices, packaged
from ocrbench.convert.cache import file_sha256
from ocrbench.errors import ModelError

log = logging.getLogger(__name__)

DOWNLOAD_TIMEOUT_SECONDS = 60
LOOPBACK = ("127.0.0.1", "localhost", "::1")
READABLE = (".onnx", ".xml")


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A source model on disk, with its checksum and a name for people."""

    path: Path
    sha256: str
    label: str


def check_version(stage: Stage, role: str) -> None:
    """Make sure that this OpenVINO can read the model.

    Raises:
        ModelError: It is too old; the message names the models that it does read.
    """
    running = ov.get_version()
    if _release(running) >= _release(stage.min_openvino):
        return
    fitting = [name for name in choices(role) if _release(running) >= _release(_min_openvino(role, name))]
    message = (
        f"{role} {stage.name} needs OpenVINO {stage.min_openvino} or later, this is {running.split('-')[0]}; "
        f"these work: {', '.join(fitting) or 'none'}"
    )
    raise ModelError(message)


def fetch(stage: Stage, cache_dir: Path, progress: Callable[[str], None]) -> Fetched:
    """Find the model's file on this machine, or fetch it into the cache.

    Raises:
        ModelError: It cannot be had, or its checksum is not the one in the configuration.
    """
    source = stage.source
    found = {"wheel": _from_wheel, "url": _from_url, "file": _from_file}[source.kind](source, cache_dir, progress)
    if found.suffix not in READABLE:
        message = f"{stage.name}: cannot convert {found.name}; readable formats: {', '.join(READABLE)}"
        raise ModelError(message)
    label = f"{source.package} {source.version}" if source.kind == "wheel" else source.url or source.path
    return Fetched(path=found, sha256=_source_digest(found), label=label)


def _from_file(source: Source, cache_dir: Path, progress: Callable[[str], None]) -> Path:
    path = Path(source.path).expanduser()
    if not path.is_file():
        message = f"source.path={source.path}: no such file"
        raise ModelError(message)
    if source.sha256 and file_sha256(path) != source.sha256:
        raise ModelError(_wrong_checksum(str(path), source.sha256, file_sha256(path)))
    return path


def _from_wheel(source: Source, cache_dir: Path, progress: Callable[[str], None]) -> Path:
    try:
        installed = Path(str(metadata.distribution(source.package).locate_file(source.path)))
    except metadata.PackageNotFoundError:
        installed = Path()
    if installed.is_file():
        if file_sha256(installed) == source.sha256:
            return installed
        log.warning("%s is not the file of %s %s; fetching that", installed, source.package, source.version)
    target = _download_path(source, cache_dir)
    if not _valid(target, source.sha256):
        progress(f"fetching {source.package} {source.version}")
        with tempfile.TemporaryDirectory(dir=_folder(target)) as folder:
            wheel = _pip_download(source, Path(folder))
            _extract(wheel, source, target)
    return target


def _pip_download(source: Source, folder: Path) -> Path:
    pinned = f"{source.package}=={source.version}"
    options = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), pinned]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or not wheels:
        reason = (run.stderr.strip().splitlines() or ["pip gave no wheel"])[-1]
        message = (
            f"Cannot fetch the package {pinned}, which carries {Path(source.path).name}: {reason}. "
            f"Behind a proxy set https_proxy; offline, install it by hand: pip install --no-deps {pinned}"
        )
        raise ModelError(message)
    return wheels[0]


def _extract(wheel: Path, source: Source, target: Path) -> None:
    """Take one member out of a wheel; the name on disk is ours, so the archive cannot choose where to write."""
    with zipfile.ZipFile(wheel) as archive:
        try:
            content = archive.read(source.path)
        except KeyError as error:
            message = f"{wheel.name} does not contain {source.path}"
            raise ModelError(message) from error
    _write(content, target, source.sha256, wheel.name)


def _from_url(source: Source, cache_dir: Path, progress: Callable[[str], None]) -> Path:
    parts = urllib.parse.urlsplit(source.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        message = f"source.url={source.url}: only https addresses are fetched"
        raise ModelError(message)
    if not source.sha256:
        message = f"source.url={source.url}: a download needs its source.sha256"
        raise ModelError(message)
    target = _download_path(source, cache_dir)
    if not _valid(target, source.sha256):
        progress(f"fetching {source.url}")
        _folder(target)
        try:
            answer = requests.get(source.url, timeout=DOWNLOAD_TIMEOUT_SECONDS)
            answer.raise_for_status()
        except requests.RequestException as error:
            message = f"Cannot fetch {source.url}: {error}. Behind a proxy set https_proxy"
            raise ModelError(message) from error
        _write(answer.content, target, source.sha256, source.url)
    return target


def _write(content: bytes, target: Path, sha256: str, origin: str) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as stream:
        stream.write(content)
    temporary = Path(stream.name)
    if file_sha256(temporary) != sha256:
        found = file_sha256(temporary)
        temporary.unlink()
        raise ModelError(_wrong_checksum(origin, sha256, found))
    os.replace(temporary, target)  # noqa: PTH105 - atomic on every platform


def _download_path(source: Source, cache_dir: Path) -> Path:
    name = Path(urllib.parse.urlsplit(source.url).path if source.kind == "url" else source.path).name
    return cache_dir / "models" / source.sha256[:16] / name


def _folder(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent


def _valid(path: Path, sha256: str) -> bool:
    return path.is_file() and file_sha256(path) == sha256


def _source_digest(path: Path) -> str:
    """Hash what decides the model: for an IR the weights beside it too."""
    weights = path.with_suffix(".bin")
    digest = file_sha256(path)
    return f"{digest}+{file_sha256(weights)}" if path.suffix == ".xml" and weights.is_file() else digest


def _wrong_checksum(origin: str, expected: str, found: str) -> str:
    return f"{origin} is not the file that was expected: sha256 {found[:16]}…, not {expected[:16]}…"


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split(".")[:2])


def _min_openvino(role: str, name: str) -> str:
    text = (Path(packaged("conf")) / role / f"{name}.yaml").read_text(encoding="utf-8")
    return str(yaml.safe_load(text)["min_openvino"])
