"""What a comparison leaves behind, and the status by which CI goes on or stops."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

import pytest

from ocrbench.cli.comparison import Outputs, exit_status, publish, report
from ocrbench.cli.files import existing
from ocrbench.config.schema import Gate, Limit
from ocrbench.errors import ConfigError
from ocrbench.report.comparison import Judged

Judge = Callable[..., Judged]
SLOWER, SAME, UNCLEAR, FASTER = (1.08, 1.12), (1.0, 1.01), (0.9, 1.1), (0.88, 0.92)
LATENCY = (Limit(metric="latency_p50_ms", max_worse=0.03),)


@pytest.fixture(autouse=True)
def no_ci_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("limits", [LATENCY, ()])
@pytest.mark.parametrize(
    ("latencies", "expected"),
    [
        ([SAME], 0),
        ([FASTER], 0),
        ([SLOWER], 1),
        ([UNCLEAR], 3),
        ([SAME, UNCLEAR], 3),
        ([UNCLEAR, SLOWER, FASTER], 1),
    ],
)
def test_the_gravest_outcome_is_the_status(
    latencies: list[tuple[float, float]], expected: int, limits: tuple[Limit, ...], judge: Judge
) -> None:
    assert exit_status([judge(latency=latency, limits=limits) for latency in latencies]) == expected


@pytest.mark.parametrize("limits", [LATENCY, ()])
@pytest.mark.parametrize(
    ("undecided", "latencies", "expected"),
    [
        ("pass", [UNCLEAR], 0),
        ("fail", [UNCLEAR], 1),
        ("pass", [SAME, UNCLEAR, SLOWER], 1),
        ("fail", [SAME, FASTER], 0),
    ],
)
def test_undecided_counts_as_a_team_chooses(
    undecided: Literal["pass", "fail"],
    latencies: list[tuple[float, float]],
    expected: int,
    limits: tuple[Limit, ...],
    judge: Judge,
) -> None:
    assert exit_status([judge(latency=latency, limits=limits) for latency in latencies], undecided) == expected


@pytest.mark.parametrize(
    ("undecided", "clauses"), [(None, []), ("pass", ["; counts as passed"]), ("fail", ["; counts as failed"])]
)
@pytest.mark.parametrize("limits", [LATENCY, ()])
def test_the_verdict_stays_undecided_and_says_what_it_counts_as(
    undecided: Literal["pass", "fail"] | None,
    clauses: list[str],
    limits: tuple[Limit, ...],
    judge: Judge,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate = Gate(name="own", limits=limits)
    report([judge(latency=latency).comparison for latency in (UNCLEAR, SAME)], gate, Outputs(), undecided)
    lines = capsys.readouterr().out.splitlines()
    start = "gate undecided: " if limits else "There is no verdict (undecided): "
    (decisive,) = [line for line in lines if line.startswith(start)]
    assert [line[line.index("; counts as") :] for line in lines if "counts as" in line] == clauses
    assert ("counts as" in decisive) == bool(clauses)


def test_a_trade_off_without_a_gate_is_for_people_to_judge(judge: Judge) -> None:
    assert exit_status([judge(latency=SLOWER, hmean=(0.1, 0.2), limits=())]) == 0


@pytest.mark.parametrize(("path", "reason"), [("", "it is a folder"), ("file/x.json", "is not a folder")])
def test_what_cannot_be_written_is_found_before_measuring(path: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Outputs(json=tmp_path / "new" / "folder" / "x.json").check()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    with pytest.raises(ConfigError, match=f"cannot be written: .*{reason}"):
        Outputs(json=tmp_path / path).check()


def test_only_what_was_asked_for_is_written(tmp_path: Path, judge: Judge, capsys: pytest.CaptureFixture[str]) -> None:
    publish([judge()], Outputs(junit=tmp_path / "new" / "junit.xml"))
    assert [path.name for path in tmp_path.rglob("*.*")] == ["junit.xml"]
    assert ET.parse(tmp_path / "new" / "junit.xml").getroot().tag == "testsuites"
    assert capsys.readouterr().out == ""


def test_every_format_is_written(tmp_path: Path, judge: Judge) -> None:
    files = {name: tmp_path / name for name in ("junit", "markdown", "json", "benchmark_json")}
    publish([judge(), judge()], Outputs(**files))
    assert len(ET.parse(files["junit"]).getroot()) == 2
    assert files["markdown"].read_text(encoding="utf-8").startswith("### ")
    assert len(json.loads(files["json"].read_bytes())["comparisons"]) == 2
    assert len(json.loads(files["benchmark_json"].read_bytes())["benchmarks"]) == 4


def test_the_step_summary_is_appended_to(
    tmp_path: Path, judge: Judge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    publish([judge()], Outputs())
    publish([judge()], Outputs())
    written = summary.read_text(encoding="utf-8")
    assert written.startswith("before\n### ")
    assert written.count("\n### ") == 2
    assert capsys.readouterr().out == ""


def test_annotations_are_for_github_only(
    judge: Judge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    publish([judge(latency=SLOWER, before="long " * 100)], Outputs())
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning", "::warning"]


def test_a_file_that_cannot_be_written_is_the_users_mistake(tmp_path: Path, judge: Judge) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"junit\.xml: cannot be written: "):
        publish([judge()], Outputs(junit=tmp_path / "file" / "junit.xml"))


def test_a_config_folder_must_exist(tmp_path: Path) -> None:
    assert existing(None) is None
    assert existing(tmp_path) == str(tmp_path)
    with pytest.raises(ConfigError, match="no such folder"):
        existing(tmp_path / "missing")
