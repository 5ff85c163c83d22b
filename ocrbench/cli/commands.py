"""What all commands have in common."""

import typer


def make_app(summary: str | None = None) -> typer.Typer:
    """Make an application for one command, or for a group of commands, which then has a summary of its own."""
    return typer.Typer(
        help=summary,
        no_args_is_help=summary is not None,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
