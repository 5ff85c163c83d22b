"""The Python API: runs as objects that a notebook shows. Its names are those of ``ocrbench`` itself."""

from collections.abc import Callable, Iterable, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, overload

import pandas as pd

from ocrbench.config.checking import closest
from ocrbench.config.composing import load as load_cell
from ocrbench.errors import CellError, ConfigError, DatasetError, OcrBenchError
from ocrbench.geometry import in_reading_order
from ocrbench.measure.cell import run_cell
from ocrbench.measure.preparing import check
from ocrbench.progress import LogListener
from ocrbench.records import Region
from ocrbench.runs import table
from ocrbench.runs.columns import NAMES, to_html
from ocrbench.runs.run import Run
from ocrbench.runs.store import find_runs

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["OcrBenchError", "Region", "Run", "Runs", "load", "read", "run"]


class Runs(Sequence[Run]):
    """Stored runs, in the order in which ``load`` found them."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> "Runs": ...
    def __getitem__(self, index: int | slice) -> "Run | Runs":
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def where(self, condition: Callable[[Run], bool] | None = None, **columns: object) -> "Runs":
        """Select runs.

        Args:
            condition: Function that returns true for the runs to keep.
            **columns: Columns of the wide table → the values that they must have.

        Raises:
            ConfigError: A column does not exist.
        """
        for name in columns:
            if name not in NAMES:
                message = f"{name}: no such column; {closest(name, NAMES)}"
                raise ConfigError(message)
        fitting = (run for run in self._runs if all(run.row[name] == wanted for name, wanted in columns.items()))
        return Runs(run for run in fitting if condition is None or condition(run))

    def to_frame(self, *, long: bool = False) -> pd.DataFrame:
        """Return the wide table, with one row per run, or the long one, with one row per run, stage and metric."""
        return table.long(self) if long else table.wide(self)

    def plot_pareto(self, x: str = "latency_p50_ms", y: str = "e2e_hmean") -> "Figure":
        """Plot two metrics against each other, one point per finished run.

        A line connects the runs that no other run beats on the same images, in the same scenario, on the same host.

        Args:
            x: Column of numbers in the wide table.
            y: Another column of numbers.

        Raises:
            ConfigError: A column does not exist, or no finished run has both numbers.
        """
        # Plotly is slow to import, and needed only here.
        from ocrbench.report.pareto import pareto_figure

        return pareto_figure(self._runs, x, y)

    def __repr__(self) -> str:
        return f"<Runs: {len(self)}, {sum(not run.ok for run in self._runs)} failed>"

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        columns = table.shown_columns(frame)
        return to_html(columns, table.cells(frame, columns))


def load(*folders: str | PathLike[str]) -> Runs:
    """Find stored runs, including failed ones, oldest first.

    Args:
        *folders: Runs, or any folders above runs; ``reports`` if none is given.

    Raises:
        ConfigError: A folder does not exist, or has no run.
    """
    return Runs(find_runs([fspath(each) for each in folders] or ["reports"], failed=True))


def run(overrides: Sequence[str] = (), config_dir: str | PathLike[str] | None = None) -> Run:
    """Measure one cell, or find its run if it was measured before.

    Args:
        overrides: Overrides as on the command line: ``["precision=INT8", "dataset.limit=8"]``.
        config_dir: Folder of further configuration.

    Raises:
        ConfigError: An override is wrong.
        DeviceError: The device does not exist.
        CellError: The cell failed, with the reason; the failed run is stored.
    """
    # As in ``read``.
    from ocrbench.runtime.devices import check_device

    cell = load_cell(*_checked(overrides, config_dir))
    for stage in cell.stages.values():
        check_device(stage.device)
    check(cell)
    finished = run_cell(cell, LogListener())
    if not finished.ok:
        message = f"cell {finished.run_id} failed: {finished.error}"
        raise CellError(message)
    return finished


def read(
    image: str | PathLike[str], overrides: Sequence[str] = (), config_dir: str | PathLike[str] | None = None
) -> list[Region]:
    """Read the text of one image, line by line, in reading order.

    Args:
        image: File, or http(s) address.
        overrides: Overrides as on the command line: ``["device=GPU", "granularity=word"]``.
        config_dir: Folder of further configuration.

    Raises:
        ConfigError: The file does not exist, or an override is wrong.
        DatasetError: The image cannot be read.
        OcrBenchError: A model cannot be obtained, converted or compiled.
    """
    # Stored runs can be inspected without OpenVINO.
    from ocrbench.measure.processes import Worker
    from ocrbench.reading import ImageSource, compose, read_images

    cell = compose(*_checked(overrides, config_dir))
    name = fspath(image)
    if Path(name).expanduser().is_dir():
        message = f"{name} is a folder; expected one image"
        raise ConfigError(message)
    with ImageSource() as source, Worker() as worker:
        (found,) = read_images(worker, cell, source.files(name), LogListener())
    if found.skipped:
        raise DatasetError(found.skipped)
    return in_reading_order(found.regions)


def _checked(overrides: Sequence[str], config_dir: str | PathLike[str] | None) -> tuple[Sequence[str], str | None]:
    """Refuse one string, which is a sequence of letters, and a folder that does not exist."""
    if isinstance(overrides, str):
        message = f"{overrides!r}: expected a list of overrides, for example [{overrides!r}]"
        raise ConfigError(message)
    if config_dir is not None and not Path(config_dir).is_dir():
        message = f"config_dir={fspath(config_dir)}: no such folder"
        raise ConfigError(message)
    return overrides, None if config_dir is None else fspath(config_dir)
