"""Score stored runs by another rule: ``ocrbench score``."""

from dataclasses import fields, replace
from typing import Annotated

import typer
from rich.text import Text

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.config.composing import load
from ocrbench.config.schema import Scoring
from ocrbench.errors import ConfigError
from ocrbench.report.console import show_table
from ocrbench.runs.score import score_run
from ocrbench.runs.store import find_runs

DEFAULT_RUNS = "reports"
PREFIX = "scoring."

app = make_app()


@command(app, "score")
def score(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUNS|scoring.KEY=VALUE", help="Runs, or any folders above runs.", show_default=DEFAULT_RUNS
        ),
    ] = None,
) -> None:
    """Score stored runs by another rule, from what they read."""
    overrides = [word for word in words or () if "=" in word]
    for word in overrides:
        if not word.lstrip("+").startswith(PREFIX):
            valid = ", ".join(f"{PREFIX}{each.name}" for each in fields(Scoring))
            message = f"score: {word}: a finished run is only scored anew; expected folders and {valid}"
            raise ConfigError(message)
    rule = load(overrides).scoring
    given = {word.lstrip("+").partition("=")[0].removeprefix(PREFIX) for word in overrides}
    changes = {name: getattr(rule, name) for name in given}
    runs = find_runs([word for word in words or () if "=" not in word] or [DEFAULT_RUNS], failed=True)
    scored = [score_run(run, replace(run.scoring, **changes)) for run in runs]
    console = make_console()
    show_table(console, scored)
    rules = {
        ", ".join(f"{name}={_plain(value)}" for name, value in sorted(vars(run.scoring).items())) for run in scored
    }
    console.print(Text(f"Scored with {rules.pop() if len(rules) == 1 else 'the rules in the table'}"), soft_wrap=True)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
