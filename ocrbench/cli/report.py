"""Runs as one HTML page: ``ocrbench report``."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ocrbench.cli.commands import command, make_app
from ocrbench.cli.files import STANDARD_OUTPUT, check_output, write_output
from ocrbench.errors import ConfigError
from ocrbench.report.html import Options, Report, load_report, report_data, to_html, to_markdown
from ocrbench.report.html.live import LiveReport

app = make_app()

DEFAULT_RUNS = "reports"
DEFAULT_NAME = "report.html"
GALLERY = 24


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line asks for."""

    folders: list[str]
    against: list[str]
    title: str
    options: Options
    command: str

    def load(self) -> Report:
        """Find the runs.

        Raises:
            ConfigError: There are none.
        """
        return load_report(self.folders, self.against, title=self.title, options=self.options, command=self.command)

    def live_page(self) -> bytes:
        """Make the page as it is served; before the first run it says that there is none."""
        try:
            found = self.load()
        except ConfigError as error:
            found = Report(title=str(error), runs=(), command=self.command)
        return to_html(report_data(found), live=True)


@command(app, "report")
def report(  # noqa: PLR0913 - each is an option of the command
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUNS", help="Runs, or any folders above runs.", show_default="reports"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="File for the page; the Markdown goes beside it.",
            show_default="reports/report.html",
        ),
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", metavar="RUNS", help="Compare with these runs; can be repeated.")
    ] = None,
    gallery: Annotated[int, typer.Option(min=0, metavar="N", help="Number of images in the gallery.")] = GALLERY,
    link_images: Annotated[bool, typer.Option("--link-images", help="Link images instead of embedding them.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the page on this machine, and renew it after each run.")
    ] = False,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Title of the page; by default what was measured.")] = "",
) -> None:
    """Make one HTML page of runs, which opens without a network, and a short Markdown file beside it."""
    folders = paths or [DEFAULT_RUNS]
    options = Options(gallery=gallery, link_images=link_images)
    wanted = Wanted(
        folders=folders, against=against or [], title=title, options=options, command=_command(folders, against)
    )
    if serve:
        _serve(wanted, output)
        return
    _write(wanted, output or Path(DEFAULT_RUNS) / DEFAULT_NAME)


def _write(wanted: Wanted, path: Path) -> None:
    if path == STANDARD_OUTPUT:
        found = wanted.load()
        write_output(path, to_html(report_data(found), link_images=wanted.options.link_images))
        return
    check_output(path)
    short = path.with_suffix(".md")
    if short == path:
        message = f"--output {path}: expected a name for the HTML page; the Markdown file beside it ends in .md"
        raise ConfigError(message)
    found = wanted.load()
    data = report_data(found)
    page = to_html(data, link_images=wanted.options.link_images)
    write_output(path, page)
    write_output(short, to_markdown(found, data))
    counted = f"{len(found.runs)} run{'' if len(found.runs) == 1 else 's'}"
    typer.echo(f"{counted}: {path} ({len(page) / 1e6:.1f} MB), in short: {short}")


def _serve(wanted: Wanted, output: Path | None) -> None:
    if output is not None or wanted.options.link_images:
        message = "--serve writes no file and embeds images: leave out --output and --link-images"
        raise ConfigError(message)
    folders = [Path(folder).expanduser() for folder in (*wanted.folders, *wanted.against)]
    for folder in folders:
        if not folder.is_dir():
            message = f"{folder}: no such folder; expected a folder of runs"
            raise ConfigError(message)
    live = LiveReport(wanted.live_page, folders)
    typer.echo(f"{live.address} (end with Ctrl+C)")
    try:
        live.wait()
    finally:
        live.close()


def _command(folders: list[str], against: list[str] | None) -> str:
    options = [word for folder in against or [] for word in ("--against", folder)]
    return shlex.join(["ocrbench", "report", *folders, *options])
