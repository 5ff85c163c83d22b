"""Short names for runs, made of what distinguishes them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ocrbench.runs.match import FACTORS
from ocrbench.runs.run import Run
from ocrbench.runs.settings import differing_settings

# Factor → its form in a label.
SHOWN: Mapping[str, Callable[[Run], str]] = {
    **{name: FACTORS[name] for name in ("model", "precision", "device", "scenario", "dataset", "host")},
    "openvino": lambda run: f"OpenVINO {FACTORS['openvino'](run)}",
}
# Factors that a label always has, even if all runs share them.
ALWAYS = ("model", "precision")
# Characters of each part.
LENGTH = 40


def labels(runs: Sequence[Run]) -> list[str]:
    """Name each run by what differs between them; equal names get a number, oldest first."""
    differing = [name for name in SHOWN if name in ALWAYS or len({SHOWN[name](run) for run in runs}) > 1]
    words = [[SHOWN[name](run) for name in differing] for run in runs]
    settings = differing_settings(runs)
    return number_repeated(
        [" ".join(map(shortened, filter(None, (*each, more)))) for each, more in zip(words, settings, strict=True)]
    )


def number_repeated(names: Sequence[str]) -> list[str]:
    """Number equal names.

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
    """Shorten a name; users' names may have any length.

    >>> shortened("sample"), len(shortened("x" * 999))
    ('sample', 40)
    """
    return name if len(name) <= LENGTH else f"{name[: LENGTH - 1]}…"
