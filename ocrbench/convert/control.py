"""Resumable accuracy control: NNCF searches, and a journal records every score.

NNCF's search is deterministic, given the scores. A search that was stopped is repeated from the start with the scores
in the journal, which takes no inference, and continues where it stopped. The journal also shows the best step of an
unfinished or unsuccessful search.

NNCF ends its search at the first network whose score is high enough. A score alone does not show what is lost on images
that were not asked, so the networks that it tried are judged by their intervals over the validation images, as a gate
judges.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config.schema import Quantization
from ocrbench.config.stage import Recipe
from ocrbench.convert.end_to_end import METRIC, EndToEndScore, hmean
from ocrbench.convert.quantize import Inputs, quantised_operations, quantize, quantize_controlled
from ocrbench.metrics.intervals import Against, Interval, Spread, difference_interval
from ocrbench.metrics.scoring import Tallies
from ocrbench.records import Tally

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """The result of accuracy control, on the validation images.

    Attributes:
        float_score: End-to-end hmean with the float network of this stage.
        recipe_score: End-to-end hmean with the network of the recipe alone.
        score: End-to-end hmean with the chosen network.
        max_drop: The budget.
        outcome: Whether the drop is ``within`` the budget or ``beyond`` it, as a whole; else ``undecided``.
        drop: ``float_score`` - ``score`` with its interval over the images; None for too few images.
        images: Number of validation images.
        sentence: The outcome in words; where it is undecided, with the number of images that would settle it.
        reverted: Operations that the recipe quantises and that are float again.
        evaluations: Number of times that a network was scored, ranking included.
    """

    float_score: float
    recipe_score: float
    score: float
    max_drop: float
    outcome: Against
    drop: Interval | None
    images: int
    sentence: str
    reverted: tuple[str, ...]
    evaluations: int


class OutOfTimeSignal(BaseException):
    """The end of NNCF's search; not an ``Exception``, because NNCF would catch it."""


class AccuracyControl:
    """One search, for one network."""

    def __init__(
        self,
        settings: Quantization,
        score: EndToEndScore,
        journal: "Journal",
        max_drop: float,
        progress: Callable[[str], None],
    ) -> None:
        """Prepare a search.

        Args:
            settings: Numbers of images, time.
            score: Scores a compiled model on some of the images.
            journal: Remembers scores, also those of a search that was interrupted.
            max_drop: The budget of this network.
            progress: Told of each score.
        """
        self._settings, self._score, self._journal = settings, score, journal
        self._max_drop, self._progress = max_drop, progress
        self._deadline = monotonic() + settings.max_minutes * 60

    def quantize(self, model: Any, recipe: Recipe, inputs: Inputs) -> tuple[Any, Controlled]:  # noqa: ANN401
        """Search.

        Args:
            model: The float ``ov.Model``.
            recipe: What to begin with.
            inputs: Calibration inputs.

        Raises:
            ConversionError: NNCF fails.
        """
        images, max_drop = len(self._score), self._max_drop

        def attempt(max_iterations: int | None) -> Any:  # noqa: ANN401
            self._journal.rewind()
            return quantize_controlled(
                model,
                recipe,
                inputs,
                lambda compiled, numbers: self._remembered(compiled, numbers, inputs[0]),
                images=images,
                max_drop=max_drop,
                max_iterations=max_iterations,
            )

        try:
            found = attempt(None)
        except OutOfTimeSignal:
            self._progress(f"accuracy control: {self._settings.max_minutes:g} minutes are over")
            found = None
        before, *steps = self._journal.whole(images)
        judged = [judge(before, after, max_drop) for after in steps]
        best, last = best_step(judged), len(steps) - 1
        as_the_recipe = found if found is not None and last == 0 else quantize(model, recipe, inputs)
        if best == 0:
            found = as_the_recipe
        elif found is None or best != last:
            found = attempt(best)
        reverted = quantised_operations(as_the_recipe) - quantised_operations(found)
        chosen = judged[best]
        if chosen.outcome != "within":
            log.warning("accuracy control: %s", chosen.sentence)
        return found, Controlled(
            float_score=hmean(before),
            recipe_score=judged[0].score,
            score=chosen.score,
            max_drop=max_drop,
            outcome=chosen.outcome,
            drop=chosen.drop,
            images=images,
            sentence=chosen.sentence,
            reverted=tuple(sorted(reverted)),
            evaluations=len(self._journal),
        )

    def _remembered(self, compiled: Any, numbers: Sequence[int], probe: NDArray[np.float32]) -> Any:  # noqa: ANN401
        """Look up a score, or compute it."""
        asked = {"images": list(numbers), "network": _fingerprint(compiled, probe)}
        entry = self._journal.next(asked)
        if entry is None:
            # A finished search needs at least the scores of the float network and of the recipe's.
            if len(self._journal) > 3 and monotonic() > self._deadline:
                raise OutOfTimeSignal
            entry = self._journal.add(asked, self._score(compiled, numbers))
            self._progress(
                f"accuracy control: score {len(self._journal)}: {entry['score']:.4f} on {len(numbers)} images"
            )
        return entry["score"], [hmean([each]) for each in _tallies(entry)]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A network's loss, held against the budget.

    Attributes:
        score: End-to-end hmean.
        drop: Its loss against the float network, with the interval over the images; None for too few images.
        outcome: Whether the loss is within the budget.
        sentence: The same in words, with what would settle it.
    """

    score: float
    drop: Interval | None
    outcome: Against
    sentence: str


def judge(before: Sequence[Tallies], after: Sequence[Tallies], max_drop: float) -> Judged:
    """Judge a network's loss of end-to-end hmean.

    Args:
        before: Tallies of each image with the float network.
        after: Tallies of the same images with the quantised one.
        max_drop: The budget.
    """
    found = difference_interval(before, after, METRIC)
    if found is None:
        lacking = f"{len(before)} validation images are too few to judge the loss of {METRIC}"
        return Judged(score=hmean(after), drop=None, outcome="undecided", sentence=lacking)
    drop, spread = found[0].negated(), found[1]
    outcome = drop.against(max_drop)
    return Judged(
        score=hmean(after), drop=drop, outcome=outcome, sentence=_sentence(drop, spread, outcome, max_drop, len(before))
    )


def _sentence(drop: Interval, spread: Spread, outcome: Against, max_drop: float, images: int) -> str:
    interval = f"{drop.estimate:.4f} [{drop.low:+.4f}, {drop.high:+.4f}]"
    said = f"the loss of {METRIC} is {interval} over {images} validation images, allowed {max_drop:g}: {outcome}"
    if outcome != "undecided":
        return said
    return f"{said}; {spread.settling(abs(max_drop - drop.estimate))} would settle it (quantization.validation_images)"


def best_step(steps: Sequence[Judged]) -> int:
    """Choose the first step within the budget, else the best of those undecided, else the best; 0 is the recipe's."""
    for number, step in enumerate(steps):
        if step.outcome == "within":
            return number
    return max(range(len(steps)), key=lambda number: (steps[number].outcome == "undecided", steps[number].score))


