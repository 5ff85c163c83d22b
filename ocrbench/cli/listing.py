"""List what there is to choose from: ``ocrbench list …``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ocrbench.cli.commands import examples, make_app, make_console
from ocrbench.cli.files import ConfigDirOption, existing
from ocrbench.config.parsing import shipped_cell, shipped_choice
from ocrbench.config.schema import Cell, Dataset
from ocrbench.config.stage import ROLES, Role, Stage
from ocrbench.convert.source import locate
from ocrbench.files import choices

app = make_app("list")
# What the tables show of each item, by heading; --json has everything.
DEVICE = {"name": "name", "full name": "full_name", "native precisions": "native"}
MODEL = {"licence": "licence", "MB": "size_mb", "languages": "languages", "on disk": "on_disk"}
COLUMN = {"column": "name", "unit": "unit", "better": "better", "meaning": "meaning"}
DATASET = {"dataset": "name", "format": "format", "granularity": "granularity", "root": "root"}

JsonOption = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]
Item = Mapping[str, Any]


@app.command("devices", epilog=examples("ocrbench list devices", "ocrbench list devices --json"))
def list_devices(as_json: JsonOption = False) -> None:
    """Show the devices that OpenVINO finds.

    The native precisions are those that a device has instructions for.
    """
    # Only this list needs OpenVINO, which takes long to import.
    from ocrbench.runtime.devices import devices

    found = [asdict(device) for device in devices()]
    if as_json:
        _print_json(found)
    else:
        make_console().print(_table(DEVICE, found))


@app.command("models", epilog=examples("ocrbench list models", "ocrbench list models omz.root=PATH --json"))
def list_models(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="For example omz.root=PATH.")
    ] = None,
    as_json: JsonOption = False,
    config_dir: ConfigDirOption = None,
) -> None:
    """Show every model, and whether it is on disk."""
    folder = existing(config_dir)
    cell = _load(overrides or [], folder)
    models = {
        role: [_model(role, name, cell, overrides or [], folder) for name in choices(role, folder)] for role in ROLES
    }
    pairs = choices("model", folder)
    if as_json:
        _print_json({**{f"{role}s": found for role, found in models.items()}, "pairs": pairs})
        return
    console = make_console()
    for role, found in models.items():
        console.print(_table({f"{role}=": "name", **MODEL}, found))
    console.print(Text(f"Pairs (model=NAME): {', '.join(pairs)}"), soft_wrap=True)


@app.command("datasets", epilog=examples("ocrbench list datasets", "ocrbench list datasets --config-dir DIR"))
def list_datasets(as_json: JsonOption = False, config_dir: ConfigDirOption = None) -> None:
    """Show the datasets, and the folder of each."""
    folder = existing(config_dir)
    shipped = choices("dataset")
    found = [
        asdict(
            shipped_choice(Dataset, "dataset", name) if name in shipped else _load([f"dataset={name}"], folder).dataset
        )
        for name in choices("dataset", folder)
    ]
    if as_json:
        _print_json(found)
    else:
        make_console().print(_table(DATASET, found))


@app.command("columns", epilog=examples("ocrbench list columns", "ocrbench list columns --json"))
def list_columns(as_json: JsonOption = False) -> None:
    """Show the columns of the tables, and their meaning."""
    from ocrbench.runs.columns import COLUMNS

    better = {True: "higher", False: "lower", None: ""}
    shown = ("name", "group", "number", "unit", "scenarios", "meaning")
    found = [
        {**{key: getattr(each, key) for key in shown}, "better": better[each.higher_is_better]} for each in COLUMNS
    ]
    if as_json:
        _print_json(found)
    else:
        make_console().print(_table(COLUMN, [{**each, "meaning": each["meaning"].replace("`", "")} for each in found]))


def _load(overrides: Sequence[str], config_dir: str | None) -> Cell:
    """Compose a cell where that is needed: Hydra takes long to import, and longer to compose."""
    if not overrides and config_dir is None:
        return shipped_cell()
    from ocrbench.config.composing import load

    return load(overrides, config_dir)


def _model(role: Role, name: str, cell: Cell, overrides: Sequence[str], config_dir: str | None) -> Item:
    default = cell.stages[role]
    if name in choices(role):
        common = {key: getattr(default, key) for key in ("device", "precision", "properties")}
        stage = shipped_choice(Stage, role, name, **common)
    else:
        stage = getattr(_load([f"{role}={name}", *overrides], config_dir), role)
    sources = (stage.source, *stage.more_sources.values())
    shown = ("name", "family", "licence", "languages", "homepage", "min_openvino", "size_mb", "input")
    return {
        **{key: getattr(stage, key) for key in shown},
        "source": {"wheel": f"package {stage.source.package}", "omz": "Open Model Zoo"}.get(
            stage.source.kind, stage.source.kind
        ),
        "on_disk": all(locate(each, stage, cell) for each in sources if each.kind != "none"),
    }


def _table(columns: Mapping[str, str], items: Sequence[Item]) -> Table:
    shown = Table(*columns)
    shown.columns[0].no_wrap = True
    for item in items:
        shown.add_row(*(Text(_text(item[key])) for key in columns.values()))
    return shown


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=1))
