"""The source of a model's files: an installed package, the Open Model Zoo, a download, or a path."""

import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from filelock import FileLock

from ocrbench import environment
from ocrbench.architectures import ARCHITECTURES, SUFFIXES
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Source, Stage
from ocrbench.convert.download import check_sha256, file_sha256, from_url, from_wheel, installed
from ocrbench.convert.omz import ZooFolder
from ocrbench.errors import ModelError
from ocrbench.files import choices, packaged

READABLE = (".onnx", ".xml")
# An entry of ``TensorProto.external_data`` as protobuf writes it: field 13, the entry's length, the key "location", and
# the length of the value that follows, which is a file's name.
LOCATION = re.compile(rb"\x6a.{1,2}\x0a\x08location\x12([\x80-\xff]?[\x00-\x7f])", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A source model on disk, with its checksum and a name for people."""

    path: Path
    sha256: str
    label: str


def check_version(stage: Stage, role: str) -> None:
    """Check that this OpenVINO can read the model.

    Raises:
        ModelError: It is too old; the message names the models that it can read.
    """
    running = environment.versions()["openvino"]
    if _release(running) >= _release(stage.min_openvino):
        return
    fitting = [name for name in choices(role) if _release(running) >= _release(_min_openvino(role, name))]
    message = (
        f"{role} {stage.name} needs OpenVINO {stage.min_openvino} or later, this is {running}; "
        f"these work: {', '.join(fitting) or 'none'}"
    )
    raise ModelError(message)


def fetch(source: Source, stage: Stage, cell: Cell, progress: Callable[[str], None]) -> Fetched:
    """Find a network's file on this machine, or fetch it into the cache.

    Raises:
        ModelError: The file cannot be obtained, or its checksum is not the one in the configuration.
    """
    return _described(source, stage, _fetch(source, stage, cell, progress))


def find(source: Source, stage: Stage, cell: Cell) -> Fetched | None:
    """Find a network's file on this machine, without fetching or checking it; None where it is not there.

    Raises:
        ModelError: It has a format that cannot be read.
    """
    found = locate(source, stage, cell)
    return None if found is None else _described(source, stage, found)


def _described(source: Source, stage: Stage, found: Path) -> Fetched:
    if found.suffix not in (SUFFIXES if source.architecture else READABLE):
        message = (
            f"{stage.name}: cannot convert {found.name}; readable formats: {', '.join(READABLE)}, and "
            f"{', '.join(SUFFIXES)} with source.architecture={'|'.join(ARCHITECTURES)}"
        )
        raise ModelError(message)
    return Fetched(path=found, sha256=_source_digest(found), label=_label(source))


def locate(source: Source, stage: Stage, cell: Cell) -> Path | None:
    """Find a network's file without fetching anything; None if it is not on this machine."""
    if source.kind == "omz":
        return ZooFolder(cell, stage.precision).find(source)
    if source.kind == "file":
        path = Path(source.path).expanduser()
        return path if path.is_file() else None
    target = _target(source, cell)
    return (installed(source) if source.kind == "wheel" else None) or (target if target.is_file() else None)


def _fetch(source: Source, stage: Stage, cell: Cell, progress: Callable[[str], None]) -> Path:
    if source.kind == "omz":
        return ZooFolder(cell, stage.precision).fetch(source, progress)
    if source.kind in ("wheel", "url"):
        target = _target(source, cell)
        target.parent.parent.mkdir(parents=True, exist_ok=True)
        # One process at a time, so that the next one finds the file.
        with FileLock(f"{target.parent}.lock"):
            return (from_wheel if source.kind == "wheel" else from_url)(source, target, progress)
    path = Path(source.path).expanduser()
    if not path.is_file():
        message = f"{stage.name}: source.path={source.path}: no such file"
        raise ModelError(message)
    if source.sha256:
        check_sha256(path, source.sha256, source.path)
    return path


def _target(source: Source, cell: Cell) -> Path:
    """Choose the path of a download; the name on disk does not depend on the address or archive."""
    name = Path(urllib.parse.urlsplit(source.url).path if source.kind == "url" else source.path).name
    return Path(cell.cache_dir).expanduser() / "models" / source.sha256[:16] / name


def _label(source: Source) -> str:
    labels = {
        "wheel": f"{source.package} {source.version}",
        "omz": f"Open Model Zoo {source.network}",
        "url": source.url,
        "file": source.path,
    }
    return labels[source.kind]


def _source_digest(path: Path) -> str:
    """Hash the model, including weights in other files."""
    return "+".join(file_sha256(each) for each in (path, *_weights(path)))


def _weights(path: Path) -> list[Path]:
    if path.suffix == ".onnx":
        return external_data(path)
    beside = path.with_suffix(".bin")
    return [beside] if path.suffix == ".xml" and beside.is_file() else []


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split(".")[:2])


def _min_openvino(role: str, name: str) -> str:
    text = (Path(packaged("conf")) / role / f"{name}.yaml").read_text(encoding="utf-8")
    return str(yaml.safe_load(text)["min_openvino"])


def external_data(model: Path) -> list[Path]:
    """Find the files with the weights of an ONNX model, without reading them.

    Raises:
        ModelError: A file is missing, or would be outside the model's folder.
    """
    content = model.read_bytes()
    names = {_value(content, found) for found in LOCATION.finditer(content)}
    return [_beside(model, name) for name in sorted(names)]


def _value(content: bytes, found: re.Match[bytes]) -> str:
    length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(found[1]))
    return content[found.end() : found.end() + length].decode(errors="replace")


def _beside(model: Path, name: str) -> Path:
    path = Path(name)
    if path.anchor or ".." in path.parts:
        message = f"{model} names {name!r} as the file of its weights; expected one in its own folder"
        raise ModelError(message)
    if not (model.parent / path).is_file():
        message = f"{model} keeps weights in {name!r}, which is missing; models of several files take source.kind=file"
        raise ModelError(message)
    return model.parent / path
