"""Read text for a person: ``ocrbench read IMAGE``.

What takes long to import is imported where it is needed, so that a mistyped path is answered at once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ocrbench.cli.commands import command, make_app, make_console
from ocrbench.cli.files import ConfigDirOption, existing, write_output
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.reading import ORDERS, ImageSource, Read, check_exists, compose, is_override, read_images

if TYPE_CHECKING:
    from ocrbench.records import Image, Region

app = make_app()

FAILED = 1


@command(app, "read")
def read(  # noqa: PLR0913 - each is an option of the command
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE|KEY=VALUE", help="Files, folders and addresses; values as for a run."),
    ],
    order: Annotated[
        str, typer.Option(metavar="ORDER", help="reading (by lines) or distance (from the upper left).")
    ] = "reading",
    threshold: Annotated[
        float, typer.Option(min=0, max=1, metavar="X", help="Leave out text of a lower confidence.")
    ] = 0.0,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pictures.")] = Path("reports/read"),
    crops: Annotated[bool, typer.Option("--crops", help="Also write a sheet of every crop with its text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print regions with polygons and confidences.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Open the annotated picture.")] = False,
    config_dir: ConfigDirOption = None,
) -> None:
    """Print the words in an image and draw them on it."""
    overrides = [word for word in words if is_override(word)]
    names = [word for word in words if not is_override(word)]
    if not names:
        message = "read: expected an image, an address or a folder"
        raise ConfigError(message)
    for name in names:
        check_exists(name)
    if order not in ORDERS:
        message = f"--order {order}: expected {' or '.join(ORDERS)}"
        raise ConfigError(message)
    folder = existing(config_dir)
    cell = compose(overrides, folder)
    from ocrbench.progress import ConsoleListener

    progress = make_console(stderr=True)
    with ImageSource() as source, ConsoleListener(progress, "read") as listener:
        images, refused = _found(source, names)
        # The process was started with the command, and imported while this one did.
        found = read_images(context.obj, cell, images, listener) if images else []
        results = [_chosen(each, order, threshold) for each in found]
        # What was read comes first, lest a picture that cannot be written lose it.
        _print(results + refused, as_json=as_json)
        written = _draw([each for each in results if not each.skipped], output, crops=crops)
    results += refused
    for path in written:
        progress.print(Text(f"wrote {path}"), soft_wrap=True)
    for each in results:
        if each.skipped:
            progress.print(Text(f"skipped {each.skipped}"), soft_wrap=True)
        elif not each.regions:
            progress.print(Text(f"no text found in {each.name}"), soft_wrap=True)
    if show and written:
        typer.launch(str(written[0]))
    raise typer.Exit(FAILED if any(each.skipped for each in results) else 0)


def _found(source: ImageSource, names: list[str]) -> tuple[list[tuple[str, Path]], list[Read]]:
    """List the images behind some names, and the addresses and folders behind which there are none."""
    images: list[tuple[str, Path]] = []
    refused = []
    for name in names:
        try:
            images += source.files(name)
        except DatasetError as error:
            refused.append(Read(name=name, path=Path(name), skipped=str(error)))
    return images, refused


def _chosen(found: Read, order: str, threshold: float) -> Read:
    kept: list[Region] = [region for region in found.regions if region.confidence >= threshold]
    return replace(found, regions=tuple(ORDERS[order](kept)))


def _draw(results: list[Read], folder: Path, *, crops: bool) -> list[Path]:
    from ocrbench.data.images import read_image
    from ocrbench.report.picture import annotate, contact_sheet

    written: list[Path] = []
    names: Counter[str] = Counter()
    for found in results:
        image = read_image(found.path)
        name = re.sub(r"[^\w.-]+", "_", Path(found.name.partition("?")[0]).stem) or "image"
        names[name] += 1
        # Images of different folders may share a name.
        name += f"-{names[name]}" if names[name] > 1 else ""
        pictures = {"annotated": annotate(image, found.regions)}
        if crops:
            pictures["crops"] = contact_sheet(image, found.regions)
        for kind, picture in pictures.items():
            written.append(folder / f"{name}.{kind}.png")
            write_output(written[-1], _png(picture))
    return written


def _png(picture: Image) -> bytes:
    import cv2

    return cv2.imencode(".png", picture)[1].tobytes()


def _print(results: list[Read], *, as_json: bool) -> None:
    console = make_console()
    if as_json:
        plain = [{"image": each.name, "skipped": each.skipped, "regions": _plain(each)} for each in results]
        console.print(Text(json.dumps(plain, ensure_ascii=False, indent=1)), soft_wrap=True)
        return
    for each in results:
        if len(results) > 1:
            console.print(Text(f"{each.name}:"), soft_wrap=True)
        for region in each.regions:
            console.print(Text(region.text), soft_wrap=True)


def _plain(found: Read) -> list[dict[str, object]]:
    fields = ("polygon", "text", "confidence")
    return [{key: value for key, value in asdict(region).items() if key in fields} for region in found.regions]
