"""A cell's networks: source → IR, float or INT8, from the cache or freshly made."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ocrbench.architectures import fingerprint
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Precision, Role, Source, Stage
from ocrbench.convert.cache import ArtifactCache, Made, key_digest
from ocrbench.convert.calibration import CalibrationSet, Regions, Tensor, expected_regions
from ocrbench.convert.control import AccuracyControl, Journal
from ocrbench.convert.download import file_sha256
from ocrbench.convert.end_to_end import EndToEndScore
from ocrbench.convert.ir import is_quantised, read_source, save, versions
from ocrbench.convert.quantize import quantize
from ocrbench.convert.source import Fetched, check_version, fetch
from ocrbench.convert.stages import (
    around_detector,
    around_recognizer,
    detected_regions,
    running_detector,
    running_recognizer,
)
from ocrbench.graphs.enlarge_last import enlarge_last
from ocrbench.graphs.nodes import Model, NamedOps
from ocrbench.graphs.simplify_gates import simplify_gates
from ocrbench.graphs.split_concatenations import split_concatenations
from ocrbench.models import build_detector, build_recognizer
from ocrbench.records import Artifact

Artifacts = dict[str, Artifact]
Metadata = Mapping[str, str]
Progress = Callable[[str], None]
# What an IR holds for each precision. FP16 weights are a way of storing: what runs is decided by the hint.
STORED: Mapping[Precision, str] = {"FP32": "f32", "FP16": "f16", "BF16": "f16", "AUTO": "f16", "INT8": "int8"}
# What the detector may use up of the pair's budget; the recognizer gets what is left.
DETECTOR_SHARE = 0.5


def convert_detector(cell: Cell, progress: Progress, *, like_int8: bool = False) -> Artifacts:
    """Return the IRs of the detector's networks by name, from the cache or freshly converted.

    Args:
        cell: Names the models, the precision, and the folder for downloads, calibration sets and converted models.
        progress: Told what is going on.
        like_int8: Whether float networks are rewritten only as INT8 ones are, so that both have the same layers.

    Raises:
        ModelError: The source cannot be had, is damaged, or needs a newer OpenVINO.
        DatasetError: The calibration set cannot be read.
        ConversionError: OpenVINO or NNCF fail on it.
    """
    return _Converter(cell, progress, like_int8=like_int8).stage("detector", cell.detector)


def convert_recognizer(cell: Cell, progress: Progress, *, like_int8: bool = False) -> Artifacts:
    """Return the IRs of the recognizer's networks; arguments and errors as ``convert_detector``."""
    return _Converter(cell, progress, like_int8=like_int8).stage("recognizer", cell.recognizer)


