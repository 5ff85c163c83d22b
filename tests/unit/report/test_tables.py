"""Tables for programs, in which what is read back is what was there, and Markdown that stays a table."""

import io
import re
from collections.abc import Callable

import pandas as pd
import pytest

from ocrbench.report.tables import to_csv, to_markdown, to_parquet
from ocrbench.runs import table
from ocrbench.runs.columns import COLUMNS, NAMES, NUMBERS
from ocrbench.runs.run import Run

READERS = {"csv": (to_csv, pd.read_csv), "parquet": (to_parquet, pd.read_parquet)}


@pytest.mark.parametrize(("write", "read"), READERS.values(), ids=READERS)
def test_round_trip(
    write: Callable[[pd.DataFrame], bytes],
    read: Callable[[io.BytesIO], pd.DataFrame],
    make_run: Callable[..., Run],
) -> None:
    hostile = 'quote", comma, newline\nGröße 文字 <b>'
    frame = table.wide([make_run(), make_run(error=hostile, dataset="ü,ö")])
    back = read(io.BytesIO(write(frame)))
    assert tuple(back.columns) == NAMES
    assert back["error"].tolist()[1] == hostile
    assert back["dataset"].tolist() == ["sample", "ü,ö"]
    numbers = list(NUMBERS)
    # In full, not rounded.
    pd.testing.assert_frame_equal(back[numbers], frame[numbers], check_exact=True)


def test_parquet_keeps_types_where_every_run_failed(make_run: Callable[..., Run]) -> None:
    frame = table.wide([make_run(error="x")])
    back = pd.read_parquet(io.BytesIO(to_parquet(frame)))
    assert str(back["det_hmean"].dtype) == "float64"


ALWAYS = [column.name for column in COLUMNS if column.shown == "always"]
HOSTILE = [
    "<script>alert(1)</script>",
    "a|b",
    "a\\|b",
    "C:\\data\\",
    "two\nlines",
    "carriage\rreturn",
    "line\u2028separator",
    "`code`",
    "**bold** _thin_ ~~gone~~",
    "[link](javascript:alert(1))",
    "![image](https://example.org/x.png)",
    "&lt;b&gt;",
]


def rows(markdown: bytes) -> list[list[str]]:
    """Split a table into cells as GitHub's Markdown does: a pipe divides unless a backslash escapes it."""
    lines = re.split(r"[\r\n\u2028]", markdown.decode().rstrip("\n"))
    return [[cell.strip() for cell in re.findall(r"\|((?:\\.|[^|\\])*)(?=\|)", line)] for line in lines]


def rendered(cell: str) -> str:
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_one_line_per_run_with_rounded_numbers(frame: pd.DataFrame) -> None:
    heading, rule, ok, failed = rows(to_markdown(frame))
    assert heading == [*ALWAYS, "error"]
    assert set(rule) == {"---"}
    values = dict(zip(heading, ok, strict=True))
    assert (values["det_hmean"], values["latency_p50_ms"], values["throughput_ips"]) == ("0.500", "12.3", "81.00")
    assert values["error"] == "–"
    values = dict(zip(heading, failed, strict=True))
    assert (values["status"], values["error"], values["det_hmean"]) == ("failed", "out of memory", "–")


def test_no_error_column_where_nothing_failed(make_run: Callable[..., Run]) -> None:
    assert rows(to_markdown(table.wide([make_run()])))[0] == [
        column.name for column in COLUMNS if column.shown == "always"
    ]


def test_ordinary_names_are_not_disfigured(make_run: Callable[..., Run]) -> None:
    text = to_markdown(table.wide([make_run(dataset="icdar2015_test-2.1")])).decode()
    assert " icdar2015_test-2.1 |" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_its_cell(text: str, make_run: Callable[..., Run]) -> None:
    markdown = to_markdown(table.wide([make_run(error=text, dataset=text)]))
    heading, _, row = rows(markdown)
    values = dict(zip(heading, row, strict=True))
    assert "<" not in markdown.decode()
    for name in ("dataset", "error"):
        assert rendered(values[name]) == " ".join(text.split())
        unescaped = re.sub(r"\\.", "", values[name])
        assert not set(unescaped) & set("`*~[]"), "markup that a renderer would act on"
        assert not re.search(r"\b_|_\b", unescaped)
