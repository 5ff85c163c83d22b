"""What is shown of texts from elsewhere."""

import json
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from ocrbench.cli.commands import make_console
from ocrbench.neutral import for_spreadsheet, for_terminal
from ocrbench.report.tables import to_csv, to_markdown

HOSTILE = "\x1b]0;title\x07 \x1b[2J \x9b31m \u202e"


@given(st.text())
def test_nothing_for_a_terminal_controls_it(text: str) -> None:
    shown = for_terminal(text)
    assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t"]


@pytest.mark.parametrize("text", ["Ünïcödé", "北京", "שלום", "न्\u200dर", "two\nlines", "a\tb", ""])
def test_text_stays_as_it_is(text: str) -> None:
    assert for_terminal(text) == text


def test_a_console_prints_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(HOSTILE)
    table.add_row(Text(HOSTILE))
    console = make_console()
    for each in (Text(HOSTILE), HOSTILE, table):
        console.print(each, soft_wrap=True)
    printed = capsys.readouterr().out
    assert for_terminal(printed) == printed
    assert "\\u001b" in printed


def test_json_stays_json() -> None:
    plain = {"text": "\x7f\x9b\u202e"}
    assert json.loads(for_terminal(json.dumps(plain, ensure_ascii=False))) == plain


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-1+A1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_computes_nothing(text: str) -> None:
    assert for_spreadsheet(text) == f"'{text}"
    frame = pd.DataFrame({"error": [text], "latency": [-1.5]})
    assert to_csv(frame).decode().splitlines()[1].lstrip('"').startswith("'")
    assert ",-1.5" in to_csv(frame).decode()


def test_markdown_has_no_control_characters(make_frame: pd.DataFrame) -> None:
    written = to_markdown(make_frame).decode()
    assert for_terminal(written) == written


@pytest.fixture
def make_frame(write_run: object, tmp_path: object) -> pd.DataFrame:
    from ocrbench.runs.store import Store
    from ocrbench.runs.table import wide

    write_run(tmp_path, error=HOSTILE)  # type: ignore[operator]
    return wide(Store(tmp_path).runs())  # type: ignore[arg-type]