class _Converter:
    """Converts the networks of a cell; only a stage's first one, which is fed images, is ever quantised."""

    def __init__(self, cell: Cell, progress: Progress, *, like_int8: bool) -> None:
        self._cell, self._progress, self._like_int8 = cell, progress, like_int8
        self._cache_dir = Path(cell.cache_dir).expanduser()
        self._cache = ArtifactCache(self._cache_dir / "artifacts")
        self._controlled = cell.quantization.method == "accuracy_control"
        images = cell.quantization.validation_images if self._controlled else 0
        self._calibration = CalibrationSet(cell.calibration, self._cache_dir, images)
        self._cutting = cell.cutting(cell.calibration.granularity)

    def stage(self, role: Role, stage: Stage) -> Artifacts:
        """Convert every network of a stage."""
        check_version(stage, role)
        if stage.source.kind == "none":
            return {}
        stored = STORED[stage.precision]
        float_stored = "f16" if stored == "int8" else stored
        others = {name: self._float(role, source, stage, float_stored) for name, source in stage.more_sources.items()}
        if stored == "int8":
            return {"network": self._int8(role, stage, others), **others}
        return {"network": self._float(role, stage.source, stage, stored), **others}

    def _float(self, role: Role, source: Source, stage: Stage, stored: str) -> Artifact:
        found = self._fetch(source, stage)

        def make(folder: Path) -> Made:
            self._progress(f"converting {found.path.name} to {stage.precision}")
            model, metadata = self._read(role, found, source, stored)
            save(model, folder / "model.xml", compress=stored != "f32")
            return Made(metadata=metadata)

        key = self._source_key(role, found, source, stored)
        return self._cache.get(key, make, precision=stage.precision, source=found.label)

    def _int8(self, role: Role, stage: Stage, others: Artifacts) -> Artifact:
        found = self._fetch(stage.source, stage)
        key = {**self._source_key(role, found, stage.source, "int8"), **self._recipe_key(role, stage)}

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
            save(model, folder / "model.xml", compress=True)
            return Made(metadata=metadata, notes=notes)

        return self._cache.get(key, make, precision=stage.precision, source=found.label)

    def _recipe_key(self, role: Role, stage: Stage) -> dict[str, object]:
        """Collect what decides a quantised network beside its source; evidence for a recipe is not part of it."""
        recipe = {name: value for name, value in asdict(stage.quantization).items() if name != "measured"}
        key: dict[str, object] = {"recipe": recipe, "calibration": self._calibration.key(), "options": _options(stage)}
        if role == "recognizer" and (self._controlled or stage.quantization.crops == "detector"):
            key["detector"] = [_checksums(self._partner_detector()), _options(self._cell.detector)]
        if self._controlled:
            scoring, cutting = asdict(self._cell.scoring), asdict(self._cutting)
            key["control"] = [asdict(self._cell.quantization), scoring, self._budget(role), cutting]
            if role == "detector":
                key["recognizer"] = [_checksums(self._float_stage("recognizer")), _options(self._cell.recognizer)]
        return key

    def _inputs(self, role: Role, stage: Stage, metadata: Metadata) -> list[Tensor]:
        size = stage.quantization.subset_size
        if role == "detector":
            return self._calibration.detector_inputs(build_detector(stage, metadata), size)
        regions: Regions = expected_regions
        if stage.quantization.crops == "detector":
            regions = detected_regions(self._cell.detector, self._partner_detector())
        return self._calibration.recognizer_inputs(build_recognizer(stage, metadata), size, regions)

    def _control(self, role: Role, stage: Stage, metadata: Metadata, others: Artifacts, digest: str) -> AccuracyControl:
        """Set up the search: the detector before the float recognizer, the recognizer behind the quantised detector."""
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

    def _budget(self, role: Role) -> float:
        """Return how much of the score this stage may lose."""
        whole = self._cell.quantization.max_drop
        if any(stage.precision != "INT8" for stage in self._cell.stages.values()):
            return whole
        if role == "detector":
            return whole * DETECTOR_SHARE
        used = self._partner_detector()["network"].notes.get("accuracy_control")
        return max(0.0, whole - max(0.0, used["float_score"] - used["score"])) if used else whole

    def _partner_detector(self) -> Artifacts:
        """Return the detector that the recognizer will stand behind."""
        return self.stage("detector", self._cell.detector)

    def _float_stage(self, role: Role) -> Artifacts:
        stage = self._cell.stages[role]
        return self.stage(role, replace(stage, precision="FP32"))

    def _fetch(self, source: Source, stage: Stage) -> Fetched:
        return fetch(source, stage, self._cell, self._progress)

    def _read(self, role: Role, found: Fetched, source: Source, stored: str) -> tuple[Any, Metadata]:
        model, metadata = read_source(found.path, source.architecture)
        for rewrite in self._rewrites(role, stored):
            rewrite(model)
        return model, metadata

    def _rewrites(self, role: Role, stored: str) -> list[Callable[[Model], int]]:
        """Choose the rewrites that suit a stage, its device, and the way of storing."""
        if self._cell.folding.rewrites == "none":
            return []
        if stored == "int8" or self._like_int8:
            # In 8 bits sums were hardly faster, and each summand is rounded for itself. A gate would keep weights from
            # being constants, which quantised ones have to be.
            return [enlarge_last]
        # Recognizers get many images at once, and other devices want constant weights.
        gated = role == "detector" and self._cell.detector.device == "CPU"
        return [enlarge_last, split_concatenations, *([simplify_gates] if gated else [])]

    def _source_key(self, role: Role, found: Fetched, source: Source, stored: str) -> dict[str, object]:
        key: dict[str, object] = {"source": found.sha256, "stored": stored, "versions": versions(stored)}
        # The version of each rewrite, so that what an earlier one made is not taken for its work.
        rewrites = self._rewrites(role, stored)
        files = {each.__name__: inspect.getfile(each) for each in [*rewrites, *([NamedOps] if rewrites else [])]}
        key |= {name: file_sha256(Path(path)) for name, path in files.items()}
        # Not torch's version: what was converted once then serves environments without torch, too.
        return key | ({"architecture": fingerprint(source.architecture)} if source.architecture else {})


def _options(stage: Stage) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(stage.options.items())}


def _checksums(artifacts: Artifacts) -> dict[str, str]:
    return {name: artifact.sha256 for name, artifact in artifacts.items()}
