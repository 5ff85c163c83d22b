"""A summary and annotations whose texts stay texts on GitHub and elsewhere."""

import html
import re
from collections.abc import Callable

import pytest

from ocrbench.report.comparison import Judged
from ocrbench.report.pull_request import (
    ANNOTATIONS_SHOWN,
    CHARACTERS_SHOWN,
    FLIPPED_SHOWN,
    annotations,
    code,
    to_pull_request,
)

Judge = Callable[..., Judged]
HOSTILE = [
    "<script>alert(1)</script>",
    "</code></td></details>",
    "a|b\\|c",
    "`code` ``more``",
    "**bold** _thin_ ~~gone~~",
    "[link](https://example.org) ![x](y)",
    "@someone #12 :smile: $x^2$ www.example.org",
    "two\n\n# lines\r\n```",
    "&lt;b&gt;",
    "\x1b[31mred\u202eder",
]


def test_the_verdict_comes_first_then_the_gate(judge: Judge) -> None:
    lines = to_pull_request([judge(latency=(1.08, 1.12))]).decode().splitlines()
    assert lines[0].startswith("### B is worse (regressed): latency_p50_ms +10.0 %")
    assert "Gate ci: **fail**" in lines
    assert r"| latency_p50_ms max_worse=0.03 | **fail** | +10.0 % \[+8.0, +12.0\], allowed +3 % |" in lines
    assert r"| latency_p50_ms | 100.0 | 110.0 | +10.0 % \[+8.0, +12.0\] | slower | 40 |" in lines
    assert not any(line.startswith("| peak_rss_mb |") for line in lines), "neither decisive nor changed"


def test_without_limits_there_is_no_gate(judge: Judge) -> None:
    assert "Gate" not in to_pull_request([judge(limits=())]).decode()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text: str, judge: Judge) -> None:
    judged = judge(before=text, after=text, warnings=[text], flipped=[(text, text, text, text)])
    written = to_pull_request([judged]).decode()
    tags = re.findall(r"</?([a-z]+)>", written)
    assert set(tags) == {"code", "details", "summary"}
    shown = re.findall(r"<code>(.*?)</code>", written)
    assert len(shown) == 7
    for each in shown:
        expected = " ".join(text.split()).replace("\x1b", "\ufffd").replace("\u202e", "\ufffd")
        assert html.unescape(each) == expected
        assert not set(re.sub(r"&#\d+;", "", each)) & set("<>&`*_~[]|\\@#:$!")
    rows = [line for line in written.splitlines() if line.startswith("| <code>")]
    assert [row.count("|") for row in rows] == [5]


def test_a_long_list_is_folded_and_cut(judge: Judge) -> None:
    flipped = [(f"{number}.png", "@" * 1000, "", "x") for number in range(1000)]
    written = to_pull_request([judge(flipped=flipped, warnings=["@" * 1000] * 1000)]).decode()
    assert "<details><summary>1000 words that only one side got right</summary>" in written
    assert f"and {1000 - FLIPPED_SHOWN} more" in written
    assert "and 980 more" in written
    assert len(written) < 65_536


def test_nothing_is_a_dash_and_long_text_is_cut() -> None:
    assert code("") == "–"
    assert code("x" * 1000) == f"<code>{'x' * (CHARACTERS_SHOWN - 1)}…</code>"


def test_several_comparisons_follow_each_other(judge: Judge) -> None:
    assert to_pull_request([judge(), judge()]).decode().count("### ") == 2


def test_what_failed_is_an_error_and_what_is_undecided_a_warning(judge: Judge) -> None:
    lines = annotations([judge(latency=(1.08, 1.12), before="a", after="b", warnings=["detector executed f32"])])
    assert lines == [
        "::error title=a → b::latency_p50_ms max_worse=0.03: +10.0 %25 [+8.0, +12.0], allowed +3 %25",
        "::warning title=a → b::peak_rss_mb max_worse=0.1: there is no interval for a decision",
        "::warning title=a → b::latency_p99_ms at_most=120: was not measured on both sides",
        "::notice title=a → b::detector executed f32",
    ]


def test_without_limits_the_verdict_is_annotated(judge: Judge) -> None:
    (error,) = annotations([judge(latency=(1.08, 1.12), limits=())])
    assert error.startswith("::error title=precision=FP16 → precision=INT8::B is worse")
    (warning,) = annotations([judge(latency=(0.9, 1.1), limits=())])
    assert warning.startswith("::warning ")
    assert annotations([judge(limits=())]) == []


def test_texts_are_escaped(judge: Judge) -> None:
    (line,) = annotations([judge(limits=(), before="a,b:c%\n", after="::error::", warnings=["100 %,:\r\n\udcff"])])
    assert line == "::notice title=a%2Cb%3Ac%25%0A → %3A%3Aerror%3A%3A::100 %25,:%0D%0A\\udcff"


def test_no_more_than_github_shows(judge: Judge) -> None:
    assert len(annotations([judge(limits=(), warnings=["same"] * 50)])) == ANNOTATIONS_SHOWN
