"""Which runs are held against each other: those of one cell, or those that differ in one factor."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ocrbench.compare.stored import StoredRun, compare_stored
from ocrbench.compare.verdict import Comparison
from ocrbench.config import NOT_MEASURED
from ocrbench.errors import ConfigError
from ocrbench.records import RunRecord

FACTORS: Mapping[str, Callable[[RunRecord], str]] = {
    "device": lambda record: _both(record, "device"),
    "precision": lambda record: _both(record, "precision"),
    "model": lambda record: _both(record, "name"),
    "openvino": lambda record: str(record.environment.get("versions", {}).get("openvino", "")).split("-")[0],
    "scenario": lambda record: str(record.config["scenario"]["name"]),
    "dataset": lambda record: str(record.config["dataset"]["name"]),
    "host": lambda record: str(record.environment.get("host", {}).get("name", "")),
}
# Runs of different datasets have no image in common.
COMPARABLE_FACTORS = tuple(name for name in FACTORS if name != "dataset")
# These belong to the environment, not to the configuration.
ENVIRONMENT_FACTORS = ("openvino", "host")
STAGE_FACTORS = {"device", "precision", "properties"}
# Where things are, and how the result is judged.
NOT_COMPARED = (*NOT_MEASURED, "omz", "attest", "max_drop")
Cells = dict[str, list[StoredRun]]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """The finished runs on both sides that are held against each other.

    Attributes:
        before: A's, at least one; all on the same data.
        after: B's; on A's data, if there are such. None where there is no run, or the newest one failed.
        missing: Why there are none.
        failed: Whether that is because the cell failed.
    """

    before: list[StoredRun]
    after: list[StoredRun]
    missing: str = ""
    failed: bool = False

    def compare(self, margin: float) -> Comparison:
        """Compare them; a cell that failed on side B is a regression.

        Args:
            margin: Relative; speed changes within it do not matter.

        Raises:
            ConfigError: There is nothing to compare, or the runs have no image in common.
        """
        if self.after:
            return compare_stored(self.before, self.after, margin)
        run_id = self.before[-1].record.run_id
        if not self.failed:
            message = f"{run_id}: {self.missing}"
            raise ConfigError(message)
        return Comparison(before=run_id, after="no finished run", changes=(), failed=self.missing)


def pairs_by(runs: Sequence[StoredRun], factor: str) -> list[Matched]:
    """Pair runs that differ in one factor only; the value that comes first among the runs is the baseline.

    Args:
        runs: Any finished runs.
        factor: One of ``COMPARABLE_FACTORS``.

    Returns:
        The baseline's runs and the others', for each other value within each group of otherwise equal runs.
    """
    groups: dict[str, dict[str, list[StoredRun]]] = {}
    for run in runs:
        rest = _otherwise(run.record, factor)
        groups.setdefault(rest, {}).setdefault(FACTORS[factor](run.record), []).append(run)
    pairs = []
    for values in groups.values():
        baseline, *others = values.values()
        pairs += [Matched(before=baseline, after=other) for other in others]
    return pairs


def match_runs(before: Sequence[StoredRun], after: Sequence[StoredRun]) -> list[Matched]:
    """Find for each cell that finished on side A its runs on side B: of the same configuration, best on the same data.

    Where each side has one cell only, they are compared whatever differs.

    Args:
        before: A's runs, failed ones too.
        after: B's, likewise.
    """
    first, second = _by_cell(_finished(before)), _by_cell(after)
    if len(first) == len(second) == 1:
        second = dict(zip(first, second.values(), strict=True))
    return [_match(finished, second.get(key, [])) for key, finished in first.items()]


def _match(before: list[StoredRun], after: Sequence[StoredRun]) -> Matched:
    before = _on_data(before[-1], before)
    if not after:
        return Matched(before=before, after=[], missing="there is no run of this cell")
    if after[-1].record.status != "ok":
        return Matched(before=before, after=[], missing=f"the cell failed: {after[-1].record.error}", failed=True)
    finished = _finished(after)
    return Matched(before=before, after=_on_data(before[-1], finished) or _on_data(finished[-1], finished))


def _on_data(like: StoredRun, runs: Sequence[StoredRun]) -> list[StoredRun]:
    """Keep the runs with the same images and ground truth as one of them."""
    return [run for run in runs if run.record.dataset_sha256 == like.record.dataset_sha256]


def _finished(runs: Sequence[StoredRun]) -> list[StoredRun]:
    return [run for run in runs if run.record.status == "ok"]


def _by_cell(runs: Sequence[StoredRun]) -> Cells:
    cells: Cells = {}
    for run in runs:
        cells.setdefault(_otherwise(run.record, ""), []).append(run)
    return cells


def _otherwise(record: RunRecord, factor: str) -> str:
    """Return all of a run's configuration but one factor, so that equal strings mean otherwise equal runs."""
    config = {key: value for key, value in record.config.items() if key not in (*NOT_COMPARED, factor)}
    for role in ("detector", "recognizer"):
        kept = STAGE_FACTORS if factor == "model" else set(config[role])
        config[role] = {key: value for key, value in config[role].items() if key in kept and key != factor}
    config["dataset"] = {key: value for key, value in config["dataset"].items() if key != "root"}
    others = [value(record) for name, value in FACTORS.items() if name != factor and name in ENVIRONMENT_FACTORS]
    return json.dumps([config, *([record.dataset_sha256, others] if factor else [])], sort_keys=True, default=str)


def _both(record: RunRecord, key: str) -> str:
    return f"{record.config['detector'][key]}+{record.config['recognizer'][key]}"
