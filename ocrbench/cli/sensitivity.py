"""Show what quantising costs, layer by layer: ``ocrbench sensitivity MODEL``."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.text import Text

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.cli.files import ConfigDirOption, check_output, existing, write_output
from ocrbench.config.checking import closest
from ocrbench.config.composing import load
from ocrbench.config.stage import ROLES, Role
from ocrbench.errors import ConfigError
from ocrbench.files import choices
from ocrbench.measure.preparing import check
from ocrbench.progress import ConsoleListener
from ocrbench.report.tables import to_csv
from ocrbench.runtime.devices import check_device
from ocrbench.studies.sensitivity.layer_costs import check_quantisable, measure_sensitivity
from ocrbench.studies.sensitivity.sensitivity_table import ORDERS, to_frame, to_table

app = make_app()


@command(app, "sensitivity")
def sensitivity(
    words: Annotated[
        list[str],
        typer.Argument(metavar="MODEL|KEY=VALUE", help="A detector or recognizer; see 'ocrbench list models'."),
    ],
    stage: Annotated[
        str, typer.Option(metavar="STAGE", help="detector or recognizer, where both have that name.")
    ] = "",
    sort: Annotated[
        str, typer.Option(metavar="ORDER", help="sqnr or cosine of the layer alone, or time (INT8 minus AUTO).")
    ] = "sqnr",
    top: Annotated[int | None, typer.Option(min=1, metavar="N", help="Show only the first N layers.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write every layer and column.")] = None,
    config_dir: ConfigDirOption = None,
) -> None:
    """Show which layers of a model cost accuracy or time when it is quantised."""
    if sort not in ORDERS:
        message = f"--sort {sort}: no such order; {closest(sort, ORDERS)}"
        raise ConfigError(message)
    check_output(csv)
    name, overrides = _model(words)
    folder = existing(config_dir)
    console, frames = make_console(), []
    for role in _roles(name, stage, folder):
        cell = load([f"{role}={name}", *overrides], folder)
        check(cell)
        check_quantisable(cell, role)
        check_device(cell.stages[role].device)
        with ConsoleListener(make_console(stderr=True), f"{role} {name}") as listener:
            found = measure_sensitivity(cell, role, listener)
        frames.append(to_frame(found, sort))
        heading = f"{role} {name}, {found.inputs} inputs of {cell.dataset.name}"
        console.print(Text(heading, style="bold"), soft_wrap=True)
        console.print(to_table(frames[-1], top))
    if csv is not None:
        write_output(csv, to_csv(pd.concat(frames)))


def _model(words: list[str]) -> tuple[str, list[str]]:
    names = [word for word in words if "=" not in word]
    if len(names) != 1:
        message = f"sensitivity: expected the name of one model, not {len(names)}"
        raise ConfigError(message)
    return names[0].replace("-", "_"), [word for word in words if "=" in word]


def _roles(name: str, stage: str, config_dir: str | None) -> list[Role]:
    if stage and stage not in ROLES:
        message = f"--stage {stage}: no such stage; {closest(stage, ROLES)}"
        raise ConfigError(message)
    wanted = [role for role in ROLES if stage in ("", role)]
    roles = [role for role in wanted if name in choices(role, config_dir)]
    if not roles:
        valid = {each for role in wanted for each in choices(role, config_dir)}
        message = f"{name}: no such {stage or 'model'}; {closest(name, valid)}"
        raise ConfigError(message)
    return roles
