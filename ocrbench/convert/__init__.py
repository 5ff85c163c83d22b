"""From a source model to an OpenVINO IR of the wanted precision, kept in one cache."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from ocrbench.config import Precision, Stage
from ocrbench.convert.cache import ArtifactCache
from ocrbench.convert.calibration import CalibrationSet, Tensor
from ocrbench.convert.ir import read_source, save, versions
from ocrbench.convert.quantize import quantize
from ocrbench.convert.source import check_version, fetch
from ocrbench.models import build_detector, build_recognizer
from ocrbench.records import Artifact

__all__ = ["Progress", "convert_detector", "convert_recognizer"]

Progress = Callable[[str], None]
Metadata = Mapping[str, str]
# What an IR holds for each precision. FP16 weights are a way of storing: what runs is decided by the hint.
STORED: Mapping[Precision, str] = {"FP32": "f32", "FP16": "f16", "BF16": "f16", "AUTO": "f16", "INT8": "int8"}


def convert_detector(stage: Stage, cache_dir: Path, progress: Progress) -> Artifact:
    """Return the detector's IR, from the cache or freshly converted.

    Args:
        stage: The composed model YAML.
        cache_dir: Where downloads, calibration sets and converted models are kept.
        progress: Told what is going on.

    Raises:
        ModelError: The source cannot be had, is damaged, or needs a newer OpenVINO.
        ConversionError: OpenVINO or NNCF fail on it.
    """
    calibration = CalibrationSet(cache_dir, stage.quantization.subset_size)

    def inputs(metadata: Metadata) -> list[Tensor]:
        return calibration.detector_inputs(build_detector(stage, metadata))

    check_version(stage, "detector")
    return _convert(stage, cache_dir, progress, calibration, inputs)


def convert_recognizer(stage: Stage, cache_dir: Path, progress: Progress) -> Artifact:
    """Return the recognizer's IR; arguments and errors as ``convert_detector``."""
    calibration = CalibrationSet(cache_dir, stage.quantization.subset_size)

    def inputs(metadata: Metadata) -> list[Tensor]:
        return calibration.recognizer_inputs(build_recognizer(stage, metadata))

    check_version(stage, "recognizer")
    return _convert(stage, cache_dir, progress, calibration, inputs)


def _convert(
    stage: Stage,
    cache_dir: Path,
    progress: Progress,
    calibration: CalibrationSet,
    inputs: Callable[[Metadata], list[Tensor]],
) -> Artifact:
    source = fetch(stage, cache_dir, progress)
    stored = STORED[stage.precision]
    key: dict[str, object] = {"source": source.sha256, "stored": stored, "versions": versions(stored)}
    if stored == "int8":
        key |= {"recipe": asdict(stage.quantization), "calibration": calibration.key()}
        key["options"] = {name: str(value) for name, value in sorted(stage.options.items())}

    def make(folder: Path) -> Metadata:
        progress(f"converting {source.path.name} to {stage.precision}")
        model, metadata = read_source(source.path)
        if stored == "int8":
            model = quantize(model, stage.quantization, inputs(metadata))
        save(model, folder / "model.xml", compress=stored != "f32")
        return metadata

    cache = ArtifactCache(cache_dir / "artifacts")
    return cache.get(key, make, precision=stage.precision, source=source.label)
