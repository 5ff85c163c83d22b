"""Tables as a notebook shows them."""

import html
from collections.abc import Sequence


def to_html(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table; texts are escaped, so that nothing in them is markup."""
    lines = [_row("th", columns), *(_row("td", row) for row in rows)]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _row(tag: str, texts: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts) + "</tr>"
