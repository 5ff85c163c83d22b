"""Runs by folder."""

from collections.abc import Sequence
from pathlib import Path

from ocrbench.errors import ConfigError
from ocrbench.runs.run import Run
from ocrbench.runs.store import RECORD, Store


def find_runs(names: Sequence[str], *, failed: bool = False) -> list[Run]:
    """Find runs by folder: a run's own, or any folder above runs; the oldest comes first.

    Args:
        names: Folders.
        failed: Whether failed runs count too.

    Raises:
        ConfigError: A folder does not exist, or holds no such run.
    """
    # By folder: one may lie in another one that was named too.
    found = {run.folder: run for name in names for run in _find(Path(name).expanduser(), failed=failed)}
    return sorted(found.values(), key=lambda run: run.started)


def _find(path: Path, *, failed: bool) -> list[Run]:
    if not path.exists():
        message = f"{path}: no such folder; expected a run or a folder of runs"
        raise ConfigError(message)
    found = []
    for file in sorted(path.resolve().glob(f"**/{RECORD}")):
        store = Store(file.parent.parent.parent)
        if store.root != file.parent.parent:
            continue
        run = store.find(file.parent.name)
        if run is not None and (failed or run.ok):
            found.append(run)
    if not found:
        message = f"{path}: holds no {'' if failed else 'finished '}run"
        raise ConfigError(message)
    return found
