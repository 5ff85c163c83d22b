"""Model families: pre- and post-processing around an injected network. Nothing here knows OpenVINO.

To add a family: write ``models/<family>.py``, enter it in ``FAMILIES``, and describe each model in a YAML file.
"""

from collections.abc import Mapping
from pathlib import Path

from ocrbench.config import Stage, closest, validate
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
from ocrbench.models.interface import Detector, Family, Model, Part, Reading, Recognizer

__all__ = [
    "FAMILIES",
    "Detector",
    "Reading",
    "Recognizer",
    "build_detector",
    "build_recognizer",
    "check_options",
    "option_files",
]

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
        metadata: What the model file says of itself.

    Raises:
        ConfigError: The family is unknown, has no detector, or an option is wrong.
    """
    return _build(_detector_part(stage), stage, metadata, "detector")


def build_recognizer(stage: Stage, metadata: Mapping[str, str]) -> Recognizer:
    """Build the recognizer of a cell; arguments and errors as ``build_detector``."""
    return _build(_recognizer_part(stage), stage, metadata, "recognizer")


def check_options(detector: Stage, recognizer: Stage) -> None:
    """Check both models' family options without reading their files, and that files of one's own are there.

    Raises:
        ConfigError: As ``build_detector``, or a source names a file that does not exist.
    """
    validate(_detector_part(detector).options, detector.options, "detector")
    validate(_recognizer_part(recognizer).options, recognizer.options, "recognizer")
    for role, stage in (("detector", detector), ("recognizer", recognizer)):
        more = {f"more_sources.{name}": source for name, source in stage.more_sources.items()}
        for key, source in {"source": stage.source, **more}.items():
            if source.kind == "file" and not Path(source.path).expanduser().is_file():
                message = f"{role}.{key}.path={source.path}: no such file"
                raise ConfigError(message)


def option_files(detector: Stage, recognizer: Stage) -> list[Path]:
    """List the files that both models' options name; errors as ``check_options``."""
    parts = ((_detector_part(detector), detector, "detector"), (_recognizer_part(recognizer), recognizer, "recognizer"))
    return [path for part, stage, where in parts for path in part.files(validate(part.options, stage.options, where))]


def _build(part: Part[Model], stage: Stage, metadata: Mapping[str, str], where: str) -> Model:
    return part.build(validate(part.options, stage.options, where), metadata)


def _detector_part(stage: Stage) -> Part[Detector]:
    part = _family(stage, "detector").detector
    if part is None:
        raise ConfigError(_no_part("detector", stage.family, [n for n, f in FAMILIES.items() if f.detector]))
    return part


def _recognizer_part(stage: Stage) -> Part[Recognizer]:
    part = _family(stage, "recognizer").recognizer
    if part is None:
        raise ConfigError(_no_part("recognizer", stage.family, [n for n, f in FAMILIES.items() if f.recognizer]))
    return part


def _family(stage: Stage, where: str) -> Family:
    if stage.family not in FAMILIES:
        message = f"{where}.family={stage.family}: no such model family; {closest(stage.family, FAMILIES)}"
        raise ConfigError(message)
    return FAMILIES[stage.family]


def _no_part(where: str, family: str, valid: list[str]) -> str:
    return f"{where}.family={family}: this family has no {where}; {closest(family, valid)}"
