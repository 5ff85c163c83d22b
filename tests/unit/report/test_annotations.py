"""Annotations that GitHub's runner reads as what they are."""

from collections.abc import Callable

from ocrbench.report.comparison import Judged
from ocrbench.report.pull_request import ANNOTATIONS_SHOWN, annotations

Judge = Callable[..., Judged]


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
