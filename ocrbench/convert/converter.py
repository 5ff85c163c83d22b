"""Convert a cell's networks: source → IR, float or INT8, where they are not in the cache."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ocrbench.config.schema import Cell
from ocrbench.config.stage import Role, Source, Stage
from ocrbench.convert.cache import MODEL, Made, key_digest
from ocrbench.convert.calibration import Regions, Tensor, expected_regions
from ocrbench.convert.control import AccuracyControl, Journal
from ocrbench.convert.end_to_end import (
    EndToEndScore,
    around_detector,
    around_recognizer,
    detected_regions,
    running_detector,
    running_recognizer,
)
from ocrbench.convert.ir import is_quantised, read_source, save
from ocrbench.convert.lookup import Artifacts, Lookup
from ocrbench.convert.quantize import quantize
from ocrbench.convert.source import Fetched, fetch
from ocrbench.graphs.enlarge_last import enlarge_last
from ocrbench.graphs.nodes import Model
from ocrbench.graphs.split_concatenations import split_concatenations
from ocrbench.models import build_detector, build_recognizer
from ocrbench.records import Artifact

Metadata = Mapping[str, str]
Progress = Callable[[str], None]
REWRITES: Mapping[str, Callable[[Model], int]] = {
    "enlarge_last": enlarge_last,
    "split_concatenations": split_concatenations,
}


def convert_detector(cell: Cell, progress: Progress, *, like_int8: bool = False) -> Artifacts:
    """Return the IRs of the detector's networks by name, cached or newly converted.

    Args:
        cell: Cell with the models, the precision, and the folder for downloads, calibration sets and converted models.
        progress: Function that receives progress messages.
        like_int8: Whether float networks are rewritten only as INT8 ones are, so that both have the same layers.

    Raises:
        ModelError: The source cannot be obtained, is damaged, or needs a newer OpenVINO.
        DatasetError: The calibration set cannot be read.
        ConversionError: OpenVINO or NNCF fails.
    """
    return _Converter(cell, progress, like_int8=like_int8).stage("detector", cell.detector)


def convert_recognizer(cell: Cell, progress: Progress, *, like_int8: bool = False) -> Artifacts:
    """Return the IRs of the recognizer's networks; arguments and errors as for ``convert_detector``."""
    return _Converter(cell, progress, like_int8=like_int8).stage("recognizer", cell.recognizer)


class _Converter(Lookup):
    """Makes what is not in the cache."""

    def __init__(self, cell: Cell, progress: Progress, *, like_int8: bool) -> None:
        super().__init__(cell, like_int8=like_int8)
        self._progress = progress

    def _float(self, role: Role, source: Source, stage: Stage, stored: str) -> Artifact:
        found = self._fetch(source, stage)

        def make(folder: Path) -> Made:
            self._progress(f"converting {found.path.name} to {stage.precision}")
            model, metadata = self._read(role, found, source, stored)
            save(model, folder / MODEL, compress=stored != "f32")
            return Made(metadata=metadata)

        key = self._source_key(role, found, source, stored)
        return self._cache.get(key, make, precision=stage.precision, source=found.label)

    def _int8(self, role: Role, stage: Stage, others: Artifacts) -> Artifact:
        found = self._fetch(stage.source, stage)
        key = self._int8_key(role, stage, found)

        def make(folder: Path) -> Made:
            self._progress(f"converting {found.path.name} to INT8")
            model, metadata = self._read(role, found, stage.source, "int8")
            notes: dict[str, Any] = {}
            if not is_quantised(model):
                inputs = self._inputs(role, stage, metadata)
                self._progress(f"quantising {found.path.name} with {len(inputs)} inputs")
                if self._controlled:
                    control = self._control(role, stage, metadata, others, key_digest(key))
                    model, outcome = control.quantize(model, stage.quantization, inputs)
                    notes["accuracy_control"] = asdict(outcome)
                else:
                    model = quantize(model, stage.quantization, inputs)
            save(model, folder / MODEL, compress=True)
            return Made(metadata=metadata, notes=notes)

        return self._cache.get(key, make, precision=stage.precision, source=found.label)

    def _inputs(self, role: Role, stage: Stage, metadata: Metadata) -> list[Tensor]:
        size = stage.quantization.subset_size
        if role == "detector":
            return self._calibration.detector_inputs(build_detector(stage, metadata), size)
        regions: Regions = expected_regions
        if stage.quantization.crops == "detector":
            regions = detected_regions(self._cell.detector, self._partner_detector())
        return self._calibration.recognizer_inputs(build_recognizer(stage, metadata), size, regions)

    def _control(self, role: Role, stage: Stage, metadata: Metadata, others: Artifacts, digest: str) -> AccuracyControl:
        """Set up the search for the detector before the float recognizer, or for the recognizer after it."""
        cell = self._cell
        if role == "detector":
            float_recognizer = replace(cell.recognizer, precision="FP32")
            partner = running_recognizer(float_recognizer, self._float_stage("recognizer"))
            build, graph = around_detector(stage, metadata, others, partner, self._cutting)
        else:
            found = running_detector(cell.detector, self._partner_detector())
            build, graph = around_recognizer(stage, metadata, others, found, self._cutting)
        score = EndToEndScore(self._calibration.validation(), cell.scoring, build, graph)
        journal = Journal(self._cache_dir / "accuracy_control" / f"{digest}.jsonl")
        return AccuracyControl(cell.quantization, score, journal, self._budget(role), self._progress)

    def _fetch(self, source: Source, stage: Stage) -> Fetched:
        return fetch(source, stage, self._cell, self._progress)

    def _read(self, role: Role, found: Fetched, source: Source, stored: str) -> tuple[Any, Metadata]:
        model, metadata = read_source(found.path, source.architecture)
        for rewrite in self._rewrites(stored):
            REWRITES[rewrite](model)
        return model, metadata
