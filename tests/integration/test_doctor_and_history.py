"""Noise of a real run, ``ocrbench doctor`` on the machine that runs the tests, ``ocrbench history`` on stored runs."""

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from subprocess import CompletedProcess

import pandas as pd
import pytest

from ocrbench.config.composing import load
from ocrbench.records import Score
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store

Command = Callable[..., CompletedProcess[str]]
LATENCIES = (100.0, 101.0, 99.5, 100.5, 120.0, 121.0, 119.0, 120.5)


def test_a_real_run_tells_how_quiet_it_was(sample_run: tuple[Path, CompletedProcess[str]]) -> None:
    (record,) = Store(sample_run[0]).runs()
    shares = [record.conditions[name] for name in ("steal_share", "other_cpu_share")]
    assert all(0 <= share <= 1 for share in shares)
    assert record.conditions["involuntary_switches"] >= 0
    # Each image is measured once.
    assert record.conditions["drift"] is None
    assert record.environment["source"]
    assert all(reason in sample_run[1].stdout for reason in record.noisy)


class TestDoctor:
    def test_it_says_what_it_found_as_json(self, ocrbench: Command, tmp_path: Path) -> None:
        done = ocrbench("doctor", "--json", f"reports_dir={tmp_path / 'not' / 'there'}")
        checks = json.loads(done.stdout)
        names = [each["check"] for each in checks]
        assert names[:3] == ["load", "other processes", "CPU steal"]
        assert {"CPU governor", "cores", "memory", "disk for reports_dir", "OpenVINO devices"} < set(names)
        assert names[-1] == "repeatability"
        assert {each["verdict"] for each in checks} <= {"ok", "note", "warn"}
        assert all(each["found"] for each in checks)
        (devices,) = (each for each in checks if each["check"] == "OpenVINO devices")
        assert devices["found"].startswith("CPU (")
        assert done.returncode == any(each["verdict"] == "warn" for each in checks)
        assert not (tmp_path / "not").exists()

    def test_its_table_and_exit_status_agree(self, ocrbench: Command) -> None:
        done = ocrbench("doctor")
        assert [
            word for word in ("check", "found", "verdict", "what to do", "repeatability") if word not in done.stdout
        ] == []
        assert done.returncode == (" warn " in done.stdout)

    def test_a_mistake_is_one_line(self, here: Command) -> None:
        done = here("doctor", "noise.drit=1")
        assert done.returncode == 2
        assert "did you mean drift?" in done.stderr


class TestHistory:
    @pytest.fixture(scope="class")
    @staticmethod
    def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
        reports = tmp_path_factory.mktemp("history")
        for number, value in enumerate(LATENCIES):
            add(reports, number, "fast", value, "noisy one" if number == 1 else "")
        add(reports, 8, "fast", None)
        add(reports, 9, "few", 7.0)
        return reports

    def test_runs_are_listed_with_the_change_of_level(self, here: Command, reports: Path) -> None:
        done = here("history", "latency_p50_ms", "--reports", reports, "--series", "fast")
        assert done.returncode == 0, done.stderr
        assert "The level changed: +20.0 % (worse) from fast-5 on." in done.stdout
        assert "commit004" in done.stdout
        assert "failed" in done.stdout
        assert "▁" in done.stdout
        assert "few" not in done.stdout

    def test_too_few_runs_say_so(self, here: Command, reports: Path) -> None:
        done = here("history", "latency_p50_ms", "--reports", reports, "--cell", "few")
        assert "Runs with a value: 1. To tell a change from noise, 6 are needed." in done.stdout

    def test_a_tilde_is_the_home_folder(self, here: Command, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(reports.parent))
        done = here("history", "latency_p50_ms", f"--reports=~/{reports.name}", "--series", "few")
        assert done.returncode == 0, done.stderr

    def test_csv_has_every_run(self, here: Command, reports: Path) -> None:
        done = here("history", "latency_p50_ms", "--reports", reports, "--csv")
        rows = list(csv.DictReader(done.stdout.splitlines()))
        assert [float(row["value"]) for row in rows if row["value"]] == [*LATENCIES, 7.0]
        assert [row["change"] for row in rows if row["change"]] == ["+20.0 % (worse)"]
        assert [row["noisy"] for row in rows if row["noisy"]] == ["noisy one"]
        assert [(row["status"], row["error"]) for row in rows if row["error"]] == [("failed", "out of memory")]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("latency_p5_ms",), "latency_p5_ms: no such metric; did you mean latency_p50_ms?"),
            (("latency_p50_ms", "--series", "fasd"), "no runs of 'fasd' in"),
            (("latency_p50_ms", "--reports", "nowhere"), "no runs in nowhere"),
        ],
    )
    def test_mistakes_are_one_line(self, words: tuple[str, ...], message: str, here: Command, reports: Path) -> None:
        done = here("history", "--reports", reports, *words)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def add(reports: Path, number: int, series: str, value: float | None, noisy: str = "") -> None:
    score = Score(stage="end_to_end", metric="latency_p50_ms", value=value or 0, unit="ms", higher_is_better=False, n=3)
    record = Run(
        run_id="",
        cell_id=series,
        series=series,
        started=f"2030-01-01T00:00:{number:02}",
        status="failed" if value is None else "ok",
        error="out of memory" if value is None else "",
        config=asdict(load([])),
        conditions={"git": {"commit": f"commit{number:03}", "dirty": False}},
        noisy=(noisy,) if noisy else (),
        score_list=() if value is None else (score,),
    )
    Store(reports).add(record, pd.DataFrame(), [])
