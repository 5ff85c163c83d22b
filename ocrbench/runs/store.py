"""Runs on disk: ``<root>/runs/<run_id>/``.

``run.json`` is the commit record. It names the data files of its run, whose names hold the hash of their content; they
are written and synced before it replaces its predecessor in one step. So a crash at any instant leaves the old run or
the new one, and a folder without ``run.json`` is not a run.
"""

import io
import itertools
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from ocrbench.errors import ConfigError
from ocrbench.files import write_atomically
from ocrbench.runs.identity import comparable
from ocrbench.runs.run import Outcome, Run, digest, to_json
from ocrbench.runs.score import with_new_scores

log = logging.getLogger(__name__)

SCHEMA = 2
RECORD = "run.json"


class Store:
    """All runs below a reports folder."""

    def __init__(self, reports_dir: Path) -> None:
        self.root = reports_dir / "runs"

    def save(self, run: Run, timings: pd.DataFrame, outcomes: Sequence[Outcome]) -> Run:
        """Write a run, replacing an earlier one of the same id in one step.

        A failed run never replaces a finished one.

        Args:
            run: The run, which is not stored yet.
            timings: One row per image and repetition.
            outcomes: One per image.

        Returns:
            The run as it is stored.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        # Two sessions that measure the same cell would otherwise remove each other's data files.
        with FileLock(self.root / ".lock"):
            return self._save(run, timings, outcomes, {})

    def add(
        self,
        run: Run,
        timings: pd.DataFrame,
        outcomes: Sequence[Outcome],
        logs: Mapping[str, str] | None = None,
    ) -> Run:
        """Write a run beside the finished ones of its cell.

        Args:
            run: The run, without its number.
            timings: One row per image and repetition.
            outcomes: One per image.
            logs: Name → text of further files.

        Returns:
            The stored run with its own id: the cell's, or with the first number that no finished run has.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".lock"):
            ids = (_numbered(run.cell_id, number) for number in itertools.count(1))
            run_id = next(each for each in ids if not self._is_finished(each))
            return self._save(replace(run, run_id=run_id), timings, outcomes, logs or {})

    def newest(self, cell_id: str, *, profiled: bool = False) -> Run | None:
        """Find the cell's latest finished run, or its latest one with a profile; None where there is none."""
        found = [self.find(path.parent.name) for path in self.root.glob(f"{cell_id}*/{RECORD}")]
        finished = [each for each in found if each is not None and each.cell_id == cell_id and each.ok]
        wanted = [each for each in finished if each.config.get("profile") or not profiled]
        return max(wanted, key=_order, default=None)

    def find(self, run_id: str) -> Run | None:
        """Find a run; None where there is no such run, or it cannot be read."""
        folder = self.root / run_id
        path = folder / RECORD
        if not path.is_file():
            return None
        try:
            content = _migrated(json.loads(path.read_text(encoding="utf-8")))
            files = content["files"]
            if not all((folder / name).exists() for name in files.values()):
                log.warning("%s names files that are missing; the run is left out", path)
                return None
            run = with_new_scores(Run.from_plain(content).stored(folder, files))
            _check_usable(run)
            return run
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s is not a readable run (%s); it is left out", path, error)
            return None

    def runs(self) -> list[Run]:
        """Return every run, oldest first."""
        found = (self.find(path.parent.name) for path in self.root.glob(f"*/{RECORD}"))
        return sorted((each for each in found if each is not None), key=_order)

    def _save(self, run: Run, timings: pd.DataFrame, outcomes: Sequence[Outcome], logs: Mapping[str, str]) -> Run:
        folder = self.root / run.run_id
        before = self.find(run.run_id)
        if not run.ok and before is not None and before.ok:
            return before
        folder.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        timings.to_parquet(buffer, index=False)
        lines = b"".join(to_json(asdict(outcome)) + b"\n" for outcome in outcomes)
        files = {
            "timings": _write_hashed(folder, "timings", ".parquet", buffer.getvalue()),
            "outcomes": _write_hashed(folder, "outcomes", ".jsonl", lines),
        }
        if logs:
            files["logs"] = _write_folder(folder, logs)
        write_atomically(folder / RECORD, to_json({"schema": SCHEMA, "files": files, **run.to_plain()}, indent=1))
        for path in folder.iterdir():
            if path.name not in (RECORD, *files.values()):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return run.stored(folder, files)

    def _is_finished(self, run_id: str) -> bool:
        run = self.find(run_id)
        return run is not None and run.ok


def _write_hashed(folder: Path, name: str, suffix: str, content: bytes) -> str:
    file_name = f"{name}-{digest(content)}{suffix}"
    write_atomically(folder / file_name, content)
    return file_name


def _write_folder(folder: Path, logs: Mapping[str, str]) -> str:
    """Keep files under the names that others know them by, in a folder named by the hash of them all."""
    name = f"logs-{digest(to_json(sorted(logs.items())))}"
    (folder / name).mkdir(exist_ok=True)
    for file_name, text in logs.items():
        write_atomically(folder / name / Path(file_name).name, text.encode())
    return name


def _from_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 2 distinguishes repeats of a cell; nothing in 1 says which cells are one over versions."""
    return {**content, "cell_id": content["run_id"], "series": content["run_id"]}


# The schema that a record has → what makes it one of the next.
MIGRATIONS: dict[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_1}


def _migrated(content: dict[str, Any]) -> dict[str, Any]:
    """Bring a record of an earlier schema up to this one."""
    schema = int(content["schema"])
    if schema > SCHEMA:
        message = f"it has schema {schema} of a newer ocrbench, this one reads up to {SCHEMA}"
        raise ValueError(message)
    for number in range(schema, SCHEMA):
        content = MIGRATIONS[number](content)
    return content


def _check_usable(run: Run) -> None:
    """Do what every table and comparison does with a run, so that a damaged one is found when it is read.

    Raises:
        TypeError: A value has another type than ocrbench writes.
        KeyError: A value is missing.
        AttributeError: A section is none.
    """
    numbers = [score.value for score in run.score_list]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers):
        message = "a score is not a number"
        raise TypeError(message)
    texts = (run.run_id, run.cell_id, run.series, run.started, run.status, run.error, run.dataset_sha256)
    if not all(isinstance(each, str) for each in texts):
        message = "a name is not a text"
        raise TypeError(message)
    comparable(run.config)
    # Each column looks at what it needs.
    _ = run.row


def _order(run: Run) -> tuple[str, int, str]:
    """Sort by time; repeats that began at the same instant by their number: 2 before 10."""
    return run.started, len(run.run_id), run.run_id


def _numbered(cell_id: str, number: int) -> str:
    return cell_id if number == 1 else f"{cell_id}-{number}"


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
