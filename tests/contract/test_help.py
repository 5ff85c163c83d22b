"""The overview and each command's help: complete, with examples that work, and no wider than a terminal."""

import shlex
from typing import Any

import pytest
import typer

from ocrbench.cli import COMMANDS, application, main
from ocrbench.cli.overview import overview

WIDTH = 80
# Only these have commands of their own.
GROUPS = ("export", "list")


def paths() -> list[tuple[str, ...]]:
    """The words that lead to each command and to each command of a group."""
    groups: dict[str, Any] = {name: typer.main.get_command(application(name)) for name in GROUPS}
    return [(name,) for name in COMMANDS] + [(name, each) for name in GROUPS for each in groups[name].commands]


def shown(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", paths(), ids=" ".join)
def test_help_fits_a_terminal_and_shows_examples(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    text = shown((*words, "--help"), capsys)
    assert max(map(len, text.splitlines())) <= WIDTH
    # Where a summary is cut off, it is too long for a list of commands.
    assert [line for line in text.splitlines() if line.endswith("...") and not line.startswith("Usage")] == []
    _, _, examples = text.partition("Examples:\n")
    found = [line.strip() for line in examples.splitlines()]
    assert found
    for example in found:
        assert example.startswith(" ".join(["ocrbench", *words[:1]]))
        understand(shlex.split(example)[1:])


def understand(words: list[str]) -> None:
    """Let the command line read a command without running it."""
    name, *rest = words
    command: Any = typer.main.get_command(application(name))
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, rest, allow_extra_args=True, allow_interspersed_args=False)
        name, command, rest = command.resolve_command(context, rest)
    command.make_context(name, rest)


@pytest.mark.parametrize("words", [(), ("-v",), ("--help",), ("-h",), ("device=CPU", "--help"), ("-m", "--help")])
def test_the_overview_is_shown_on_request_and_where_nothing_is_asked_for(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(words, capsys) == overview() + "\n"


def test_the_overview_fits_a_terminal_and_has_a_line_for_each_command() -> None:
    lines = overview().splitlines()
    assert max(map(len, lines)) <= WIDTH
    for name, command in COMMANDS.items():
        assert [line.split() for line in lines].count([name, *command.words.split(), *command.summary.split()]) == 1
