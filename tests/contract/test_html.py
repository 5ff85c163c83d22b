"""The numbers of the HTML page are those of the tables."""

import json
import math
import re
import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pandas as pd
import pytest

from ocrbench.config.composing import load
from ocrbench.config.schema import NOT_MEASURED
from ocrbench.report.html import load_report, report_data
from ocrbench.report.tables import to_parquet
from ocrbench.runs import table
from ocrbench.runs.columns import NAMES, text
from ocrbench.runs.run import Run
from ocrbench.runs.store import Store

NOT_COMPARED = (*NOT_MEASURED, "omz", "attest")
Command = Callable[..., CompletedProcess[str]]
WriteRun = Callable[..., Run]
Reports = tuple[Path, CompletedProcess[str]]
DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def embedded(page: Path) -> dict[str, Any]:
    (found,) = DATA.findall(page.read_text(encoding="utf-8"))
    return dict(json.loads(found))


@pytest.fixture(scope="module")
def content(
    sample_run: Reports, write_run: WriteRun, ocrbench: Command, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """The page's data of a real run, two made up ones and a failed one, with the same runs as Parquet."""
    made = tmp_path_factory.mktemp("made")
    write_run(made, "precision=INT8", ms=1 / 3, wrong=1)
    write_run(made, "precision=FP32", ms=2 / 3)
    write_run(made, error="reason")
    done = ocrbench("report", sample_run[0], made, "--output", made / "page.html")
    assert done.returncode == 0, done.stderr
    records = [*Store(sample_run[0]).runs(), *Store(made).runs()]
    (made / "runs.parquet").write_bytes(to_parquet(table.wide(records)))
    return embedded(made / "page.html"), pd.read_parquet(made / "runs.parquet"), (made / "page.html").read_text("utf-8")


def test_every_cell_of_the_table_is_in_the_page(content: Any) -> None:
    data, frame, _ = content
    assert len(data["runs"]) == len(frame) == 4
    for run, row in zip(data["runs"], frame.to_dict("records"), strict=True):
        assert set(run["row"]) == set(NAMES)
        for name, value in row.items():
            empty = value is None or (isinstance(value, float) and math.isnan(value))
            assert run["row"][name] == (None if empty else value), name


def test_what_sections_say_of_a_run_are_the_tables_numbers(content: Any) -> None:
    data, frame, page = content
    rows = frame.to_dict("records")
    for index, bounds in data["sections"]["pareto"]["intervals"].items():
        for name, (low, high) in bounds.items():
            assert low <= rows[int(index)][name] <= high
    for group in data["sections"]["summary"]["groups"]:
        for index, sentence in group["numbers"].items():
            shown = [text(name, rows[int(index)][name]) for name in (group["accuracy"], group["speed"])]
            assert all(number in sentence for number in shown)
        for winner in group["winners"]:
            assert winner["numbers"].split(" [")[0] in page


def test_the_columns_are_the_tables(content: Any) -> None:
    data, frame, _ = content
    assert {column["name"] for column in data["columns"]} == set(frame.columns)
    numbers = {column["name"] for column in data["columns"] if column["number"]}
    assert numbers == set(frame.select_dtypes("float64").columns)


def test_the_command_of_a_real_run_measures_it_again(sample_run: Reports) -> None:
    (record,) = Store(sample_run[0]).runs()
    (run,) = report_data(load_report([str(sample_run[0])])).sections["environment"]["runs"]
    words = shlex.split(run["command"])
    again = json.loads(json.dumps(asdict(load(words[3:]))))
    assert {name: again[name] for name in again if name not in NOT_COMPARED} == {
        name: each for name, each in record.config.items() if name not in NOT_COMPARED
    }


def test_the_command_line_says_what_it_wrote(sample_run: Reports, ocrbench: Command, tmp_path: Path) -> None:
    done = ocrbench("report", sample_run[0], "--output", tmp_path / "page.html", "--title", "Kiosk <1>")
    assert re.search(r"1 run: .*page\.html \(\d+\.\d MB\), in short: .*page\.md", done.stdout)
    assert "<h1><bdi>Kiosk &lt;1&gt;</bdi></h1>" in (tmp_path / "page.html").read_text("utf-8")
    assert (tmp_path / "page.md").read_text("utf-8").startswith("# Kiosk &lt;1&gt;\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "nowhere: no such folder"),
        (("nowhere", "--serve"), "nowhere: no such folder"),
        ((".", "--serve", "--output", "a.html"), "--serve writes no file"),
        ((".", "--output", "page.md"), "--output page.md: expected a name for the HTML page"),
        ((".", "--output", "."), ".: cannot be written: it is a folder"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], message: str, here: Command) -> None:
    done = here("report", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"ocrbench: {message}")
    assert done.stderr.count("\n") == 1
