"""Short names for runs: what tells them from each other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ocrbench.compare.matching import FACTORS
from ocrbench.records import RunRecord
from ocrbench.settings import differing_settings

# Factor → how it reads in a label.
SHOWN: Mapping[str, Callable[[RunRecord], str]] = {
    **{name: FACTORS[name] for name in ("model", "precision", "device", "scenario", "dataset", "host")},
    "openvino": lambda record: f"OpenVINO {FACTORS['openvino'](record)}",
}
# What a label consists of, even if all runs share it.
ALWAYS = ("model", "precision")
# Of each part.
LENGTH = 40


def labels(records: Sequence[RunRecord]) -> list[str]:
    """Name each run by what differs among them; equal names get a number, oldest first."""
    differing = [name for name in SHOWN if name in ALWAYS or len({SHOWN[name](record) for record in records}) > 1]
    words = [[_once(SHOWN[name](record)) for name in differing] for record in records]
    settings = differing_settings(records)
    return number_repeated(
        [" ".join(map(shortened, filter(None, (*each, more)))) for each, more in zip(words, settings, strict=True)]
    )


def number_repeated(names: Sequence[str]) -> list[str]:
    """Tell equal names apart by a number.

    >>> number_repeated(["a", "b", "a"])
    ['a #1', 'b', 'a #2']
    """
    repeated = {name for name, count in Counter(names).items() if count > 1}
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} #{seen[name]}" if name in repeated else name)
    return found


def shortened(name: str) -> str:
    """Cut a name; those that others chose may have any length.

    >>> shortened("sample"), len(shortened("x" * 999))
    ('sample', 40)
    """
    return name if len(name) <= LENGTH else f"{name[: LENGTH - 1]}…"


def _once(value: str) -> str:
    """Show what both stages share once.

    >>> _once("FP16+FP16"), _once("FP16+INT8"), _once("CPU")
    ('FP16', 'FP16+INT8', 'CPU')
    """
    first, _, second = value.partition("+")
    return first if first == second else value
