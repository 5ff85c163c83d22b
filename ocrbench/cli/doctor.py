"""Check a machine before measuring on it: ``ocrbench doctor``."""

import json
import os
import shutil
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ocrbench import environment
from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.config.checking import refuse_unused
from ocrbench.config.composing import GROUPS, load
from ocrbench.config.schema import Cell
from ocrbench.environment import checkup, machine, noise
from ocrbench.environment.checkup import Check, time_blocks
from ocrbench.environment.noise import usage_so_far, watch_processes
from ocrbench.runtime.devices import devices

app = make_app()

FINE, WARNINGS = 0, 1
USED = {"reports_dir", "cache_dir", "noise"}
WATCH_SECONDS = 2.0
STYLES = {"ok": "green", "note": "cyan", "warn": "bold yellow"}


@command(app, "doctor")
def doctor(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="reports_dir, cache_dir and noise.… count here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check whether this machine measures well, and say what to change."""
    unused = {*GROUPS, *(field.name for field in fields(Cell))} - USED
    refuse_unused(overrides or [], unused, "doctor")
    cell = load(overrides or [])
    make_console(stderr=True).print(Text("looking at the machine for some seconds"))
    checks = [*_activity(cell), *_settings(), *_room(cell), _devices(), checkup.check_repeatability(time_blocks())]
    console = make_console()
    if as_json:
        console.print(Text(json.dumps([asdict(each) for each in checks], indent=1)), soft_wrap=True)
    else:
        console.print(_table(checks))
    raise typer.Exit(WARNINGS if any(each.verdict == "warn" for each in checks) else FINE)


def _activity(cell: Cell) -> list[Check]:
    load_average, before = machine.load(), usage_so_far()
    busy = watch_processes(WATCH_SECONDS)
    shares = noise.shares(usage_so_far() - before)
    return [
        checkup.check_load(load_average, len(environment.allowed_cores())),
        checkup.check_others(busy, shares, cell.noise),
        checkup.check_steal(shares["steal_share"], cell.noise),
    ]


def _settings() -> list[Check]:
    found = machine.settings()
    container = found["container"]
    return [
        checkup.check_governor(found["governor"]),
        checkup.check_turbo(found["turbo"]),
        checkup.check_huge_pages(found["huge_pages"], os.environ.get("GLIBC_TUNABLES", "")),
        checkup.check_cores(len(environment.allowed_cores()), os.cpu_count() or 1, container["cpus"]),
        checkup.check_virtual(environment.host()["virtual"]),
        checkup.check_memory(found["memory_available_bytes"], container["memory_bytes"]),
    ]


def _room(cell: Cell) -> list[Check]:
    folders = {"reports_dir": cell.reports_dir, "cache_dir": cell.cache_dir}
    return [checkup.check_disk(name, folder, _free_bytes(folder)) for name, folder in folders.items()]


def _free_bytes(folder: str) -> int:
    """Look at the nearest folder that exists: the others are yet to be made there."""
    path = Path(folder).expanduser().resolve()
    return shutil.disk_usage(next(each for each in (path, *path.parents) if each.exists())).free


def _devices() -> Check:
    return checkup.check_devices({device.name: device.native for device in devices()})


def _table(checks: list[Check]) -> Table:
    shown = Table("check", "found", "verdict", "what to do")
    for each in checks:
        shown.add_row(
            Text(each.check),
            Text(each.found),
            Text(each.verdict, style=STYLES[each.verdict]),
            Text(each.advice),
        )
    return shown
