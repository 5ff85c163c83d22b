"""What a conversion costs: ``ocrbench conversion``."""

import re
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.cli.comparison import UndecidedOption, show_gate, status_of_gate
from ocrbench.cli.files import ConfigDirOption, existing, write_output
from ocrbench.compare.interleaved import Plan
from ocrbench.compare.verdict import check_gate, check_limits
from ocrbench.config.composing import load
from ocrbench.errors import ConfigError
from ocrbench.measure.preparing import check
from ocrbench.progress import ConsoleListener
from ocrbench.studies.conversion.conversion_report import crop_names, crop_pictures, to_json, to_markdown
from ocrbench.studies.conversion.conversion_text import flip_line, heading, models, notes, rows, sentences
from ocrbench.studies.conversion.three_precisions import Conversion, measure_conversion

app = make_app()

FLIPS_SHOWN = 10


@command(app, "conversion")
def conversion(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="As for a run; precision=INT8 by default.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, metavar="N", help="Measuring time, over all rounds of processes.")
    ] = 30.0,
    processes: Annotated[int, typer.Option(min=1, metavar="N", help="Rounds of processes, one after the other.")] = 6,
    seed: Annotated[int, typer.Option(metavar="N", help="Decides the order of images.")] = 0,
    undecided: UndecidedOption = None,
    config_dir: ConfigDirOption = None,
) -> None:
    """Measure what a conversion brings and costs: a precision against FP32 and against AUTO, and which words flip."""
    cell = load(["precision=INT8", *(overrides or [])], existing(config_dir))
    check(cell)
    check_limits(cell.gate)
    plan = Plan(seconds=seconds, processes=processes, margin=cell.gate.margin, seed=seed)
    started = datetime.now(UTC)
    with ConsoleListener(make_console(stderr=True), "conversion") as listener:
        measured = measure_conversion(cell, plan, listener)
    folder = _write(measured, started)
    console = make_console()
    _show(console, measured, folder)
    checked = check_gate(cell.gate, measured.against_fp32)
    show_gate(console, checked, undecided)
    raise typer.Exit(status_of_gate(checked, undecided))


def _write(measured: Conversion, started: datetime) -> Path:
    """Write the pictures, then what names them; each file is either there as a whole or not at all."""
    folder = _new_folder(measured, started)
    names, crops = crop_names(measured), {}
    for number, picture in crop_pictures(measured):
        crops[number] = f"crops/{names[number]}"
        write_output(folder / crops[number], cv2.imencode(".png", picture)[1].tobytes())
    write_output(folder / "conversion.json", to_json(measured, crops, started))
    write_output(folder / "conversion.md", to_markdown(measured, crops, started))
    return folder


def _new_folder(measured: Conversion, started: datetime) -> Path:
    """Make a folder of our own: never that of another report, though it began within the same second."""
    words = (models(measured), measured.converted.label, measured.cell.dataset.name)
    readable = "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", word)[:48] for word in words)
    name = f"{readable}-{started:%Y%m%dT%H%M%SZ}"
    parent = Path(measured.cell.reports_dir) / "conversion"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = parent / (f"{name}-{number}" if number > 1 else name)
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            break
    except OSError as error:
        message = f"{parent}: cannot be written: {error.strerror}"
        raise ConfigError(message) from error
    return folder


def _show(console: Console, measured: Conversion, folder: Path) -> None:
    shown = Table(*heading(measured))
    for row in rows(measured):
        shown.add_row(*(Text(value) for value in row))
    console.print(shown)
    for line in sentences(measured):
        console.print(Text(line), soft_wrap=True)
    for flip in measured.flips[:FLIPS_SHOWN]:
        console.print(Text(flip_line(measured, flip)), soft_wrap=True)
    if len(measured.flips) > FLIPS_SHOWN:
        console.print(Text(f"and {len(measured.flips) - FLIPS_SHOWN} more, in the report"))
    for line in notes(measured):
        console.print(Text(f"note: {line}"), soft_wrap=True)
    console.print(Text(f"Report: {folder / 'conversion.md'}"), soft_wrap=True)
