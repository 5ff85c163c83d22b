"""Find mistakes in a cell's configuration before anything runs."""

from pathlib import Path

from ocrbench import data
from ocrbench.architectures import check_architectures
from ocrbench.config.schema import Cell
from ocrbench.data.overlap import check_disjoint
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.files import why_unwritable
from ocrbench.measure.pool import cores_for
from ocrbench.models import check_options


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
