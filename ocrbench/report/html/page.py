"""The page as one file, with a policy that lets nothing else run, and a short version in Markdown."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from ocrbench.report.html.model import Report, ReportData
from ocrbench.report.html.sections import SECTIONS
from ocrbench.report.pull_request import code
from ocrbench.report.tables import escape
from ocrbench.report.tables import to_markdown as table_to_markdown
from ocrbench.runs.table import wide

# Control characters other than line breaks and tabs, and halves of surrogate pairs.
UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

FOLDER = resources.files("ocrbench.report.html")
# Characters that could end a script element or begin a comment; the rest is ASCII.
ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
LINES_SHOWN = 5


def shown(value: object) -> object:
    """Replace characters that HTML cannot hold by U+FFFD; values other than plain texts stay as they are.

    >>> shown(f"a{chr(0)}b") == f"a{chr(0xFFFD)}b", shown(1)
    (True, 1)
    """
    if isinstance(value, str) and not isinstance(value, Markup):
        return UNSHOWABLE.sub("\ufffd", value)
    return value


def to_html(data: ReportData, *, link_images: bool = False, live: bool = False) -> bytes:
    """Write the page.

    Args:
        data: Data of the report.
        link_images: Allow images from files.
        live: Whether the page is served and checks for a newer version.
    """
    sections = [section for section in SECTIONS if section.id in data.sections]
    style = _static("page.css")
    names = ["page", *(section.id for section in sections if section.script), *(["live"] if live else [])]
    scripts = [_plotly(), *(_static(f"{name}.js") for name in names)]
    # The others need no script.
    scripted = {section.id: data.sections[section.id] for section in sections if section.script}
    text = (
        _environment()
        .get_template("page.html")
        .render(
            report=data,
            sections=sections,
            policy=policy(scripts, link_images=link_images, live=live),
            style=Markup(style),
            scripts=[Markup(script) for script in scripts],
            json=Markup(embedded({**vars(data), "sections": scripted})),
        )
    )
    return text.encode()


def policy(scripts: Sequence[str], *, link_images: bool, live: bool) -> str:
    """Write the Content-Security-Policy: these scripts, embedded images, and nothing else."""
    allowed = {
        "default-src": "'none'",
        "script-src": " ".join(_hash(script) for script in scripts),
        # Plotly creates style elements.
        "style-src": "'unsafe-inline'",
        "img-src": "data: file:" if link_images else "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        **({"connect-src": "'self'"} if live else {}),
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def embedded(content: Any) -> str:  # noqa: ANN401 - any JSON value
    r"""Write JSON that is safe in a script element, whatever its texts contain.

    >>> embedded({"text": "</script>\u2028é"})
    '{"text":"\\u003c/script\\u003e\\u2028\\u00e9"}'
    """
    return json.dumps(content, separators=(",", ":"), allow_nan=False).translate(ESCAPED)


def _when(created: str) -> str:
    """Write an ISO 8601 time for people.

    >>> _when("2030-01-02T03:04:05.678+00:00")
    '2 January 2030, 03:04 UTC'
    """
    moment = datetime.fromisoformat(created).astimezone(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _static(name: str) -> str:
    return (FOLDER / "static" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    return (resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ocrbench.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["when"] = _when
    environment.finalize = shown
    return environment


def to_markdown(report: Report, data: ReportData) -> bytes:
    """Write the short report; everything from runs is escaped."""
    summary = data.sections["summary"]
    parts = [f"# {escape(report.title)}\n", *(_warning(each) for each in summary["warnings"])]
    parts += [_group(group) for group in summary["groups"]]
    parts.append(table_to_markdown(wide(report.runs)).decode())
    return "\n".join(parts).encode(errors="backslashreplace")


def _warning(warning: Mapping[str, Any]) -> str:
    lines = [f"  - {escape(line['label'])}: {code(line['text'], 200)}\n" for line in warning["lines"][:LINES_SHOWN]]
    more = len(warning["lines"]) - LINES_SHOWN
    return f"- **{escape(warning['title'])}**\n" + "".join(lines) + (f"  - and {more} more\n" if more > 0 else "")


def _group(group: Mapping[str, Any]) -> str:
    said = [
        f"- {winner['goal']}: **{escape(winner['label'])}** {escape(winner['numbers'])} {escape(winner['margin'])}\n"
        for winner in group["winners"]
    ]
    return f"{escape(group['name'])}:\n\n" + "".join(said)