class Journal:
    """Scores in the order of their requests, one JSON line each."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._entries = _read(path)
        self._position = 0

    def __len__(self) -> int:
        return len(self._entries)

    def rewind(self) -> None:
        """Begin a repetition."""
        self._position = 0

    def next(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Return the next entry if it answers this request; otherwise forget it and all later ones."""
        if self._position < len(self._entries):
            entry = self._entries[self._position]
            if all(entry[key] == value for key, value in asked.items()):
                self._position += 1
                return entry
            log.warning("accuracy control: the search differs from the interrupted one, and starts again from there")
            del self._entries[self._position :]
            self._path.write_text("".join(_line(each) for each in self._entries), encoding="utf-8")
        return None

    def add(self, asked: dict[str, Any], images: Sequence[Tallies]) -> dict[str, Any]:
        """Append an answer: the tallies of each image, and for people the score of all."""
        plain = [{name: [each.numerator, each.denominator] for name, each in image.items()} for image in images]
        entry = {**asked, "score": hmean(images), "tallies": plain}
        self._entries.append(entry)
        self._position += 1
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(_line(entry))
        return entry

    def whole(self, images: int) -> list[list[Tallies]]:
        """Return the answers for all images: of the float network, of the recipe's, and after each further step."""
        return [_tallies(entry) for entry in self._entries if len(entry["images"]) == images]


def _tallies(entry: Mapping[str, Any]) -> list[Tallies]:
    return [
        {name: Tally(numerator=each[0], denominator=each[1]) for name, each in image.items()}
        for image in entry["tallies"]
    ]


def _fingerprint(compiled: Any, probe: NDArray[np.float32]) -> str:  # noqa: ANN401
    """Hash a network's answers, because NNCF does not identify the network in its requests."""
    request = compiled.create_infer_request()
    request.infer([probe])
    digest = hashlib.sha256()
    for tensor in request.output_tensors:
        digest.update(np.ascontiguousarray(tensor.data).tobytes())
    return digest.hexdigest()[:32]


def _read(path: Path) -> list[dict[str, Any]]:
    """Read the journal up to the first incomplete line."""
    entries: list[dict[str, Any]] = []
    if not path.exists():
        return entries
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
        if not line.endswith("\n"):
            entries.pop()
            break
    path.write_text("".join(_line(each) for each in entries), encoding="utf-8")
    return entries


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True) + "\n"
