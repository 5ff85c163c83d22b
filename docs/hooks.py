"""Hooks of MkDocs: generate the reference pages from the schema, the YAML files, the commands and the columns."""

import re
from collections.abc import Iterator
from pathlib import Path

import griffe
import typer
from mkdocs.structure.pages import Page
from typer.core import TyperCommand, TyperGroup

from ocrbench.cli import COMMANDS, application

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)#]+)[^)]*\)")


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Fill in what is generated, and turn links to files outside ``docs/`` into plain text."""
    for mark, lines in {"commands": _commands, "columns": _columns, "configuration": _configuration}.items():
        if f"<!-- {mark} -->" in markdown:
            markdown = markdown.replace(f"<!-- {mark} -->", "\n".join(lines()))
    folder = (DOCS / page.file.src_uri).parent

    def kept(link: re.Match[str]) -> str:
        # A forge resolves links out of docs/; on the site they lead nowhere.
        return link[0] if (folder / link[2]).resolve().is_relative_to(DOCS) else link[1]

    return LINK.sub(kept, markdown)


def _commands() -> Iterator[str]:
    for name in COMMANDS:
        yield from _command(typer.main.get_command(application(name)), f"ocrbench {name}")


def _command(command: TyperCommand | TyperGroup, path: str) -> Iterator[str]:
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## {path}\n"
    # \f ends what --help shows.
    yield f"{(command.help or '').partition(chr(12))[0].strip()}\n"
    for each in getattr(command, "commands", {}).values():
        yield from (line.replace("## ", "### ", 1) for line in _command(each, f"{path} {each.name}"))
    if getattr(command, "commands", {}):
        return
    yield f"```text\n{path} {usage}\n```\n"
    yield "| option | | default |\n|---|---|---|"
    for parameter in command.params:
        if parameter.name == "help":
            continue
        record = parameter.get_help_record(context)
        names, text = record or (parameter.make_metavar(context), "")
        text, _, extra = text.partition("  [")
        default = re.search(r"default: ([^;\]]+)", extra)
        yield f"| `{_cell(names)}` | {_cell(text)} | {default[1].strip('()') if default else ''} |"
    yield ""


def _columns() -> Iterator[str]:
    text = (REPOSITORY / "reports" / "README.md").read_text(encoding="utf-8")
    yield text.partition("\n")[2].replace("](../docs/", "](../")


def _configuration() -> Iterator[str]:
    package = griffe.load("ocrbench", search_paths=[REPOSITORY], allow_inspection=False, docstring_parser="google")
    classes = {**package["config.stage"].classes, **package["config.schema"].classes}
    # From the whole to its parts.
    for name in reversed(classes):
        yield f"## {name}\n"
        meanings: dict[str, str] = {}
        for section in classes[name].docstring.parsed:
            if section.kind is griffe.DocstringSectionKind.text:
                yield f"{section.value}\n"
            elif section.kind is griffe.DocstringSectionKind.attributes:
                meanings |= {each.name: each.description for each in section.value}
        yield "| key | type | default, range | |\n|---|---|---|---|"
        for key, attribute in classes[name].attributes.items():
            default = "" if attribute.value is None else f"`{_cell(attribute.value)}`"
            yield f"| `{key}` | `{_cell(attribute.annotation)}` | {default} | {_cell(meanings.get(key, ''))} |"
        yield ""
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
    return " ".join(str(value).replace("|", "\\|").split())
