"""Consoles that suit where they are printed to."""

import os
import sys

from rich.console import Console

# Where there is no terminal, tables are wide enough not to be folded.
WIDTH_ELSEWHERE = 160


def make_console(*, stderr: bool = False) -> Console:
    """Make a console for standard output or standard error."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_ELSEWHERE
    return Console(stderr=stderr, width=width, highlight=False)
