"""Get a cell's networks before anything is measured: from the cache, or converted in a process of their own."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from ocrbench.config.schema import Cell
from ocrbench.config.stage import ROLES, Role
from ocrbench.convert.lookup import find_artifacts
from ocrbench.measure.processes import Worker
from ocrbench.progress import Listener
from ocrbench.records import Artifacts
from ocrbench.worker.protocol import Convert


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
