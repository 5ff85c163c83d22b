"""Find a cell's networks in the cache: what decides each of them, and so the key under which it is kept.

Nothing here imports OpenVINO, which takes long: a cell whose networks are all there need not wait for it.
"""

import functools
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ocrbench import environment, graphs
from ocrbench.architectures import fingerprint
from ocrbench.config.schema import Cell
from ocrbench.config.stage import Role, Source, Stage
from ocrbench.convert.cache import ArtifactCache
from ocrbench.convert.calibration import CalibrationSet
from ocrbench.convert.download import file_sha256
from ocrbench.convert.source import Fetched, check_version, find
from ocrbench.precisions import PRECISIONS
from ocrbench.records import Artifact

log = logging.getLogger(__name__)

Artifacts = dict[str, Artifact]
# What the detector may use up of the pair's budget; the recognizer gets what is left.
DETECTOR_SHARE = 0.5
# Of accuracy control: how a network is judged, and what its journal holds.
CONTROL_VERSION = 2


def find_artifacts(cell: Cell, roles: Sequence[Role], *, like_int8: bool = False) -> dict[str, Artifacts] | None:
    """Find a cell's networks, by role and name; None where one would have to be fetched or converted.

    Warns where INT8 may cost more accuracy than was agreed.

    Args:
        cell: As for ``converter``.
        roles: Whose networks.
        like_int8: Whether float networks are rewritten only as INT8 ones are.

    Raises:
        ModelError: A source has a format that cannot be read, or needs a newer OpenVINO.
        DatasetError: The calibration set cannot be read.
    """
    if any(stage.precision == "INT8" and "CPU" in re.split("[:,]", stage.device) for stage in cell.stages.values()):
        _warn_of_saturation()
    lookup = Lookup(cell, like_int8=like_int8)
    try:
        found: dict[str, Artifacts] = {role: lookup.stage(role, cell.stages[role]) for role in roles}
    except NotConverted:
        return None
    for artifact in (each for networks in found.values() for each in networks.values()):
        control = artifact.notes.get("accuracy_control")
        if control and control["outcome"] != "within":
            log.warning("accuracy control: %s", control["sentence"])
    return found


@functools.cache
def _warn_of_saturation() -> None:
    """Say once that INT8 is not exact here."""
    if environment.saturates(environment.host()["cpu_flags"]):
        log.warning(
            "INT8 loses accuracy on this CPU: it has none of AVX512_VNNI, AVX_VNNI and AMX_INT8, so sums saturate"
        )


class NotConverted(Exception):  # noqa: N818 - an answer, not an error
    """Something is not in the cache."""


class Lookup:
    """Knows the key of each network of a cell; only a stage's first one, which is fed images, is ever quantised."""

    def __init__(self, cell: Cell, *, like_int8: bool) -> None:
        self._cell, self._like_int8 = cell, like_int8
        self._cache_dir = Path(cell.cache_dir).expanduser()
        self._cache = ArtifactCache(self._cache_dir / "artifacts")
        self._controlled = cell.quantization.method == "accuracy_control"
        images = cell.quantization.validation_images if self._controlled else 0
        self._calibration = CalibrationSet(cell.calibration, self._cache_dir, images)
        self._cutting = cell.cutting(cell.calibration.granularity)

    def stage(self, role: Role, stage: Stage) -> Artifacts:
        """Return every network of a stage by name.

        Raises:
            NotConverted: One is not in the cache.
        """
        check_version(stage, role)
        if stage.source.kind == "none":
            return {}
        stored = PRECISIONS[stage.precision].stored
        float_stored = "f16" if stored == "int8" else stored
        others = {name: self._float(role, source, stage, float_stored) for name, source in stage.more_sources.items()}
        if stored == "int8":
            return {"network": self._int8(role, stage, others), **others}
        return {"network": self._float(role, stage.source, stage, stored), **others}

    def _float(self, role: Role, source: Source, stage: Stage, stored: str) -> Artifact:
        found = self._fetch(source, stage)
        return self._found(self._source_key(role, found, source, stored), stage, found)

    def _int8(self, role: Role, stage: Stage, others: Artifacts) -> Artifact:
        if not self._calibration.there:
            raise NotConverted
        found = self._fetch(stage.source, stage)
        return self._found(self._int8_key(role, stage, found), stage, found)

    def _found(self, key: Mapping[str, object], stage: Stage, found: Fetched) -> Artifact:
        artifact = self._cache.find(key, precision=stage.precision, source=found.label)
        if artifact is None:
            raise NotConverted
        return artifact

    def _fetch(self, source: Source, stage: Stage) -> Fetched:
        found = find(source, stage, self._cell)
        # Who fetches says what is wrong with a file that is not the one in the configuration.
        if found is None or (source.sha256 and found.sha256.partition("+")[0] != source.sha256):
            raise NotConverted
        return found

    def _int8_key(self, role: Role, stage: Stage, found: Fetched) -> dict[str, object]:
        return {**self._source_key(role, found, stage.source, "int8"), **self._recipe_key(role, stage)}

    def _recipe_key(self, role: Role, stage: Stage) -> dict[str, object]:
        """Collect what decides a quantised network beside its source; evidence for a recipe is not part of it."""
        recipe = {name: value for name, value in asdict(stage.quantization).items() if name != "measured"}
        key: dict[str, object] = {"recipe": recipe, "calibration": self._calibration.key(), "options": _options(stage)}
        if role == "recognizer" and (self._controlled or stage.quantization.crops == "detector"):
            key["detector"] = [_checksums(self._partner_detector()), _options(self._cell.detector)]
        if self._controlled:
            scoring, cutting = asdict(self._cell.scoring), asdict(self._cutting)
            key["control"] = [CONTROL_VERSION, asdict(self._cell.quantization), scoring, self._budget(role), cutting]
            if role == "detector":
                key["recognizer"] = [_checksums(self._float_stage("recognizer")), _options(self._cell.recognizer)]
        return key

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

    def _rewrites(self, stored: str) -> list[str]:
        """Choose the rewrites, by their names in ``graphs``, that suit the way of storing."""
        if self._cell.folding.rewrites == "none":
            return []
        if stored == "int8" or self._like_int8:
            # In 8 bits sums were hardly faster, and each summand is rounded for itself.
            return ["enlarge_last"]
        return ["enlarge_last", "split_concatenations"]

    def _source_key(self, role: Role, found: Fetched, source: Source, stored: str) -> dict[str, object]:
        tools = ("openvino", "nncf") if stored == "int8" else ("openvino",)
        versions = {tool: environment.versions()[tool] for tool in tools}
        key: dict[str, object] = {"source": found.sha256, "stored": stored, "versions": versions}
        # The version of each rewrite, so that what an earlier one made is not taken for its work.
        rewrites = self._rewrites(stored)
        folder = Path(graphs.__path__[0])
        key |= {name: file_sha256(folder / f"{name}.py") for name in [*rewrites, *(["nodes"] if rewrites else [])]}
        # Not torch's version: what was converted once then serves environments without torch, too.
        return key | ({"architecture": fingerprint(source.architecture)} if source.architecture else {})


def _options(stage: Stage) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(stage.options.items())}


def _checksums(artifacts: Artifacts) -> dict[str, str]:
    return {name: artifact.sha256 for name, artifact in artifacts.items()}
