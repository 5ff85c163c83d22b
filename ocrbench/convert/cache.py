"""The artifact cache: one folder per converted model, named by the hash of its inputs."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from ocrbench.convert.download import file_sha256
from ocrbench.records import Artifact

log = logging.getLogger(__name__)

MODEL, WEIGHTS, DESCRIPTION = "model.xml", "model.bin", "artifact.json"


@dataclass(frozen=True, kw_only=True)
class Made:
    """Description of a model beside its files: see ``records.Artifact``."""

    metadata: Mapping[str, str]
    notes: Mapping[str, Any] = field(default_factory=dict)


Make = Callable[[Path], Made]


class ArtifactCache:
    """Converted models on disk, safe for concurrent processes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(
        self,
        key: Mapping[str, object],
        make: Make,
        *,
        precision: str,
        source: str,
    ) -> Artifact:
        """Return the artifact for a key; make it if it is missing or was changed.

        Args:
            key: Everything that affects the artifact's content.
            make: Function that writes ``model.xml`` and ``model.bin`` into a folder.
            precision: Precision, to be recorded in the artifact.
            source: Source, to be recorded in the artifact.
        """
        digest = key_digest(key)
        folder = self._root / digest
        self._root.mkdir(parents=True, exist_ok=True)
        with FileLock(self._root / f"{digest}.lock"):
            described = _intact(folder)
            if described is None:
                if folder.exists():
                    log.warning("The cached model %s is damaged or was edited; it is made again", folder)
                self._make(folder, key, make)
                described = _intact(folder)
                assert described is not None, f"{folder} changed while it was being written"
        return _artifact(folder, described, precision, source)

    def find(self, key: Mapping[str, object], *, precision: str, source: str) -> Artifact | None:
        """Return the artifact for a key as ``get``; None where it would have to be made."""
        folder = self._root / key_digest(key)
        described = _intact(folder)
        return None if described is None else _artifact(folder, described, precision, source)

    def _make(self, folder: Path, key: Mapping[str, object], make: Make) -> None:
        """Write into a temporary folder and rename it, so that an incomplete artifact is never visible.

        Only the holder of the lock uses that folder, so files in it are the remains of a killed process.
        """
        temporary = self._root / f".making-{folder.name}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            described = {"key": key, **asdict(make(temporary)), "sha256": _digest(temporary)}
            described["metadata_sha256"] = _metadata_digest(described["metadata"])
            (temporary / DESCRIPTION).write_text(json.dumps(described, indent=1), encoding="utf-8")
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(temporary, folder)  # noqa: PTH105 - Path.replace rejects folders on some platforms
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def key_digest(key: Mapping[str, object]) -> str:
    """Hash a key: equal for equal content, 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]


def _intact(folder: Path) -> dict[str, Any] | None:
    """Read an artifact's description; None if there is none, or if its files were changed."""
    if not folder.exists():
        return None
    try:
        described: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        intact = described["sha256"] == _digest(folder)
        intact &= described["metadata_sha256"] == _metadata_digest(described["metadata"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return described if intact else None


def _artifact(folder: Path, described: Mapping[str, Any], precision: str, source: str) -> Artifact:
    return Artifact(
        path=folder / MODEL,
        precision=precision,
        sha256=str(described["sha256"]),
        size_bytes=_size(folder),
        source=source,
        metadata=dict(described["metadata"]),
        notes=dict(described.get("notes", {})),
    )


def _digest(folder: Path) -> str:
    return hashlib.sha256("".join(file_sha256(folder / name) for name in (MODEL, WEIGHTS)).encode()).hexdigest()


def _metadata_digest(metadata: object) -> str:
    """Hash the files; the metadata count, because an alphabet is as much part of a recognizer as its weights."""
    return hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()


def _size(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in (MODEL, WEIGHTS))
