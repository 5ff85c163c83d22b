"""Download and convert models ahead of time: ``ocrbench fetch MODEL…``."""

from typing import Annotated

import typer
from rich.text import Text

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.cli.files import ConfigDirOption, existing
from ocrbench.config.checking import closest, refuse_unused
from ocrbench.config.composing import load
from ocrbench.config.schema import ONLY_MEASURING
from ocrbench.config.stage import ROLES, Role
from ocrbench.errors import ConfigError, OcrBenchError
from ocrbench.files import choices
from ocrbench.measure.preparing import prepare
from ocrbench.progress import ConsoleListener

app = make_app()

FAILED = 1


@command(app, "fetch")
def fetch(
    words: Annotated[
        list[str],
        typer.Argument(metavar="MODEL|KEY=VALUE", help="Detectors, recognizers or pairs; see 'ocrbench list models'."),
    ],
    config_dir: ConfigDirOption = None,
) -> None:
    """Download and convert models ahead of time."""
    overrides = [word for word in words if "=" in word]
    refuse_unused(overrides, ONLY_MEASURING, "fetch")
    folder = existing(config_dir)
    wanted = [_choices(word, folder) for word in words if "=" not in word]
    status = 0
    for name, choice, roles in wanted:
        cell = load([choice, *overrides], folder)
        with ConsoleListener(make_console(stderr=True), name) as listener:
            try:
                artifacts = prepare(cell, listener, roles)
            except OcrBenchError as error:
                make_console(stderr=True).print(Text(f"ocrbench: {error}"), soft_wrap=True)
                status = FAILED
                continue
        for networks in artifacts.values():
            for artifact in networks.values():
                made = f"{name} {artifact.precision}: {artifact.path} ({artifact.size_bytes / 1e6:.1f} MB)"
                make_console().print(Text(made), soft_wrap=True)
    raise typer.Exit(status)


def _choices(word: str, config_dir: str | None) -> tuple[str, str, tuple[Role, ...]]:
    """Find out what a name means: (name, override, the stages that it is about); zoo spelling is fine."""
    name = word.replace("-", "_")
    if name in choices("model", config_dir):
        return word, f"model={name}", ROLES
    roles = tuple(role for role in ROLES if name in choices(role, config_dir))
    if not roles:
        valid = {each for group in ("model", *ROLES) for each in choices(group, config_dir)}
        message = f"{word}: no such model; {closest(name, valid)}"
        raise ConfigError(message)
    return word, f"{roles[0]}={name}", roles[:1]
