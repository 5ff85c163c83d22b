"""Runs on disk: ``<root>/runs/<run_id>/``.

``run.json`` is the commit record. It names the data files of its run, whose names hold the hash of their content; they
are written and synced before it replaces its predecessor in one step. So a crash at any instant leaves the old run or
the new one, and a folder without ``run.json`` is not a run.
"""

import hashlib
import io
import itertools
import json
import logging
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from ocrbench.config.retired import modernised
from ocrbench.errors import OcrBenchError
from ocrbench.files import write_atomically
from ocrbench.records import Prediction, Region, RunRecord, Sample, Score

log = logging.getLogger(__name__)

SCHEMA = 2
RECORD = "run.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The predictions and the ground truth of one image."""

    sample_id: str
    predicted: tuple[Region, ...]
    expected: tuple[Region, ...]


class Store:
    """All runs below a reports folder."""

    def __init__(self, reports_dir: Path) -> None:
        self.root = reports_dir / "runs"

    def save(self, record: RunRecord, timings: pd.DataFrame, outcomes: Sequence[Outcome]) -> Path:
        """Write a run, replacing an earlier one of the same id in one step.

        A failed run never replaces a finished one.

        Args:
            record: What the tables are made of.
            timings: One row per image and repetition.
            outcomes: One per image.

        Returns:
            The run's folder.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        # Two sessions that measure the same cell would otherwise remove each other's data files.
        with FileLock(self.root / ".lock"):
            return self._save(record, timings, outcomes, {})

    def _save(
        self, record: RunRecord, timings: pd.DataFrame, outcomes: Sequence[Outcome], logs: Mapping[str, str]
    ) -> Path:
        folder = self.root / record.run_id
        before = self.find(record.run_id)
        if record.status != "ok" and before is not None and before.status == "ok":
            return folder
        folder.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        timings.to_parquet(buffer, index=False)
        lines = b"".join(_json(asdict(outcome)) + b"\n" for outcome in outcomes)
        files = {
            "timings": _write_hashed(folder, "timings", ".parquet", buffer.getvalue()),
            "outcomes": _write_hashed(folder, "outcomes", ".jsonl", lines),
        }
        if logs:
            files["logs"] = _write_folder(folder, logs)
        content = {"schema": SCHEMA, "files": files, **asdict(record)}
        write_atomically(folder / RECORD, _json(content, indent=1))
        for path in folder.iterdir():
            if path.name not in (RECORD, *files.values()):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return folder

    def add(
        self,
        record: RunRecord,
        timings: pd.DataFrame,
        outcomes: Sequence[Outcome],
        logs: Mapping[str, str] | None = None,
    ) -> RunRecord:
        """Write a run beside the finished ones of its cell.

        Args:
            record: Without its number.
            timings: One row per image and repetition.
            outcomes: One per image.
            logs: Name → text of further files.

        Returns:
            The record with its own id: the cell's, or with the first number that no finished run has.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".lock"):
            ids = (_numbered(record.cell_id, number) for number in itertools.count(1))
            run_id = next(each for each in ids if not self._is_finished(each))
            record = replace(record, run_id=run_id)
            self._save(record, timings, outcomes, logs or {})
        return record

    def newest(self, cell_id: str, *, profiled: bool = False) -> RunRecord | None:
        """Read the cell's latest finished run, or its latest one with a profile; None where there is none."""
        found = [self.find(path.parent.name) for path in self.root.glob(f"{cell_id}*/{RECORD}")]
        finished = [each for each in found if each is not None and each.cell_id == cell_id and each.status == "ok"]
        wanted = [each for each in finished if each.config.get("profile") or not profiled]
        return max(wanted, key=_order, default=None)

    def find(self, run_id: str) -> RunRecord | None:
        """Read a run's record; None where there is no such run, or it cannot be read."""
        content = self._content(run_id)
        try:
            return None if content is None else _record(content)
        except (KeyError, TypeError) as error:
            log.warning("%s is not a readable run (%s); it is left out", self.root / run_id / RECORD, error)
            return None

    def records(self) -> list[RunRecord]:
        """Read every run's record, oldest first."""
        found = (self.find(path.parent.name) for path in self.root.glob(f"*/{RECORD}"))
        return sorted((each for each in found if each is not None), key=_order)

    def timings(self, run_id: str) -> pd.DataFrame:
        """Read a run's times, one row per image and repetition.

        Raises:
            OcrBenchError: The file is damaged.
        """
        return pd.read_parquet(io.BytesIO(self._read(run_id, "timings")))

    def outcomes(self, run_id: str, sample_ids: Collection[str] | None = None) -> list[Outcome]:
        """Read a run's predictions with their ground truth, of all images or of some.

        Raises:
            OcrBenchError: The file is damaged.
        """
        # Not splitlines(): a text may hold U+2028 and its like.
        lines = self._read(run_id, "outcomes").split(b"\n")
        # The id comes first, as ``_save`` writes it: so lines that are not wanted need not be read, which is slow.
        wanted = b"" if sample_ids is None else tuple(_json({"sample_id": each})[:-1] + b"," for each in sample_ids)
        return [_outcome(json.loads(line)) for line in lines if line and line.startswith(wanted)]

    def log(self, run_id: str, name: str) -> str | None:
        """Read one of a run's further files; None where it has none of that name."""
        content = self._content(run_id)
        if content is None or "logs" not in content["files"]:
            return None
        path = self._data_file(run_id, "logs") / Path(name).name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def _is_finished(self, run_id: str) -> bool:
        record = self.find(run_id)
        return record is not None and record.status == "ok"

    def _read(self, run_id: str, name: str) -> bytes:
        """Read a data file, whose name holds the hash of what was written.

        Raises:
            OcrBenchError: It is damaged.
        """
        path = self._data_file(run_id, name)
        content = path.read_bytes()
        if path.stem != f"{name}-{_digest(content)}":
            message = f"{path}: damaged since it was written; remove the folder of this run and measure the cell again"
            raise OcrBenchError(message)
        return content

    def _data_file(self, run_id: str, name: str) -> Path:
        content = self._content(run_id)
        if content is None:
            message = f"No run {run_id} in {self.root}"
            raise FileNotFoundError(message)
        return self.root / run_id / Path(content["files"][name]).name

    def _content(self, run_id: str) -> dict[str, Any] | None:
        path = self.root / run_id / RECORD
        if not path.is_file():
            return None
        try:
            content = _migrated(json.loads(path.read_text(encoding="utf-8")))
            intact = all((path.parent / name).exists() for name in content["files"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s is not a readable run (%s); it is left out", path, error)
            return None
        if not intact:
            log.warning("%s names files that are missing; the run is left out", path)
        return content if intact else None


def outcomes_of(samples: Iterable[Sample], predictions: Mapping[str, Prediction]) -> list[Outcome]:
    """Pair the samples that have a prediction with it."""
    return [
        Outcome(sample_id=each.id, predicted=predictions[each.id].regions, expected=each.regions)
        for each in samples
        if each.id in predictions
    ]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _write_hashed(folder: Path, name: str, suffix: str, content: bytes) -> str:
    file_name = f"{name}-{_digest(content)}{suffix}"
    write_atomically(folder / file_name, content)
    return file_name


def _write_folder(folder: Path, logs: Mapping[str, str]) -> str:
    """Keep files under the names that others know them by, in a folder named by the hash of them all."""
    digest = _digest(_json(sorted(logs.items())))
    (folder / f"logs-{digest}").mkdir(exist_ok=True)
    for name, text in logs.items():
        write_atomically(folder / f"logs-{digest}" / Path(name).name, text.encode())
    return f"logs-{digest}"


def _json(content: object, indent: int | None = None) -> bytes:
    """Write JSON for people too: Unicode as it is, but for what UTF-8 cannot hold (file names may be any bytes)."""
    return json.dumps(content, indent=indent, ensure_ascii=False).encode(errors="backslashreplace")


def _from_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 2 tells repeats of a cell apart; nothing in 1 says which cells are one over versions."""
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
    # Configuration keys come and go within a schema.
    return {**content, "config": modernised(content["config"])}


def _order(record: RunRecord) -> tuple[str, int, str]:
    """Sort by time; repeats that began at the same instant by their number: 2 before 10."""
    return record.started, len(record.run_id), record.run_id


def _numbered(cell_id: str, number: int) -> str:
    return cell_id if number == 1 else f"{cell_id}-{number}"


def _record(content: Mapping[str, Any]) -> RunRecord:
    fields = {name: content[name] for name in RunRecord.__dataclass_fields__ if name in content}
    scores = tuple(Score(**score) for score in content["scores"])
    return RunRecord(**{**fields, "scores": scores, "noisy": tuple(content.get("noisy", ()))})


def _outcome(content: Mapping[str, Any]) -> Outcome:
    return Outcome(
        sample_id=content["sample_id"],
        predicted=tuple(_region(region) for region in content["predicted"]),
        expected=tuple(_region(region) for region in content["expected"]),
    )


def _region(content: Mapping[str, Any]) -> Region:
    return Region(**{**content, "polygon": tuple((x, y) for x, y in content["polygon"])})
