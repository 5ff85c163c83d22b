"""Every command that the CI page and the workflow name is one that ocrbench understands."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from ocrbench.cli import COMMANDS, application
from ocrbench.compare.limited import LimitedRun
from ocrbench.compare.sides import parse_side
from ocrbench.config.checking import validate
from ocrbench.config.composing import load, load_matrix
from ocrbench.config.schema import Gate

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "how-to" / "ci.md"
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
CALL = re.compile(r"(?:^|[\s/\"])ocrbench\"? ((?:-m|ab|compare|export|doctor)\b.*)")


def commands(path: Path) -> list[str]:
    """Find calls of ocrbench in code, without what the shell does with their status."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    if path.suffix == ".md":
        text = "\n".join(re.findall(r"```\w+\n(.*?)```", text, re.DOTALL))
    found = [match[1] for match in map(CALL.search, text.splitlines()) if match]
    return [re.split(r"\s(?:\|\||&&|;)\s|'$", each)[0].replace("$RUNNER_TEMP/", "").strip() for each in found]


CALLS = sorted({call for path in (PAGE, *WORKFLOWS) for call in commands(path)})


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    """The folder ``ci`` of the page, with its gate."""
    (own,) = [block for block in blocks("yaml") if block.startswith("name: release")]
    folder = tmp_path / "gate"
    folder.mkdir()
    (folder / "release.yaml").write_text(own, encoding="utf-8")
    return tmp_path


def test_commands_are_found() -> None:
    assert len(CALLS) >= 8


@pytest.mark.parametrize("call", CALLS)
def test_the_command_line_understands_it(call: str, config_dir: Path) -> None:
    words = shlex.split(call.replace("$DEVICE", "CPU"))
    if words[0] not in COMMANDS:
        overrides = [word for word in words if word != "-m"]
        assert load_matrix(overrides, sweep="-m" in words)
        return
    name, *rest = words
    command = typer.main.get_command(application(name))
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, rest, allow_extra_args=True, allow_interspersed_args=False)
        name, command, rest = command.resolve_command(context, rest)
    parameters = command.make_context(name, list(rest)).params
    own = str(config_dir) if parameters.get("config_dir") else None
    plain = [word for word in parameters.get("words") or parameters.get("overrides") or [] if "=" in word]
    assert load(plain, own).gate.name in ("none", "ci", "accuracy", "release")
    for side in ("before", "after"):
        if side in parameters:
            assert parse_side(re.sub(r"python=\S+", "", parameters[side]), plain, own)


def test_the_gates_on_the_page_are_gates(config_dir: Path) -> None:
    gates = [yaml.safe_load(block) for block in blocks("yaml") if block.startswith("name: ") and "limits:" in block]
    assert [validate(Gate, gate) for gate in gates] == [
        load(["gate=ci"]).gate,
        load(["gate=release"], str(config_dir)).gate,
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_ask_for_nothing_that_they_do_not_need(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert set(job.get("permissions", {}).values()) <= {"read"}
        assert "timeout-minutes" in job
        for step in job["steps"]:
            if str(step.get("uses", "")).startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "what the shell runs must not be made of expressions"


def test_the_python_on_the_page_uses_what_there_is() -> None:
    (suite,) = blocks("python")
    compile(suite, "ci.md", "exec")
    used = set(re.findall(r"cell\.(\w+)", suite + PAGE.read_text(encoding="utf-8")))
    assert used <= set(dir(LimitedRun)) | set(LimitedRun.__dataclass_fields__)
