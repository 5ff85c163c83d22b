"""Do the intervals hold? Simulated differences whose truth is known, judged by the code that judges real ones.

    python tests/benchmarks/coverage.py > coverage.csv
    python tests/benchmarks/coverage.py --repeats 200 --seed 1

A line of the output is a situation: the share of intervals that cover the truth, their median half width, and the
shares of verdicts. ``wrong_equivalent`` counts "equivalent" where the truth lies outside the margin. A row without
intervals is one where no verdict is possible. The worst rows go to standard error.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ocrbench.compare.verdict import ACCURACY_MARGIN, Change
from ocrbench.metrics.intervals import Interval, difference_interval, midmean, ratio_over_processes, ratio_over_runs
from ocrbench.records import Tally

METRIC = "det_recall"
SPEED = "latency_p50_ms"
SPEED_MARGIN = 0.03
# The share of words that A reads right.
RIGHT = 0.7
COLUMNS = (
    "kind",
    "situation",
    "size",
    "truth",
    "repeats",
    "coverage",
    "half_width",
    "equivalent",
    "wrong_equivalent",
    "difference_found",
)
Numbers = NDArray[np.int64]
Losses = Callable[[np.random.Generator, Numbers], Numbers]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is simulated.

    Attributes:
        kind: ``accuracy``, ``times`` or ``runs``.
        name: What happens.
        size: The number of images or processes, or of runs on either side.
        truth: The true difference, or ratio.
        draw: Simulates one comparison.
    """

    kind: str
    name: str
    size: str
    truth: float
    draw: Callable[[np.random.Generator], Interval | None]


def _flips(loss: float, gain: float) -> Losses:
    """Words that are lost and gained independently of each other."""
    return lambda generator, words: generator.binomial(words, gain) - generator.binomial(words, loss)


def _clusters(share: float, loss: float, *, both: bool = False) -> Losses:
    """Images of which few lose many words, or as often gain them."""

    def draw(generator: np.random.Generator, words: Numbers) -> Numbers:
        hit = generator.random(len(words)) < share
        sign = generator.choice([-1, 1], len(words)) if both else -1
        return np.asarray(sign * hit * generator.binomial(words, loss))

    return draw


# What happens → (the true difference, how it is drawn).
ACCURACY: Mapping[str, tuple[float, Losses]] = {
    "nothing differs": (0.0, _flips(0, 0)),
    "2 % flips, both ways": (0.0, _flips(0.01, 0.01)),
    "2 % lost": (-0.02, _flips(0.02, 0)),
    "rare flips: 0.3 % lost": (-0.003, _flips(0.003, 0)),
    "3 % lost": (-0.03, _flips(0.03, 0)),
    "5 % lost, 2 % gained": (-0.03, _flips(0.05, 0.02)),
    "one image in 20 loses 40 %": (-0.02, _clusters(0.05, 0.4)),
    "one image in 60 loses 40 %": (-0.4 / 60, _clusters(1 / 60, 0.4)),
    "one image in 10 loses 30 %": (-0.03, _clusters(0.1, 0.3)),
    "one image in 20 loses or gains 40 %": (0.0, _clusters(0.05, 0.4, both=True)),
}


def _accuracy(images: int, words: int, losses: Losses) -> Callable[[np.random.Generator], Interval | None]:
    def draw(generator: np.random.Generator) -> Interval | None:
        # Images differ in their number of words.
        counts = 1 + generator.poisson(words - 1, images)
        changes = losses(generator, counts)
        before = generator.binomial(counts, RIGHT)
        sides = (
            [{METRIC: Tally(numerator=float(right), denominator=float(count))} for right, count in each]
            for each in (zip(before, counts, strict=True), zip(before + changes, counts, strict=True))
        )
        found = difference_interval(*sides, METRIC)
        return None if found is None else found[0]

    return draw


# The noise of one pair of times, as a standard deviation of the logarithm, and the number of pairs per process.
NOISE, PAIRS, CORRELATION = 0.04, 15, 0.8


