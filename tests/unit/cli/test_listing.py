"""``ocrbench list``: tables that fit a terminal, and everything as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from ocrbench.cli import main
from ocrbench.files import choices

WIDTH = 80
KEYS = {
    "devices": ["name", "full_name", "capabilities", "native"],
    "datasets": ["name", "format", "root", "version", "granularity", "limit", "seed", "options"],
    "columns": ["name", "group", "number", "unit", "scenarios", "meaning", "better"],
    "detectors": [
        *("name", "family", "licence", "languages", "homepage", "min_openvino", "size_mb", "input"),
        *("source", "on_disk"),
    ],
}


def listed(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["list", *words])
    assert caught.value.code == 0
    return capsys.readouterr().out


def parsed(*words: str, capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(listed(*words, "--json", capsys=capsys))


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A folder with a detector and a dataset that build on shipped ones, as only Hydra can compose."""
    for group, base in {"detector": "whole_image", "dataset": "folder"}.items():
        (tmp_path / group).mkdir()
        text = f"defaults:\n  - {base}\nname: mine\n"
        (tmp_path / group / "mine.yaml").write_text(text, encoding="utf-8")
    return str(tmp_path)


@pytest.mark.parametrize("what", ["models", "datasets", "devices", "columns"])
def test_tables_fit_a_terminal(what: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    shown = listed(what, capsys=capsys)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert "…" not in shown
    if what in ("models", "datasets"):
        groups = ("detector", "recognizer", "model") if what == "models" else ("dataset",)
        words = shown.replace(",", " ").split()
        assert {name for group in groups for name in choices(group)} <= set(words)


def test_devices_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = parsed("devices", capsys=capsys)
    assert all(list(each) == KEYS["devices"] for each in found)
    assert "CPU" in [each["name"] for each in found]


def test_models_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = parsed("models", capsys=capsys)
    assert list(found) == ["detectors", "recognizers", "pairs"]
    assert all(list(each) == KEYS["detectors"] for each in (*found["detectors"], *found["recognizers"]))
    assert [each["name"] for each in found["recognizers"]] == choices("recognizer")
    assert found["pairs"] == choices("model")
    assert {each["name"]: each["on_disk"] for each in found["detectors"]}["whole_image"] is True


def test_datasets_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = {each["name"]: each for each in parsed("datasets", capsys=capsys)}
    assert list(found) == choices("dataset")
    assert all(list(each) == KEYS["datasets"] for each in found.values())
    assert Path(found["sample"]["root"]).is_dir()


def test_columns_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = {each["name"]: each for each in parsed("columns", capsys=capsys)}
    assert all(list(each) == KEYS["columns"] for each in found.values())
    assert [found[name]["better"] for name in ("e2e_hmean", "latency_p50_ms", "device")] == ["higher", "lower", ""]
    assert [found[name]["number"] for name in ("e2e_hmean", "device")] == [True, False]


def test_what_a_folder_of_your_own_adds(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    detectors = {each["name"]: each for each in parsed("models", "--config-dir", own, capsys=capsys)["detectors"]}
    assert detectors["mine"] == {**detectors["whole_image"], "name": "mine"}
    datasets = {each["name"]: each for each in parsed("datasets", "--config-dir", own, capsys=capsys)}
    assert datasets["mine"] == {**datasets["folder"], "name": "mine"}


def test_values_decide_where_models_are_looked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = tmp_path / "text-recognition-0014" / "FP16" / "text-recognition-0014.xml"
    network.parent.mkdir(parents=True)
    for path in (network, network.with_suffix(".bin")):
        path.touch()
    found = parsed("models", f"omz.root={tmp_path}", f"cache_dir={tmp_path}", capsys=capsys)
    on_disk = {each["name"]: each["on_disk"] for each in found["recognizers"]}
    assert (on_disk["text_recognition_0014"], on_disk["text_recognition_0012"]) == (True, False)
