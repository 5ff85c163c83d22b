"""List what there is to choose from: ``ocrbench list …``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ocrbench.cli.commands import examples, make_app
from ocrbench.cli.console import make_console
from ocrbench.cli.files import ConfigDirOption, existing
from ocrbench.config import Cell, Stage, choices
from ocrbench.config.composing import load
from ocrbench.convert.source import locate
from ocrbench.runtime import devices

app = make_app("list")
ROLES = ("detector", "recognizer")


@app.command("devices", epilog=examples("ocrbench list devices"))
def list_devices() -> None:
    """Show the devices that OpenVINO finds.

    The native precisions are those that a device has instructions for.
    """
    shown = Table("name", "full name", "native precisions", "capabilities")
    for device in devices():
        native, capabilities = ", ".join(device.native), ", ".join(device.capabilities)
        shown.add_row(*(Text(value) for value in (device.name, device.full_name, native, capabilities)))
    make_console().print(shown)


@app.command("models", epilog=examples("ocrbench list models", "ocrbench list models omz.root=PATH"))
def list_models(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="For example omz.root=PATH.")
    ] = None,
    config_dir: ConfigDirOption = None,
) -> None:
    """Show every model, and whether it is on disk."""
    shown = Table("model", "family", "source", "licence", "MB", "input", "languages", "OpenVINO from", "on disk")
    shown.columns[0].no_wrap = True
    folder = existing(config_dir)
    names = {role: choices(role, folder) for role in ROLES}
    # Composing takes its time, so a cell shows two models.
    cells = [
        load([*(f"{role}={name}" for role, name in pair.items()), *(overrides or [])], folder)
        for pair in _together(names)
    ]
    for role in ROLES:
        shown.add_section()
        for cell in cells[: len(names[role])]:
            shown.add_row(*(Text(value) for value in _model_row(role, getattr(cell, role), cell)))
    console = make_console()
    console.print(shown)
    console.print(Text(f"Pairs (model=NAME): {', '.join(choices('model', folder))}"), soft_wrap=True)


@app.command("datasets", epilog=examples("ocrbench list datasets"))
def list_datasets(config_dir: ConfigDirOption = None) -> None:
    """Show the datasets, and the folder of each."""
    shown = Table("dataset", "format", "granularity", "root")
    folder = existing(config_dir)
    for name in choices("dataset", folder):
        dataset = load([f"dataset={name}"], folder).dataset
        shown.add_row(*(Text(value) for value in (name, dataset.format, dataset.granularity, dataset.root)))
    make_console().print(shown)


def _together(names: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Yield the first of each role, then the second of each, until all have come."""
    for number in range(max(map(len, names.values()))):
        yield {role: each[number] for role, each in names.items() if number < len(each)}


def _model_row(role: str, stage: Stage, cell: Cell) -> tuple[str, ...]:
    source = stage.source
    origin = {"wheel": f"package {source.package}", "omz": "Open Model Zoo"}.get(source.kind, source.kind)
    sources = (source, *stage.more_sources.values())
    on_disk = all(locate(each, stage, cell) for each in sources if each.kind != "none")
    return (
        f"{role}={stage.name}",
        stage.family,
        origin,
        stage.licence,
        f"{stage.size_mb:g}",
        stage.input,
        stage.languages,
        stage.min_openvino,
        "yes" if on_disk else "no",
    )
