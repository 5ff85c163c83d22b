"""Hooks of MkDocs: writes the configuration page from the schema and the YAML files."""

import re
from collections.abc import Iterator
from pathlib import Path

import griffe

REPOSITORY = Path(__file__).resolve().parents[1]
MARK = "<!-- configuration -->"
# Links out of docs/, which a forge resolves, lead nowhere on the site.
OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the configuration, and turn links to files of the repository into plain text."""
    if MARK in markdown:
        markdown = markdown.replace(MARK, "\n".join((*_schema(), *_choices())))
    return OUTSIDE.sub(r"\1", markdown)


def _schema() -> Iterator[str]:
    package = griffe.load("ocrbench", search_paths=[REPOSITORY], allow_inspection=False, docstring_parser="google")
    classes = {**package["config.stage"].classes, **package["config.schema"].classes}
    # From the whole to its parts.
    for name in reversed(classes):
        yield f"## {name}\n"
        told: dict[str, str] = {}
        for section in classes[name].docstring.parsed:
            if section.kind is griffe.DocstringSectionKind.text:
                yield f"{section.value}\n"
            elif section.kind is griffe.DocstringSectionKind.attributes:
                told |= {each.name: each.description for each in section.value}
        yield "| key | type | default, range | |\n|---|---|---|---|"
        for key, attribute in classes[name].attributes.items():
            default = "" if attribute.value is None else f"`{_cell(attribute.value)}`"
            yield f"| `{key}` | `{_cell(attribute.annotation)}` | {default} | {_cell(told.get(key, ''))} |"
        yield ""


def _choices() -> Iterator[str]:
    conf = REPOSITORY / "conf"
    yield "## Defaults\n"
    yield _yaml(conf / "config.yaml", until="\nhydra:\n")
    for group in sorted(path for path in conf.iterdir() if path.is_dir()):
        yield f"## Choices of `{group.name}`\n"
        for file in sorted(group.glob("*.yaml")):
            yield f"### `{group.name}={file.stem}`\n"
            yield _yaml(file)


def _yaml(file: Path, until: str = "\0") -> str:
    return f"```yaml\n{file.read_text(encoding='utf-8').partition(until)[0].strip()}\n```\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split())