def _process(generator: np.random.Generator, name: str) -> NDArray[np.float64]:
    """Simulate the log ratios of one pair of processes that are equally fast."""
    ratios = generator.normal(0, NOISE, PAIRS)
    if name == "correlated moments":
        for i in range(1, PAIRS):
            ratios[i] = CORRELATION * ratios[i - 1] + np.sqrt(1 - CORRELATION**2) * ratios[i]
    elif name.startswith("processes differ"):
        ratios += generator.normal(0, float(name.split()[-2]) / 100 * np.sqrt(2))
    elif name == "bursts":
        hit = generator.random(PAIRS) < 0.1
        ratios += hit * generator.choice([-1, 1], PAIRS) * generator.exponential(0.5, PAIRS)
    elif name == "a third of a process is disturbed":
        ratios[: PAIRS // 3] += 0.3 * generator.choice([-1, 0, 0, 0, 1])
    return ratios


TIMES = (
    "independent",
    "processes differ by 0.5 %",
    "processes differ by 2 %",
    "correlated moments",
    "bursts",
    "a third of a process is disturbed",
)


def _times(processes: int, name: str, truth: float) -> Callable[[np.random.Generator], Interval | None]:
    return lambda generator: ratio_over_processes(
        [midmean(_process(generator, name) + np.log(truth)) for _ in range(processes)]
    )


def _runs(before: int, after: int, spread: float, truth: float) -> Callable[[np.random.Generator], Interval | None]:
    return lambda generator: ratio_over_runs(
        generator.normal(0, spread, before).tolist(), generator.normal(np.log(truth), spread, after).tolist()
    )


def situations() -> Iterator[Situation]:
    """List everything that is simulated."""
    for name, (truth, losses) in ACCURACY.items():
        for words in (4, 50):
            for images in (3, 10, 30, 150, 500):
                yield Situation(
                    kind="accuracy",
                    name=f"{name}; {words} words an image",
                    size=str(images),
                    truth=truth,
                    draw=_accuracy(images, words, losses),
                )
    for name in TIMES:
        for truth in (1.0, 1.05):
            for processes in (1, 2, 3, 4, 6):
                draw = _times(processes, name, truth)
                yield Situation(kind="times", name=name, size=str(processes), truth=truth, draw=draw)
    for spread in (0.01, 0.02, 0.04, 0.06):
        for truth in (1.0, 1.05):
            for before, after in ((1, 1), (2, 1), (2, 2), (5, 1), (3, 3), (6, 6)):
                yield Situation(
                    kind="runs",
                    name=f"runs differ by {spread:.0%}".replace("%", " %"),
                    size=f"{before}+{after}",
                    truth=truth,
                    draw=_runs(before, after, spread, truth),
                )


def judge(situation: Situation, repeats: int, generator: np.random.Generator) -> dict[str, str | float]:
    """Simulate a situation and count how often its interval covers the truth, and what is said of it."""
    intervals = [found for _ in range(repeats) if (found := situation.draw(generator)) is not None]
    row: dict[str, str | float] = {
        "kind": situation.kind,
        "situation": situation.name,
        "size": situation.size,
        "truth": round(situation.truth, 5),
        "repeats": repeats,
    }
    if not intervals:
        return row
    accuracy = situation.kind == "accuracy"
    metric, margin = (METRIC, ACCURACY_MARGIN) if accuracy else (SPEED, SPEED_MARGIN)
    changes = [Change(metric=metric, before=1.0, after=1.0, interval=each, margin=margin, n=1) for each in intervals]
    equivalent = _share(change.direction == "equivalent" for change in changes)
    outside = abs(situation.truth - (0.0 if accuracy else 1.0)) > margin
    return {
        **row,
        "coverage": _share(each.low <= situation.truth <= each.high for each in intervals),
        "half_width": round(median(each.half_width for each in intervals), 5),
        "equivalent": equivalent,
        "wrong_equivalent": equivalent if outside else 0.0,
        "difference_found": _share(change.direction in ("better", "worse") for change in changes),
    }


def _share(happened: Iterator[bool]) -> float:
    counted = list(happened)
    return round(sum(counted) / len(counted), 4)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    generator = np.random.default_rng(given.seed)
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    rows = []
    for situation in situations():
        rows.append(judge(situation, given.repeats, generator))
        writer.writerow(rows[-1])
    _worst([row for row in rows if "coverage" in row])


def _worst(rows: Sequence[Mapping[str, str | float]]) -> None:
    for kind in ("accuracy", "times", "runs"):
        of_kind = [row for row in rows if row["kind"] == kind]
        least = min(of_kind, key=lambda row: row["coverage"])
        most = max(of_kind, key=lambda row: row["wrong_equivalent"])
        sys.stderr.write(
            f"{kind}: coverage at least {least['coverage']} ({least['situation']}, {least['size']}); "
            f"wrong equivalent at most {most['wrong_equivalent']}\n"
        )


if __name__ == "__main__":
    main()
