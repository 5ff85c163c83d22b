"""Convert a cell's models before anything is measured."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ocrbench.config.schema import Cell
from ocrbench.config.stage import ROLES, Role
from ocrbench.measure.processes import Worker
from ocrbench.progress import Listener
from ocrbench.records import Artifacts
from ocrbench.worker.protocol import Convert, Describe


def prepare(
    cell: Cell,
    listener: Listener,
    roles: Sequence[Role] = ROLES,
    start: Callable[[], AbstractContextManager[Worker]] = Worker,
    *,
    like_int8: bool = False,
) -> tuple[Artifacts, dict[str, Any]]:
    """Convert a cell's models in a process of their own.

    Args:
        cell: What to convert.
        listener: Hears of progress.
        roles: Which of its two models.
        start: Makes the worker.
        like_int8: Whether float networks are rewritten only as INT8 ones are.

    Returns:
        The artifacts by stage and network, and the environment that will measure them.

    Raises:
        OcrBenchError: The conversion fails.
    """
    # A search has a limit of its own for each stage. A recognizer is searched behind its detector, which is made first.
    controlled = cell.quantization.method == "accuracy_control"
    searches = sum(stage.precision == "INT8" for stage in cell.stages.values()) if controlled else 0
    limit = cell.prepare_timeout_seconds + searches * cell.quantization.max_minutes * 60
    with start() as worker:
        environment = worker.ask(Describe(), listener, cell.prepare_timeout_seconds)
        return worker.ask(Convert(cell=cell, roles=roles, like_int8=like_int8), listener, limit), environment
