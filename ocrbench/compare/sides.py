"""From A and B in words to configurations."""

import functools
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ocrbench.config.checking import closest
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.errors import ConfigError
from ocrbench.files import choices
from ocrbench.measure.processes import Worker

# Both sides are judged by those of A, so B's would be ignored silently.
JUDGED_BY = ("gate", "scoring")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two configurations of a comparison.

    Attributes:
        label: The side as the user wrote it.
        interpreter: Python interpreter that measures.
        variables: Environment variables of that process only.
    """

    label: str
    cell: Cell
    interpreter: str = sys.executable
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether its processes run this very ocrbench, with the environment of this process."""
        return self.interpreter == sys.executable and not self.variables

    @property
    def start(self) -> Callable[[], Worker]:
        """Make a worker for this side."""
        return functools.partial(Worker, self.interpreter, self.variables)


def check_shared(before: Side, after: Side) -> None:
    """Check that A and B are judged by the same rules.

    Raises:
        ConfigError: Their gate or their scoring differs.
    """
    for name in JUDGED_BY:
        if getattr(before.cell, name) != getattr(after.cell, name):
            message = f"A and B must be judged by the same {name}; give it once, after both"
            raise ConfigError(message)


def parse_side(text: str, common: Sequence[str], config_dir: str | None = None) -> Side:
    """Parse one side.

    Args:
        text: Words separated by spaces: ``KEY=VALUE`` overrides, the name of an experiment, ``python=PATH`` (another
            interpreter) and ``env.NAME=VALUE`` (an environment variable); empty for the common configuration itself.
        common: Overrides of both sides.
        config_dir: Folder of further configuration.

    Raises:
        ConfigError: A word is wrong.

    >>> parse_side("precision=FP32 env.ONEDNN_MAX_CPU_ISA=AVX512_CORE", []).variables
    {'ONEDNN_MAX_CPU_ISA': 'AVX512_CORE'}
    """
    overrides = list(common)
    interpreter, variables = sys.executable, {}
    for word in shlex.split(text):
        key, separator, value = word.partition("=")
        if not separator:
            overrides.append(f"experiment={_experiment(word, config_dir)}")
        elif key == "python":
            interpreter = _interpreter(value)
        elif key.startswith("env."):
            variables[key.removeprefix("env.")] = value
        else:
            overrides.append(word)
    cell = load(overrides, config_dir)
    return Side(label=text or "as configured", cell=cell, interpreter=interpreter, variables=variables)


def _experiment(word: str, config_dir: str | None) -> str:
    names = choices("experiment", config_dir)
    if word not in names:
        message = f"{word}: expected KEY=VALUE or an experiment; {closest(word, names)}"
        raise ConfigError(message)
    return word


def _interpreter(value: str) -> str:
    found = shutil.which(value)
    if found is None:
        message = f"python={value}: no such program"
        raise ConfigError(message)
    # Not resolved, because the link makes it the Python of a virtual environment.
    return str(Path(found).absolute())
