"""How often ``ocrbench history`` sees a change of level where there is none, and how often it finds one.

    python tests/benchmarks/change_points.py > changes.csv
    python tests/benchmarks/change_points.py critical

The first form simulates series of families without any change, and series with one. Apache Otava sees the same
series with its default settings where it is installed (``pip install apache-otava``). The second form prints
``CRITICAL`` of ``ocrbench/metrics/change_points.py`` again. Its seed is another one, so that the first form is a check.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.metrics.change_points import MIN_WINDOWED, Fits, accepted, fit, is_quiet

Series = NDArray[np.float64]
Family = Callable[[np.random.Generator, tuple[int, int]], Series]

LEVEL = 100.0
COUNTS = (6, 10, 20, 50)
# Standard deviations of the noise in percent: the false alarms are those with the worst of them. In long series, the
# size of the noise does not matter.
SIZES = (1, 2, 3, 4, 5, 6, 10)
# Rows of the table of critical values. From the number of runs in LONG on, one value serves all series.
ROWS = (6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20, 25, 30, 40, 50, 100, 200)
LONG = 12
# Steps that are to be found, and the noise around them, in percent.
STEPS = ((5, 1), (5, 0.5), (5, 2), (10, 2), (3, 0.6))
# Aims of the calibration: below 5 % and above 87 %, as far as the simulation is uncertain.
FALSE_ALARMS = 0.0485
POWER = 0.872


def autoregressive(correlation: float) -> Family:
    def simulate(generator: np.random.Generator, shape: tuple[int, int]) -> Series:
        noise = generator.normal(size=shape)
        for place in range(1, shape[1]):
            noise[:, place] = correlation * noise[:, place - 1] + np.sqrt(1 - correlation**2) * noise[:, place]
        return noise

    return simulate


def outliers(generator: np.random.Generator, shape: tuple[int, int]) -> Series:
    noise = generator.normal(size=shape)
    return np.where(generator.random(shape) < 0.1, 8 * np.abs(noise), noise)


def modes(within: float) -> Family:
    """Return runs that land in one of two levels at random; ``within`` is the noise as a share of their distance."""

    def simulate(generator: np.random.Generator, shape: tuple[int, int]) -> Series:
        return generator.integers(0, 2, shape) + within * generator.normal(size=shape)

    return simulate


def in_turn(generator: np.random.Generator, shape: tuple[int, int]) -> Series:
    return np.arange(shape[1]) % 2 + 0.1 * generator.normal(size=shape)


def nearly_constant(share: float) -> Family:
    def simulate(generator: np.random.Generator, shape: tuple[int, int]) -> Series:
        return (generator.random(shape) < share).astype(float)

    return simulate


FAMILIES: dict[str, Family] = {
    "normal": lambda generator, shape: generator.normal(size=shape),
    "student t3": lambda generator, shape: generator.standard_t(3, shape),
    "exponential": lambda generator, shape: generator.exponential(size=shape),
    "10 % outliers": outliers,
    "AR(1) 0.6": autoregressive(0.6),
    "AR(1) 0.8": autoregressive(0.8),
    "AR(1) 0.9": autoregressive(0.9),
    "two levels at random": modes(0.05),
    "two levels at random, wide": modes(0.3),
    "two levels in turn": in_turn,
    "constant but for 5 %": nearly_constant(0.05),
    "constant but for 20 %": nearly_constant(0.2),
    "constant but for 50 %": nearly_constant(0.5),
    "small integers": lambda generator, shape: generator.poisson(1.0, shape).astype(float),
}


def steps(generator: np.random.Generator, shape: tuple[int, int], step: float, noise: float) -> Series:
    """Simulate series whose second half is higher; both in percent."""
    return LEVEL + noise * generator.normal(size=shape) + np.where(np.arange(shape[1]) < shape[1] // 2, 0, step)


def fits_of(series: Series) -> Fits:
    chunk = max(1, 4_000_000 // series.shape[1] ** 2)
    parts = [fit(series[start : start + chunk]) for start in range(0, len(series), chunk)]
    return Fits(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Fits.__dataclass_fields__})


def sizes(count: int) -> tuple[int, ...]:
    return SIZES if count < LONG else SIZES[:1]


def calibrate(count: int, generator: np.random.Generator) -> tuple[float, float, float, float]:
    """Return the critical values of series with this number of runs."""
    repetitions = 60_000 if count <= LONG else 20_000 if count <= 50 else 5_000
    null: list[Fits] = []
    for family in FAMILIES.values():
        noise = family(generator, (repetitions, count))
        null += [fits_of(LEVEL + size * noise) for size in sizes(count)]
    if count < LONG:
        return (*_short(null, fits_of(steps(generator, (repetitions, count), 5, 1))), np.inf, np.inf)
    # Two levels get the larger part of the false alarms, and what they leave is for three levels and then for windows.
    parts = (0.9, 1.0) if count < MIN_WINDOWED else (0.4, 0.6, 1.0)
    found = [np.zeros(repetitions, dtype=bool) for _ in null]
    values = [np.inf, np.inf, np.inf]
    for place, (name, part) in enumerate(zip(("two", "three", "window"), parts, strict=False)):
        ratios = [np.where(before, 0, getattr(fits, name)) for fits, before in zip(null, found, strict=True)]
        values[place] = max(
            float(np.quantile(ratio, min(1, 1 - part * FALSE_ALARMS + before.mean())))
            for ratio, before in zip(ratios, found, strict=True)
        )
        found = [before | (ratio > values[place]) for ratio, before in zip(ratios, found, strict=True)]
    return values[0], *values


def _short(null: list[Fits], changed: Fits) -> tuple[float, float]:
    """Choose the lowest value of other series with which quiet ones are found as often as hoped, or as possible."""
    # Sorted, so that a share is one search.
    quiet_ones = [np.sort(fits.two[is_quiet(fits)]) for fits in null]
    others = [np.sort(fits.two[~is_quiet(fits)]) for fits in null]
    all_ones = np.sort(changed.two[is_quiet(changed)]), np.sort(changed.two[~is_quiet(changed)])

    def above(ordered: NDArray[np.float64], value: float) -> int:
        return len(ordered) - int(np.searchsorted(ordered, value, "right"))

    choices = []
    for other in np.arange(2.2, 6, 0.05):
        for value in np.arange(1.6, other + 0.01, 0.02):
            alarms = max(above(a, value) + above(b, other) for a, b in zip(quiet_ones, others, strict=True))
            if alarms <= FALSE_ALARMS * len(changed.two):
                found = (above(all_ones[0], value) + above(all_ones[1], other)) / len(changed.two)
                choices.append((found, float(value), float(other)))
                break
    enough = min(POWER, max(choices)[0] - 0.003)
    _, value, other = min((choice for choice in choices if choice[0] >= enough), key=lambda choice: choice[2])
    return value, other


def ours(series: Series) -> float:
    return round(float(accepted(fits_of(series), series.shape[1]).any(axis=0).mean()), 4)


def otava() -> Callable[[Series], bool] | None:
    try:
        from otava.analysis import compute_change_points
    except ModuleNotFoundError:
        return None
    return lambda series: bool(compute_change_points(series.tolist())[0])


def share(method: Callable[[Series], bool] | None, series: Series) -> float | str:
    return "" if method is None else round(float(np.mean([method(each) for each in series])), 4)


def table(repetitions: int, rival_repetitions: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield a row per kind of series and number of runs."""
    rival = otava()
    generator = np.random.default_rng(seed)
    for count in COUNTS:
        for name, family in FAMILIES.items():
            noise = family(generator, (repetitions, count))
            row = {"series": name, "step_percent": 0, "noise_percent": "", "runs": count}
            found = max(ours(LEVEL + size * noise) for size in sizes(count))
            yield {**row, "ours": found, "otava": share(rival, LEVEL + noise[:rival_repetitions])}
        for step, size in STEPS:
            series = steps(generator, (repetitions, count), step, size)
            row = {"series": "normal", "step_percent": step, "noise_percent": size, "runs": count}
            yield {**row, "ours": ours(series), "otava": share(rival, series[:rival_repetitions])}


def main() -> None:
    """Print the critical values, or the shares of series in which a change was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["shares", "critical"], default="shares")
    parser.add_argument("--repetitions", type=int, default=20_000, help="series per row")
    parser.add_argument("--otava-repetitions", type=int, default=500, help="the same for Apache Otava, which is slower")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.what == "critical":
        generator = np.random.default_rng(given.seed + 1000)
        rows = {count: calibrate(count, generator) for count in ROWS}
        # A row also serves the numbers up to the next one.
        for count, after in zip(ROWS, (*ROWS[1:], ROWS[-1]), strict=True):
            values = rows[count][:2] + tuple(
                np.maximum(rows[count][2:], rows[after][2:]) if count >= MIN_WINDOWED else rows[count][2:]
            )
            texts = ("math.inf" if value == np.inf else f"{value:.3f}" for value in values)
            sys.stdout.write(f"    {count}: ({', '.join(texts)}),\n")
        return
    writer = None
    for row in table(given.repetitions, given.otava_repetitions, given.seed):
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row))
            writer.writeheader()
        writer.writerow(row)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
