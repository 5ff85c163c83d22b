"""Choose how crops become batches: ``ocrbench plan``."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ocrbench.cell import check
from ocrbench.cli.commands import command, make_app
from ocrbench.cli.console import make_console
from ocrbench.cli.files import ConfigDirOption, existing
from ocrbench.config.composing import load
from ocrbench.planning import Candidate, Planned, buckets, check_plannable, measure_plan
from ocrbench.progress import ConsoleListener
from ocrbench.runtime import check_device

app = make_app()


@command(app, "plan")
def plan(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="The cell: model, precision, dataset, …")
    ] = None,
    images: Annotated[
        int, typer.Option(min=1, help="Over how many images the cost of a shape's first batch is spread.")
    ] = 1000,
    seconds: Annotated[float, typer.Option(min=1, help="How long the plan is checked against the present.")] = 30.0,
    config_dir: ConfigDirOption = None,
) -> None:
    """Choose the recognizer's widths and batch size for a dataset, by what they cost on the device."""
    cell = load(overrides or [], existing(config_dir))
    check(cell)
    check_plannable(cell)
    for stage in (cell.detector, cell.recognizer):
        check_device(stage.device)
    with ConsoleListener(make_console(stderr=True), "plan") as listener:
        found = measure_plan(cell, images, seconds, listener)
    console = make_console()
    console.print(_candidates(found))
    console.print(_buckets(found))
    for line in _conclusion(found):
        console.print(Text(line), soft_wrap=True)


def _candidates(found: Planned) -> Table:
    shown = Table("setting", "shapes", "batch_size", "different shapes", "their first batches", "then, per crop")
    for each in found.candidates:
        costs = (f"+{each.expected.first_ms:.0f} ms", f"{each.expected.repeated_ms:.2f} ms")
        row = (each.name, each.options.shapes, each.options.batch_size, each.expected.shapes, *costs)
        shown.add_row(*(Text(str(value)) for value in row))
    return shown


def _buckets(found: Planned) -> Table:
    shown = Table("width", "crops", "filled", "batch", "per crop", title=f"{found.best.name}, by width")
    for each in buckets(found.best.options, found.groups, found.costs):
        row = (each.width, f"{each.crops:.1%}", f"{each.filled:.0%}", f"{each.batch:.1f}", f"{each.ms_per_crop:.2f} ms")
        shown.add_row(*(Text(str(value)) for value in row))
    return shown


def _conclusion(found: Planned) -> list[str]:
    crops = sum(map(len, found.groups))
    first = f"{crops} crops in {len(found.groups)} images with text, or groups of them"
    if found.check is None:
        return [f"{first}: the present setting is the cheapest"]
    measured, ratio = found.check, found.check.ratio
    expected = found.best.expected.repeated_ms / found.candidates[0].expected.repeated_ms
    doubt = [] if ratio.high < 1 else ["that is no gain for certain; keep the present setting, or measure for longer:"]
    return [
        f"{first}; measured in turns: {measured.before_ms:.2f} ms a crop now, {measured.after_ms:.2f} ms planned, "
        f"ratio {ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}], expected {expected:.3f}",
        f"{measured.changed} crops are read differently; accuracy: ocrbench ab '' '{_overrides(found.best)}' …",
        *doubt,
        _overrides(found.best),
    ]


def _overrides(best: Candidate) -> str:
    options = best.options
    widths = ",".join(map(str, options.widths))
    return f"recognizer.shapes={options.shapes} recognizer.widths=[{widths}] recognizer.batch_size={options.batch_size}"
