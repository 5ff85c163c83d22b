"""Hold our inference times against those of OpenVINO's benchmark_app: ``ocrbench parity``."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.cli.files import ConfigDirOption, check_output, existing, write_output
from ocrbench.config.checking import closest, validate
from ocrbench.config.composing import load
from ocrbench.config.schema import Cell
from ocrbench.config.stage import ROLES, Role
from ocrbench.errors import ConfigError
from ocrbench.measure.preparing import check, prepare
from ocrbench.progress import ConsoleListener, Listener
from ocrbench.records import Artifact
from ocrbench.report.tables import to_csv
from ocrbench.runs.store import find_runs
from ocrbench.runtime.devices import check_device
from ocrbench.studies.parity.targets import targets_of
from ocrbench.studies.parity.turns import measure_parity, to_frame, to_table

app = make_app()

BATCHES = (1, 8)


@command(app, "parity")
def parity(  # noqa: PLR0913 - each is an option of the command
    words: Annotated[
        list[str] | None, typer.Argument(metavar="RUN|KEY=VALUE", help="The folder of a finished run, or a cell.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.01, metavar="N", help="Time that each turn measures.")] = 1.0,
    rounds: Annotated[
        int, typer.Option(min=2, metavar="N", help="Turns of each of the two; an interval needs six.")
    ] = 25,
    stage: Annotated[str, typer.Option(metavar="STAGE", help="detector or recognizer; by default both.")] = "",
    batch: Annotated[
        list[int] | None,
        typer.Option(min=1, metavar="N", help="Batch size of the recognizer; can be repeated; by default 1 and 8."),
    ] = None,
    shape: Annotated[
        str, typer.Option(metavar="N,H,W,C", help="Shape of the input, with --stage; by default the dataset's.")
    ] = "",
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the table with all columns.")] = None,
    config_dir: ConfigDirOption = None,
) -> None:
    """Time each stage's network alone, in turns with OpenVINO's benchmark_app, and show the ratio."""
    cell, checksums = _cell(words or [], existing(config_dir))
    roles = _roles(stage)
    wanted = {role: _wanted(role, batch or BATCHES, shape, stage) for role in roles}
    check(cell)
    check_output(csv)
    for role in roles:
        check_device(cell.stages[role].device)
    title = f"parity {cell.detector.name} {cell.precisions} on {cell.devices}"
    with ConsoleListener(make_console(stderr=True), title) as listener, tempfile.TemporaryDirectory() as folder:
        networks = _networks(cell, roles, checksums, listener)
        # Of the usual batch sizes those that a network takes.
        some = not batch and not shape
        targets = [
            target
            for role, network in networks.items()
            for target in targets_of(cell, role, network, Path(folder), wanted[role], some=some)
        ]
        frame = to_frame([measure_parity(cell, target, seconds, rounds, listener) for target in targets])
    make_console().print(to_table(frame))
    if csv is not None:
        write_output(csv, to_csv(frame))


def _cell(words: list[str], config_dir: str | None) -> tuple[Cell, dict[str, str]]:
    """Read a configuration, or that of a finished run with its networks' checksums."""
    folders = [word for word in words if "=" not in word]
    if not folders:
        return load(words, config_dir), {}
    if len(words) > 1:
        message = f"parity: expected one run, or KEY=VALUE words, not {' '.join(words)}"
        raise ConfigError(message)
    runs = find_runs(folders)
    if len(runs) > 1:
        message = f"{folders[0]} holds {len(runs)} runs; name the folder of one"
        raise ConfigError(message)
    return validate(Cell, dict(runs[0].config)), {
        role: str(networks["network"]["sha256"]) for role, networks in runs[0].artifacts.items() if networks
    }


def _networks(
    cell: Cell, roles: tuple[Role, ...], checksums: dict[str, str], listener: Listener
) -> dict[Role, Artifact]:
    """Return the network of each stage that has one, which must be that of the finished run, if there was one."""
    artifacts = prepare(cell, listener, roles)
    networks = {role: artifacts[role]["network"] for role in roles if artifacts[role]}
    if not networks:
        message = f"detector={cell.detector.name}: it has no network to be timed"
        raise ConfigError(message)
    for role, network in networks.items():
        if checksums.get(role, network.sha256) != network.sha256:
            message = f"{role}: the network of that run is not there any more, and converting gives another one"
            raise ConfigError(message)
    return networks


def _roles(stage: str) -> tuple[Role, ...]:
    if stage and stage not in ROLES:
        message = f"--stage {stage}: no such stage; {closest(stage, ROLES)}"
        raise ConfigError(message)
    return tuple(role for role in ROLES if stage in ("", role))


def _wanted(role: Role, batches: list[int] | tuple[int, ...], shape: str, stage: str) -> list[tuple[int, ...]]:
    """Return shapes, or batch sizes as tuples of one."""
    if not shape:
        return [(1,)] if role == "detector" else [(each,) for each in batches]
    sides = shape.split(",")
    if not stage or len(sides) < 2 or not all(side.isdecimal() and int(side) for side in sides):
        message = f"--shape {shape}: expected numbers as in 1,736,1280,3, together with --stage"
        raise ConfigError(message)
    return [tuple(int(side) for side in sides)]
