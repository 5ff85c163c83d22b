"""Before a cell is measured: find mistakes in its configuration, and convert its models."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ocrbench import data
from ocrbench.architectures import check_architectures
from ocrbench.config.schema import Cell
from ocrbench.config.stage import ROLES, Role
from ocrbench.convert.lookup import find_artifacts
from ocrbench.data import check_disjoint
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.files import why_unwritable
from ocrbench.measure.pool import cores_for
from ocrbench.measure.processes import Worker
from ocrbench.models import check_options
from ocrbench.progress import Listener
from ocrbench.records import Artifacts
from ocrbench.worker.protocol import Convert


def check(cell: Cell) -> None:
    """Find mistakes in a cell's configuration before anything runs.

    Raises:
        ConfigError: A model option, architecture, format or scenario is wrong.
        DatasetError: The dataset's folder does not exist, or images are both calibrated and tested with.
    """
    check_options(cell)
    check_architectures(cell)
    data.check_format(cell.dataset)
    data.check_format(cell.calibration, "calibration")
    cores_for(cell)
    root = Path(cell.dataset.root).expanduser()
    if not root.exists():
        message = f"dataset.root={cell.dataset.root}: no such folder or file; expected a dataset of format "
        raise DatasetError(message + f"{cell.dataset.format} (set it with dataset.root=PATH)")
    for key in ("reports_dir", "cache_dir"):
        if reason := why_unwritable(Path(getattr(cell, key))):
            message = f"{key}={getattr(cell, key)}: {reason}"
            raise ConfigError(message)
    if any(stage.precision == "INT8" for stage in cell.stages.values()):
        check_disjoint(cell.calibration, data.read(cell.dataset) if cell.calibration.format != data.SYNTHETIC else [])


def prepare(
    cell: Cell,
    listener: Listener,
    roles: Sequence[Role] = ROLES,
    start: Callable[[], AbstractContextManager[Worker]] = Worker,
    *,
    like_int8: bool = False,
) -> Artifacts:
    """Find a cell's networks in the cache; where they are not, convert them.

    Args:
        cell: What to convert.
        listener: Hears of progress.
        roles: Which of its two models.
        start: Makes the worker, of this very ocrbench.
        like_int8: Whether float networks are rewritten only as INT8 ones are.

    Raises:
        OcrBenchError: The conversion fails.
    """
    found = find_artifacts(cell, roles, like_int8=like_int8)
    return convert(cell, listener, roles, start, like_int8=like_int8) if found is None else found


def convert(
    cell: Cell,
    listener: Listener,
    roles: Sequence[Role],
    start: Callable[[], AbstractContextManager[Worker]],
    *,
    like_int8: bool = False,
) -> Artifacts:
    """Let a worker, perhaps of another ocrbench, find or convert a cell's networks; arguments as ``prepare``."""
    # A search has a limit of its own for each stage. A recognizer is searched behind its detector, which is made first.
    controlled = cell.quantization.method == "accuracy_control"
    searches = [stage.precision for stage in cell.stages.values()].count("INT8") if controlled else 0
    limit = cell.prepare_timeout_seconds + searches * cell.quantization.max_minutes * 60
    with start() as worker:
        return worker.ask(Convert(cell=cell, roles=roles, like_int8=like_int8), listener, limit)
