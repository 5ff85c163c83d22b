"""Resumable accuracy control: NNCF searches, and a journal records every score.

NNCF's search is deterministic, given the scores. A search that was stopped is repeated from the start with the scores
in the journal, which takes no inference, and continues where it stopped. The journal also shows the best step of an
unfinished or unsuccessful search.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config.schema import Quantization
from ocrbench.config.stage import Recipe
from ocrbench.convert.end_to_end import EndToEndScore
from ocrbench.convert.quantize import Inputs, quantised_operations, quantize, quantize_controlled

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """The result of accuracy control, on the validation images.

    Attributes:
        float_score: End-to-end hmean with the float network of this stage.
        recipe_score: End-to-end hmean with the network of the recipe alone.
        score: End-to-end hmean with the chosen network.
        within_budget: Whether ``score`` is within the budget.
        reverted: Operations that the recipe quantises and that are float again.
        evaluations: Number of times that a network was scored, ranking included.
    """

    float_score: float
    recipe_score: float
    score: float
    within_budget: bool
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
        scores = self._journal.whole_scores(images)
        best, last = _best_step(scores, max_drop), len(scores) - 2
        as_the_recipe = found if found is not None and last == 0 else quantize(model, recipe, inputs)
        if best == 0:
            found = as_the_recipe
        elif found is None or best != last:
            found = attempt(best)
        reverted = quantised_operations(as_the_recipe) - quantised_operations(found)
        return found, Controlled(
            float_score=scores[0],
            recipe_score=scores[1],
            score=scores[best + 1],
            within_budget=scores[0] - scores[best + 1] <= max_drop,
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
            score, values = self._score(compiled, numbers)
            entry = self._journal.add(asked, score, values)
            self._progress(f"accuracy control: score {len(self._journal)}: {score:.4f} on {len(numbers)} images")
        return entry["score"], entry["values"]


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

    def add(self, asked: dict[str, Any], score: float, values: Sequence[float]) -> dict[str, Any]:
        """Append an answer."""
        entry = {**asked, "score": score, "values": list(values)}
        self._entries.append(entry)
        self._position += 1
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(_line(entry))
        return entry

    def whole_scores(self, images: int) -> list[float]:
        """Return the scores on all images: of the float network, the recipe's network, and after each further step."""
        return [entry["score"] for entry in self._entries if len(entry["images"]) == images]


def _best_step(scores: Sequence[float], max_drop: float) -> int:
    """Choose the first step within the budget, else the best one; 0 is the recipe's own network.

    >>> _best_step([0.5, 0.4, 0.45, 0.496, 0.49], 0.005), _best_step([0.5, 0.4, 0.45, 0.43], 0.005)
    (2, 1)
    """
    steps = scores[1:]
    within = [number for number, score in enumerate(steps) if scores[0] - score <= max_drop]
    return within[0] if within else int(np.argmax(steps))


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
