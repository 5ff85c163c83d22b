"""The task that Hydra's launchers take: one configuration → one stored run.

Nothing but the configuration reaches a task, and nothing but the store leads back: a launcher may run tasks in other
processes. Each task notes the run that it measured or found in its session's folder, and a session's table is made of
the runs that are noted there.
"""

import contextlib
import json
import logging
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from ocrbench.config.schema import Cell
from ocrbench.errors import last_line
from ocrbench.files import write_atomically
from ocrbench.measure.cell import run_cell
from ocrbench.progress import Listener
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Session:
    """The cells of one invocation, as its tasks note them.

    Attributes:
        reports_dir: The folder whose store has the runs.
        name: Name of the session; Hydra hands it to each task as ``hydra.job.name``.
    """

    reports_dir: Path
    name: str

    @classmethod
    def new(cls, reports_dir: Path) -> "Session":
        """Begin a session."""
        return cls(reports_dir=reports_dir, name=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}")

    @classmethod
    def of_task(cls, cell: Cell) -> "Session":
        """Return the session that the running task of Hydra's belongs to."""
        return cls(reports_dir=Path(cell.reports_dir), name=str(HydraConfig.get().job.name))

    @property
    def folder(self) -> Path:
        """The folder of the notes."""
        return self.reports_dir / "sessions" / self.name

    def note(self, number: int, **content: str) -> None:
        """Note what a task came to; where that cannot be written, the session's table lacks the run."""
        try:
            write_atomically(self.folder / f"{number:06}.json", json.dumps(content).encode(errors="backslashreplace"))
        except OSError as error:
            log.warning("The table lacks cell %d: %s: %s", number, error.strerror or error, self.folder)

    @property
    def runs(self) -> list[Run]:
        """The runs of the tasks so far, in the order of the matrix."""
        found = (Store(self.reports_dir).find(note["run_id"]) for note in self._notes if "run_id" in note)
        return [run for run in found if run is not None]

    @property
    def errors(self) -> list[str]:
        """What went wrong in tasks that have no run."""
        return [note["error"] for note in self._notes if "error" in note]

    def end(self) -> None:
        """Remove the notes."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            # Unless another session has notes there.
            self.folder.parent.rmdir()

    @property
    def _notes(self) -> list[dict[str, str]]:
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.folder.glob("*.json"))]


def run_task(cell: Cell, listener: Listener, session: Session, number: int = 1) -> None:
    """Run one cell of a session; an error that nobody thought of is noted, so that the other cells go on.

    Args:
        cell: The cell.
        listener: Hears of progress.
        session: What the cell belongs to.
        number: Place of the cell in its matrix, from 1.
    """
    try:
        noted = {"run_id": run_cell(cell, listener).run_id}
    except Exception as error:
        log.debug("unexpected", exc_info=True)
        noted = {"error": ": ".join(dict.fromkeys((type(error).__name__, last_line(error))))}
    session.note(number, **noted)


def task_number() -> int | None:
    """Return the number of the running task in its matrix, from 1; None where there is no matrix."""
    hydra = HydraConfig.get()
    return int(hydra.job.num) + 1 if hydra.mode == RunMode.MULTIRUN else None
