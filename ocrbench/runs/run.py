"""A run: the one type that the store returns and that tables, reports, comparisons and the Python API use."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ocrbench.config.checking import validate
from ocrbench.config.retired import modernised
from ocrbench.config.schema import Scoring
from ocrbench.errors import OcrBenchError
from ocrbench.metrics.intervals import Interval, latency_intervals, score_intervals
from ocrbench.metrics.losses import Fate, fates
from ocrbench.metrics.matching import Matching, match
from ocrbench.metrics.scoring import METRICS, Tallies, tallies
from ocrbench.records import Region, Sample, Score, Value, decoded, filled
from ocrbench.runs.columns import BY_NAME, COLUMNS, SEEN, UNSEEN, WARM, text, to_html
from ocrbench.scenarios import SCENARIOS
from ocrbench.scenarios.interface import LATENCY

if TYPE_CHECKING:
    import pandas as pd


READING_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The predictions and the ground truth of one image."""

    sample_id: str
    predicted: tuple[Region, ...]
    expected: tuple[Region, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a cell, finished or failed.

    Its numbers are at hand; its times and what it read lie in files, which are read when they are asked for, and kept.

    Attributes:
        run_id: Name of the run's folder: ``cell_id``, with a number where the cell was measured again.
        started: Time of the start, ISO 8601, UTC.
        status: ``ok`` or ``failed``.
        config: The composed configuration, in today's keys.
        error: Why the run failed; empty for a finished one.
        pictures: ``unseen`` if the latencies are those of images at their first reading, ``seen`` if every timed image
            had been read before, as in runs of earlier versions and where images come again by design.
        reading: Short hash of all texts that were read; empty for runs of earlier versions.
        cell_id: Hash of configuration, dataset, model files, host, tool versions and source, which decides re-use.
        series: Hash of what stays the same over versions: configuration, dataset and host.
        dataset_sha256: Fingerprint of the data, see ``data.fingerprint``.
        environment: Host, versions and a hash of ocrbench's source.
        conditions: How the machine was set and how busy it was, see ``environment.noise``.
        noisy: Why the times are not to be trusted; empty for a quiet run.
        artifacts: The converted networks per stage and name, as plain data.
        execution: What was compiled and what really ran, per stage and network.
        score_list: Every number of the run with its unit and count.
        skipped: Sample id → why that image was left out.
        files: Kind → name of the file in the run's folder that holds it.
        folder: Where the run lies; None for one that was not stored.
        label: Short name that distinguishes the run from those it is shown with.
        sample_ids: The images that ``outcomes`` and all that comes from them are limited to; None for all.
    """

    run_id: str
    started: str
    status: str
    config: Mapping[str, Any]
    error: str = ""
    pictures: str = SEEN
    reading: str = ""
    cell_id: str = ""
    series: str = ""
    dataset_sha256: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    noisy: Sequence[str] = ()
    artifacts: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    execution: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    score_list: Sequence[Score] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict, compare=False)
    folder: Path | None = field(default=None, compare=False)
    label: str = field(default="", compare=False)
    sample_ids: frozenset[str] | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """Name of the run's folder."""
        return self.run_id

    @property
    def ok(self) -> bool:
        """Whether the run finished; ``error`` says why it did not."""
        return self.status == "ok"

    @cached_property
    def scores(self) -> Mapping[str, float]:
        """Every number of the run, by metric."""
        return {score.metric: score.value for score in self.score_list}

    @cached_property
    def scoring(self) -> Scoring:
        """The rules by which the run was scored."""
        return validate(Scoring, self.config["scoring"])

    def read_again(self, metric: str) -> str:
        """Name the score that holds a metric's value for images that had been read before, if it depends on that."""
        name = metric.removeprefix(WARM)
        timed = name in BY_NAME and BY_NAME[name].group == "speed"
        return f"{WARM}{name}" if timed and self.pictures == UNSEEN else name

    @cached_property
    def decisive(self) -> str:
        """The column that decides how fast the run is."""
        scenario = self.config["scenario"]
        kind = SCENARIOS.get(scenario["name"])
        return kind.decisive(scenario.get("options", {})) if kind else LATENCY

    @cached_property
    def row(self) -> Mapping[str, Value]:
        """The run's row of the wide table: column → value, None where there is none."""
        return {column.name: column.of(self) for column in COLUMNS}

    @cached_property
    def timings(self) -> "pd.DataFrame":
        """The raw times in nanoseconds, one row per image and repetition, warm-up too; empty for a failed run.

        Raises:
            OcrBenchError: The file is damaged.
        """
        import pandas as pd

        return pd.read_parquet(io.BytesIO(self._read("timings")))

    @cached_property
    def measured(self) -> "pd.DataFrame":
        """The times without warm-up."""
        return self.timings[~self.timings["warmup"].astype(bool)]

    @cached_property
    def timed(self) -> "pd.DataFrame":
        """The times behind the latencies: first readings, or those of ``warm`` where ``pictures`` says ``seen``."""
        if self.pictures == UNSEEN:
            return self.measured[~self.measured["repeat"].astype(bool)]
        return self.warm

    @cached_property
    def warm(self) -> "pd.DataFrame":
        """The times of images that had been read before, without first-seen shapes, unless there is nothing else."""
        again = self.measured
        # Runs of earlier versions timed nothing but repeats.
        if self.pictures == UNSEEN:
            again = again[again["repeat"].astype(bool)]
        repeated = again[~again["first_seen"].astype(bool)]
        return again if repeated.empty else repeated

    @cached_property
    def outcomes(self) -> Sequence[Outcome]:
        """The predicted and the expected regions of each image, ordered by its id; empty for a failed run.

        Raises:
            OcrBenchError: The file is damaged.
        """
        # Not splitlines(): a text may hold U+2028 and its like.
        lines = self._read("outcomes").split(b"\n")
        # The id comes first in a line, so lines that are not wanted need not be decoded, which is slow.
        wanted = self.sample_ids
        starts = b"" if wanted is None else tuple(to_json({"sample_id": each})[:-1] + b"," for each in wanted)
        found = (decoded(Outcome, json.loads(line)) for line in lines if line and line.startswith(starts))
        return sorted(found, key=lambda outcome: outcome.sample_id)

    @cached_property
    def matchings(self) -> Sequence[Matching]:
        """The regions of each of ``outcomes``, paired."""
        threshold = self.scoring.iou_threshold
        return [match(outcome.predicted, outcome.expected, threshold) for outcome in self.outcomes]

    @cached_property
    def tallies(self) -> Mapping[str, Tallies]:
        """Sample id → counts of every metric, by the run's rules."""
        return {each.sample_id: tallies(each.predicted, each.expected, self.scoring) for each in self.outcomes}

    @cached_property
    def fates(self) -> Sequence[Sequence[Fate]]:
        """What happened to each word of the ground truth, for each of ``outcomes``."""
        return [fates(matching, self.scoring) for matching in self.matchings]

    @cached_property
    def intervals(self) -> Mapping[str, Interval]:
        """Column → 95 % interval of its value over other choices of images, where there is one."""
        values = {name: value for name in METRICS if isinstance(value := self.row[name], float)}
        every = self.row["images"]
        accuracy = score_intervals(list(self.tallies.values()), values, int(every) if isinstance(every, float) else 0)
        found = {**latency_intervals(self.timed, self.row), **accuracy}
        # A scenario may know more.
        known = self.conditions.get("facts", {}).get("intervals", {})
        return found | {
            name: Interval(estimate=self.scores[name], low=low, high=high) for name, (low, high) in known.items()
        }

    def log(self, name: str) -> str | None:
        """Read one of the run's further files; None where it has none of that name."""
        if self.folder is None or "logs" not in self.files:
            return None
        path = self.folder / Path(self.files["logs"]).name / Path(name).name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def stored(self, folder: Path, files: Mapping[str, str]) -> Self:
        """Return the run as it lies in a folder."""
        return replace(self, folder=folder, files=files)

    def to_plain(self) -> dict[str, Any]:
        """Return what ``run.json`` holds of the run."""
        plain = {name: getattr(self, name) for name in RECORDED if name != "score_list"}
        return {**plain, "scores": [vars(score) for score in self.score_list]}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Undo ``to_plain``.

        Raises:
            KeyError: A value is missing.
            TypeError: A value is of the wrong type.
        """
        known = {name: plain[name] for name in RECORDED if name in plain}
        scores = tuple(Score(**score) for score in plain["scores"])
        noisy = tuple(plain.get("noisy", ()))
        return cls(**{**known, "config": modernised(plain["config"]), "score_list": scores, "noisy": noisy})

    def _read(self, kind: str) -> bytes:
        """Read a data file, whose name holds the hash of what was written."""
        if self.folder is None:
            message = f"{self.run_id} is not stored: it has no {kind}"
            raise OcrBenchError(message)
        path = self.folder / Path(self.files[kind]).name
        content = path.read_bytes()
        if path.stem != f"{kind}-{digest(content)}":
            message = f"{path}: damaged since it was written; remove the folder of this run and measure the cell again"
            raise OcrBenchError(message)
        return content

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.row[name]!r}" for name in ("precision", "device", "scenario", "dataset"))
        return f"<Run {self.run_id}: {shown}, {self.status}>"

    def _repr_html_(self) -> str:
        shown = [(name, text(name, value)) for name, value in self.row.items() if filled([value])]
        return to_html(("column", "value"), shown)


# What ``run.json`` keeps of a run; the rest says where it lies and how it is shown.
RECORDED = tuple(each.name for each in fields(Run) if each.name not in ("files", "folder", "label", "sample_ids"))


def outcomes_of(samples: Sequence[Sample], predictions: Mapping[str, Sequence[Region]]) -> list[Outcome]:
    """Pair the samples that have predictions with them.

    Args:
        samples: Images with their ground truth.
        predictions: Sample id → what was found in it.
    """
    return [
        Outcome(sample_id=each.id, predicted=tuple(predictions[each.id]), expected=each.regions)
        for each in samples
        if each.id in predictions
    ]


def reading_of(outcomes: Sequence[Outcome]) -> str:
    """Hash what was read: equal hashes mean the same texts, in the same order, in the same images."""
    texts = [[each.sample_id, [region.text for region in each.predicted]] for each in outcomes]
    return digest(to_json(texts))[:READING_DIGITS] if texts else ""


def digest(content: bytes) -> str:
    """Return the short hash by which files of a run are named."""
    return hashlib.sha256(content).hexdigest()[:12]


def to_json(content: object, indent: int | None = None) -> bytes:
    """Write JSON for people too: Unicode as it is, except what UTF-8 cannot hold (file names may be any bytes)."""
    return json.dumps(content, indent=indent, ensure_ascii=False).encode(errors="backslashreplace")
