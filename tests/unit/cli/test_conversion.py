"""``ocrbench conversion``: the gate is held against FP32 and decides the exit status."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ocrbench.cli import conversion, main
from ocrbench.compare.verdict import Change, Comparison
from ocrbench.metrics.intervals import Interval


def fallen(metric: str, low: float, high: float) -> Change:
    interval = Interval(estimate=(low + high) / 2, low=low, high=high)
    return Change(
        metric=metric,
        before=0.8,
        after=0.8 + interval.estimate,
        interval=interval,
        margin=0.005,
        n=40,
    )


@pytest.mark.parametrize(
    ("gate", "words", "low", "high", "status", "outcome"),
    [
        ("accuracy", [], -0.2, -0.1, 1, "fail"),
        ("accuracy", [], -0.2, 0.1, 3, "undecided"),
        ("accuracy", ["--undecided=pass"], -0.2, 0.1, 0, "undecided"),
        ("accuracy", ["--undecided=fail"], -0.2, 0.1, 1, "undecided"),
        ("accuracy", ["--undecided=pass"], -0.2, -0.1, 1, "fail"),
        ("accuracy", [], -0.001, 0.001, 0, "pass"),
        ("none", [], -0.2, -0.1, 0, ""),
    ],
)
def test_exit_status(
    gate: str,
    words: list[str],
    low: float,
    high: float,
    status: int,
    outcome: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changes = (fallen("det_hmean", -0.001, 0.001), fallen("e2e_hmean", low, high))
    against_fp32 = Comparison(before="FP32", after="INT8", changes=changes)
    monkeypatch.setattr(conversion, "measure_conversion", lambda *_: SimpleNamespace(against_fp32=against_fp32))
    monkeypatch.setattr(conversion, "_write", lambda *_: tmp_path)
    monkeypatch.setattr(conversion, "_show", lambda *_: None)
    with pytest.raises(SystemExit) as caught:
        main(["conversion", f"gate={gate}", f"reports_dir={tmp_path}", *words])
    assert caught.value.code == status
    assert (f"gate {outcome}: e2e_hmean " in capsys.readouterr().out) == bool(outcome)
