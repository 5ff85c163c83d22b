"""Model families: pre- and post-processing around an injected network. Nothing here knows OpenVINO.

To add a family: write ``models/<family>.py``, register it in ``FAMILIES``, and describe each model in a YAML file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocrbench.config.checking import closest, validate
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Role, Stage
from ocrbench.errors import ConfigError
from ocrbench.models import (
    easyocr,
    omz_boxes,
    omz_ctc,
    omz_encoder_decoder,
    omz_fixed,
    omz_pixellink,
    ppocr,
    whole_image,
)
from ocrbench.models.interface import Detector, Family, Part, Recognizer
from ocrbench.records import Graph

FAMILIES: dict[str, Family] = {
    "easyocr": easyocr.FAMILY,
    "omz_boxes": omz_boxes.FAMILY,
    "omz_ctc": omz_ctc.FAMILY,
    "omz_encoder_decoder": omz_encoder_decoder.FAMILY,
    "omz_fixed": omz_fixed.FAMILY,
    "omz_pixellink": omz_pixellink.FAMILY,
    "ppocr": ppocr.FAMILY,
    "whole_image": whole_image.FAMILY,
}


def build_detector(stage: Stage, metadata: Mapping[str, str]) -> Detector:
    """Build the detector of a cell.

    Args:
        stage: The composed model YAML.
        metadata: Metadata of the model file.

    Raises:
        ConfigError: The family is unknown, has no detector, or an option is wrong.
    """
    detector: Detector = _build("detector", stage, metadata)
    return detector


def build_recognizer(stage: Stage, metadata: Mapping[str, str]) -> Recognizer:
    """Build the recognizer of a cell; arguments and errors as ``build_detector``."""
    recognizer: Recognizer = _build("recognizer", stage, metadata)
    return recognizer


def graphs_of(role: Role, stage: Stage, metadata: Mapping[str, str]) -> Mapping[str, Graph]:
    """Name each network of a model with what is folded into it; errors as ``build_detector``."""
    found: Mapping[str, Graph] = _build(role, stage, metadata).graphs()
    return found


def check_options(cell: Cell) -> None:
    """Check both models' family options without reading their files, and that files of your own are there.

    Raises:
        ConfigError: As ``build_detector``, or a source names a file that does not exist.
    """
    for role, stage in cell.stages.items():
        validate(_part(role, stage).options, stage.options, role)
    for role, stage in cell.stages.items():
        more = {f"more_sources.{name}": source for name, source in stage.more_sources.items()}
        for key, source in {"source": stage.source, **more}.items():
            if source.kind == "file" and not Path(source.path).expanduser().is_file():
                message = f"{role}.{key}.path={source.path}: no such file"
                raise ConfigError(message)


def option_files(cell: Cell) -> list[Path]:
    """List the files that both models' options name; errors as ``check_options``."""
    parts = [(_part(role, stage), stage, role) for role, stage in cell.stages.items()]
    return [path for part, stage, role in parts for path in part.files(validate(part.options, stage.options, role))]


def _build(role: Role, stage: Stage, metadata: Mapping[str, str]) -> Any:  # noqa: ANN401 - a detector or a recognizer
    part = _part(role, stage)
    return part.build(validate(part.options, stage.options, role), metadata)


def _part(role: Role, stage: Stage) -> Part[Any]:
    if stage.family not in FAMILIES:
        message = f"{role}.family={stage.family}: no such model family; {closest(stage.family, FAMILIES)}"
        raise ConfigError(message)
    part: Part[Any] | None = getattr(FAMILIES[stage.family], role)
    if part is None:
        valid = closest(stage.family, [name for name, family in FAMILIES.items() if getattr(family, role)])
        message = f"{role}.family={stage.family}: this family has no {role}; {valid}"
        raise ConfigError(message)
    return part
