"""The zoo tools' own virtual environment, made from a wheel that the test writes; nothing is fetched."""

import base64
import hashlib
import json
import os
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ocrbench.config.composing import load
from ocrbench.convert import tools
from ocrbench.convert.omz import ZooFolder
from ocrbench.convert.tools import (
    COMPLETE,
    CONVERTER,
    DESCRIBER,
    DOWNLOADER,
    WITHOUT_TELEMETRY,
    ZooTools,
    run_streaming,
)
from ocrbench.errors import ModelError

TOOL = """
import json, os, sys
def main():
    print(json.dumps({"python": sys.prefix, "arguments": sys.argv[1:], "path": os.environ.get("PYTHONPATH")}))
"""

Make = Callable[..., ZooTools]


def write_wheel(folder: Path, name: str, files: dict[str, str]) -> None:
    """Write a pure Python wheel, with the checksums that pip wants."""
    info = f"{name}-1.0.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {path: hashlib.sha256(text.encode()).digest() for path, text in files.items()}
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}," for path, digest in digests.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"])
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    scripts = "".join(f"{name} = zoo_tools:main\n" for name in (DOWNLOADER, CONVERTER))
    entry_points = {"zoo_tools-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{scripts}"}
    write_wheel(folder, "zoo_tools", {"zoo_tools.py": TOOL} | entry_points)
    write_wheel(folder, "for_pytorch", {"for_pytorch.py": ""})
    return folder


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(wheels: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Make:
    """Prepare to make an environment where no tools are installed beside us or on the path."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
    # As for any pip.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setattr(tools, "PYTORCH_REQUIREMENTS", ("for_pytorch",))

    def prepare(requirement: str = "zoo_tools==1.0") -> ZooTools:
        monkeypatch.setattr(tools, "REQUIREMENTS", (requirement,))
        return ZooTools(tmp_path / "cache", said.append)

    return prepare


@pytest.mark.slow
class TestEnvironment:
    def test_made_once_and_used_again(self, make: Make, said: list[str]) -> None:
        command = make().command(DOWNLOADER)
        assert Path(command).parent.parent == make().folder
        assert any(text.startswith("making a virtual environment") for text in said)
        answer = json.loads("".join(run_streaming([command, "--name", "x"], said.append).lines))
        assert answer == {"python": str(make().folder), "arguments": ["--name", "x"], "path": str(WITHOUT_TELEMETRY)}
        said.clear()
        assert make().command(DOWNLOADER) == command
        assert said == []
        # Packages for PyTorch are added when first needed.
        make().command(CONVERTER, pytorch=True)
        assert said[0] == "installing for_pytorch"
        assert list(make().folder.rglob("for_pytorch.py"))
        said.clear()
        make().command(CONVERTER, pytorch=True)
        assert said == []
        # What was left half-made is made again.
        (make().folder / COMPLETE).unlink()
        Path(command).write_text("damaged", encoding="utf-8")
        make().command(DOWNLOADER)
        assert "is incomplete, and is made again" in said[0]
        assert run_streaming([command], said.append).status == 0

    def test_what_pip_cannot_find_is_one_line(self, make: Make) -> None:
        missing = make("no_such_tools==9")
        with pytest.raises(ModelError) as caught:
            missing.command(DOWNLOADER)
        message = str(caught.value)
        assert message.startswith("Cannot install the Open Model Zoo's tools (no_such_tools==9): ")
        assert "No matching distribution found for no_such_tools==9" in message
        assert "omz.root=PATH" in message
        assert "\n" not in message
        assert not (missing.folder / COMPLETE).exists()

    def test_other_requirements_have_another_environment(self, make: Make) -> None:
        assert make().folder != make("zoo_tools").folder
        assert make().folder == make().folder


def script(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
class TestFinding:
    def test_on_the_path_first_then_beside_the_interpreter(
        self, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        beside = script(Path(sys.executable).parent / DOWNLOADER)
        assert make().command(DOWNLOADER) == str(beside)
        on_path = script(tmp_path / "bin" / DOWNLOADER)
        monkeypatch.setenv("PATH", str(on_path.parent))
        assert make().command(DOWNLOADER) == str(on_path)

    def test_a_python_that_makes_no_environments_is_explained(
        self, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As Debian's without its package python3-venv."""
        monkeypatch.setattr(sys, "_base_executable", str(script(tmp_path / "python3", "exit 1")))
        with pytest.raises(ModelError) as caught:
            make().command(DOWNLOADER)
        assert [part for part in ("python3-venv", "omz.root=PATH") if part not in str(caught.value)] == []
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "described", ["DeprecationWarning: old", "[]", "[{}]", '[{"model_stages": [], "model_config": "/nowhere"}]']
    )
    def test_what_is_not_known_of_a_file_does_not_hide_why_it_failed(
        self, described: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script(tmp_path / "bin" / DOWNLOADER, "echo '#### Error: Hash mismatch for \"model.bin\"'; exit 1")
        script(tmp_path / "bin" / DESCRIBER, f"echo '{described}'")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        cell = load(["detector=horizontal_text_detection_0001", f"cache_dir={tmp_path / 'cache'}"])
        with pytest.raises(ModelError, match=r"^Cannot download horizontal-text-detection-0001: Hash mismatch\. "):
            ZooFolder(cell, "FP16").fetch(cell.detector.source, lambda _: None)

    def test_a_tool_finds_its_neighbours_but_not_our_packages(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", "/ours")
        script(tmp_path / "mo", "echo neighbour")
        outer = script(tmp_path / "outer", 'mo; echo "path: $PYTHONPATH"; cat; exit 3')
        output = run_streaming([str(outer)], lambda _: None)
        assert (output.lines, output.status) == (["neighbour", f"path: {WITHOUT_TELEMETRY}"], 3)
