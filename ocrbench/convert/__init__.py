"""From a source model to an OpenVINO IR of the wanted precision, kept in one cache."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from ocrbench.architectures import fingerprint
from ocrbench.config import Cell, Precision, Source, Stage
from ocrbench.convert.cache import ArtifactCache
from ocrbench.convert.calibration import CalibrationSet, Tensor
from ocrbench.convert.ir import is_quantised, read_source, save, versions
from ocrbench.convert.quantize import quantize
from ocrbench.convert.source import check_version, fetch
from ocrbench.models import build_detector, build_recognizer
from ocrbench.records import Artifact

__all__ = ["Progress", "convert_detector", "convert_recognizer"]

Progress = Callable[[str], None]
Metadata = Mapping[str, str]
# What an IR holds for each precision. FP16 weights are a way of storing: what runs is decided by the hint.
STORED: Mapping[Precision, str] = {"FP32": "f32", "FP16": "f16", "BF16": "f16", "AUTO": "f16", "INT8": "int8"}


def convert_detector(cell: Cell, progress: Progress) -> dict[str, Artifact]:
    """Return the IRs of the detector's networks by name, from the cache or freshly converted.

    Args:
        cell: Names the model, the precision and the folder for downloads, calibration sets and converted models.
        progress: Told what is going on.

    Raises:
        ModelError: The source cannot be had, is damaged, or needs a newer OpenVINO.
        ConversionError: OpenVINO or NNCF fail on it.
    """
    stage = cell.detector

    def inputs(calibration: CalibrationSet, metadata: Metadata) -> list[Tensor]:
        return calibration.detector_inputs(build_detector(stage, metadata))

    check_version(stage, "detector")
    return _Converter(cell, stage, inputs, progress).all()


def convert_recognizer(cell: Cell, progress: Progress) -> dict[str, Artifact]:
    """Return the IRs of the recognizer's networks; arguments and errors as ``convert_detector``."""
    stage = cell.recognizer

    def inputs(calibration: CalibrationSet, metadata: Metadata) -> list[Tensor]:
        return calibration.recognizer_inputs(build_recognizer(stage, metadata))

    check_version(stage, "recognizer")
    return _Converter(cell, stage, inputs, progress).all()


class _Converter:
    """Converts the networks of one stage."""

    def __init__(
        self,
        cell: Cell,
        stage: Stage,
        inputs: Callable[[CalibrationSet, Metadata], list[Tensor]],
        progress: Progress,
    ) -> None:
        self._cell, self._stage, self._inputs, self._progress = cell, stage, inputs, progress
        self._cache_dir = Path(cell.cache_dir).expanduser()

    def all(self) -> dict[str, Artifact]:
        """Convert every network; only the first one, which is fed images, is ever quantised."""
        stored = STORED[self._stage.precision]
        others = {name: self._one(source, "f16" if stored == "int8" else stored) for name, source in self._others()}
        return {"network": self._one(self._stage.source, stored), **others}

    def _others(self) -> list[tuple[str, Source]]:
        return list(self._stage.more_sources.items())

    def _one(self, source: Source, stored: str) -> Artifact:
        stage, progress = self._stage, self._progress
        found = fetch(source, stage, self._cell, progress)
        key: dict[str, object] = {"source": found.sha256, "stored": stored, "versions": versions(stored)}
        if source.architecture:
            # Not torch's version: what was converted once then serves environments without torch, too.
            key["architecture"] = fingerprint(source.architecture)
        calibration = CalibrationSet(self._cache_dir, stage.quantization.subset_size)
        if stored == "int8":
            key |= {"recipe": asdict(stage.quantization), "calibration": calibration.key()}
            key["options"] = {name: str(value) for name, value in sorted(stage.options.items())}

        def make(folder: Path) -> Metadata:
            progress(f"converting {found.path.name} to {stage.precision}")
            model, metadata = read_source(found.path, source.architecture)
            if stored == "int8" and not is_quantised(model):
                progress(f"quantising {found.path.name}")
                model = quantize(model, stage.quantization, self._inputs(calibration, metadata))
            save(model, folder / "model.xml", compress=stored != "f32")
            return metadata

        cache = ArtifactCache(self._cache_dir / "artifacts")
        return cache.get(key, make, precision=stage.precision, source=found.label)
